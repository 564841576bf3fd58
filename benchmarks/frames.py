"""Scores one table in every way: labels and scores, rows a second and peak memory.

`python benchmarks/frames.py train.parquet test.parquet` takes the texts of the files in their
order, and repeats them until there are `--rows`. It writes them to one parquet file, in row groups
of 20,000 rows. Each way (a "road") reads this file in a process of its own, and writes a parquet
file. `--roads` names some of them. `--characters 200` cuts the texts, so that a million rows
take less time.

It prints JSON: for each road its rows a second, as a fraction of the fastest too, its peak memory,
and whether its labels and scores equal those of the first road, to the bit. `predict --input`
rounds scores to six decimals, so they are compared after rounding. The time counts from the opening
of the model to the end of the output. `start_seconds` is the time before: imports, and the start of
Ray or Spark. The memory of Ray and Spark is that of their largest process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from memory import finish

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import run_script
from sentiment_lstm.frames import score_frame

SOURCE = "source"
"""The name of the process that makes the table."""
ROW_GROUP = 20_000
BATCH = 5_000
"""The rows in a batch of Arrow, Ray and Spark."""


def from_list(source: Path, out: Path, model: str, threads: int) -> None:
    """Score a Python list: the reference."""
    classifier = SentimentClassifier.from_pretrained(model, threads)
    table = pq.read_table(source)
    results = classifier(table["body"].to_pylist())
    columns = [pa.array([result[key] for result in results]) for key in ("label", "score")]
    write(table["n"], columns, out)


def with_pandas(source: Path, out: Path, model: str, threads: int) -> None:
    import pandas as pd

    classifier = SentimentClassifier.from_pretrained(model, threads)
    score_frame(classifier, pd.read_parquet(source), "body").to_parquet(out)


def with_polars(source: Path, out: Path, model: str, threads: int) -> None:
    import polars as pl

    classifier = SentimentClassifier.from_pretrained(model, threads)
    score_frame(classifier, pl.scan_parquet(source), "body").sink_parquet(out)


def with_arrow(source: Path, out: Path, model: str, threads: int) -> None:
    classifier = SentimentClassifier.from_pretrained(model, threads)
    file = pq.ParquetFile(source)
    batches = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(BATCH))
    scored = score_frame(classifier, batches, "body")
    with pq.ParquetWriter(out, scored.schema) as writer:
        for batch in scored:
            writer.write_batch(batch)


def with_duckdb(source: Path, out: Path, model: str, threads: int) -> None:
    import duckdb

    from sentiment_lstm.frames.duckdb import add_sentiment

    classifier = SentimentClassifier.from_pretrained(model, threads)
    with duckdb.connect(config={"threads": threads}) as connection:
        add_sentiment(connection, classifier)
        query = f"SELECT *, unnest(sentiment(body)) FROM '{source}'"
        connection.sql(f"COPY ({query}) TO '{out}' (FORMAT parquet)")


def with_command(source: Path, out: Path, model: str, threads: int) -> None:
    from sentiment_lstm.cli import main as command

    sys.argv = ["sentiment-lstm", "predict", "--model", model, "--threads", str(threads)]
    sys.argv += ["--input", str(source), "--output", str(out), "--text-column", "body"]
    try:
        command()
    except SystemExit as end:
        if end.code:
            raise


def with_ray(source: Path, out: Path, model: str, threads: int) -> None:
    import ray

    from sentiment_lstm.frames.ray import ScoreBatches

    ray.data.read_parquet(str(source)).map_batches(
        ScoreBatches,
        fn_constructor_args=[model, "body"],
        fn_constructor_kwargs={"threads": threads},
        batch_format="pyarrow",
        batch_size=BATCH,
        compute=ray.data.ActorPoolStrategy(size=1),  # one file is one block, for one worker
    ).write_parquet(str(out))


def with_spark(source: Path, out: Path, model: str, threads: int) -> None:
    from pyspark.sql import SparkSession

    from sentiment_lstm.frames.spark import sentiment_udf

    session = SparkSession.builder.getOrCreate()
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH))
    sentiment = sentiment_udf(SentimentClassifier.from_pretrained(model))
    reviews = session.read.parquet(str(source)).withColumn("sentiment", sentiment("body"))
    reviews.select("n", "body", "sentiment.*").write.parquet(str(out))


def start(road: str, threads: int) -> None:
    """Import what a road needs, and start Ray or Spark."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # as the other roads
    library = import_module(LIBRARIES.get(road, "pyarrow"))
    if road == "ray":
        library.init(num_cpus=threads, include_dashboard=False, logging_level="ERROR")
    if road == "spark":
        builder = library.SparkSession.builder.master(f"local[{threads}]")
        builder.config("spark.ui.enabled", "false").getOrCreate()


Road = Callable[[Path, Path, str, int], None]
ROADS: dict[str, Road] = {
    "list": from_list,
    "pandas": with_pandas,
    "arrow": with_arrow,
    "polars": with_polars,
    "duckdb": with_duckdb,
    "predict": with_command,
    "ray": with_ray,
    "spark": with_spark,
}

LIBRARIES = {
    "pandas": "pandas",
    "polars": "polars",
    "duckdb": "duckdb",
    "predict": "sentiment_lstm.cli",
    "ray": "ray",
    "spark": "pyspark.sql",
}


def write(numbers: Any, columns: Sequence[Any], out: Path) -> None:  # noqa: ANN401
    """Write the numbers of rows, their labels and their scores."""
    pq.write_table(pa.table([numbers, *columns], names=["n", "label", "score"]), out)


def make_source(options: argparse.Namespace) -> int:
    """Write the table to score; returns the number of its texts before they repeat."""
    column, rows, out = options.column, options.rows, options.out
    tables = [pq.read_table(file, columns=[column])[column] for file in options.files]
    cut = [text[: options.characters or None] for table in tables for text in table.to_pylist()]
    schema = pa.schema({"n": pa.int64(), "body": pa.string()})
    stream = cycle(cut)
    with pq.ParquetWriter(out, schema) as writer:
        for start in range(0, rows, ROW_GROUP):
            numbers = range(start, min(start + ROW_GROUP, rows))
            body = [next(stream) for _ in numbers]
            writer.write_table(pa.table({"n": numbers, "body": body}, schema=schema))
    return len(cut)


def verdicts(out: Path) -> tuple[list[str], list[float]]:
    """The labels and the scores of an output, in the order of the rows."""
    table = pq.read_table(out)
    label, score = ("label", "score") if "label" in table.column_names else table.column_names[-2:]
    table = table.sort_by("n")
    return table[label].to_pylist(), table[score].to_pylist()


def run(road: str, options: argparse.Namespace, files: Sequence[Path], out: Path) -> dict[str, Any]:
    """Run a road in a process of its own; returns its note and its peak memory.

    The first memory of a process is a copy of this one, so this one must stay small.
    """
    note = out.with_suffix(".json")
    call = [sys.executable, __file__, "--road", road, "--out", out, "--note", note, *files]
    call += ["--begun", time.monotonic()]  # one clock for all processes
    for name in ("column", "rows", "characters", "model", "threads"):
        call += [f"--{name}", getattr(options, name)]
    peak = round(finish(subprocess.Popen(list(map(str, call)))))
    return {**json.loads(note.read_text()), "peak_mb": peak}


def run_here(options: argparse.Namespace) -> int:
    """Run one road in this process, or make the table, and write a note."""
    if options.road == SOURCE:
        note: dict[str, float] = {"texts": make_source(options)}
    else:
        start(options.road, options.threads)
        started = time.monotonic()
        ROADS[options.road](options.files[0], options.out, options.model, options.threads)
        seconds = {"seconds": time.monotonic() - started, "start_seconds": started - options.begun}
        note = {name: round(value, 2) for name, value in seconds.items()}
    options.note.write_text(json.dumps(note))
    return 0


def compare(figures: dict[str, dict[str, Any]], folder: Path, rows: int) -> bool:
    """Add to each road its speed and whether its output is the first road's; returns if all are."""
    first = next(iter(figures))
    labels, scores = verdicts(folder / f"{first}.parquet")
    fastest = min(figure["seconds"] for figure in figures.values())
    for road, figure in figures.items():
        their_labels, their_scores = verdicts(folder / f"{road}.parquet")
        digits = 6 if "predict" in (first, road) else 17
        figure["rows_a_second"] = round(rows / figure["seconds"])
        figure["of_fastest"] = round(fastest / figure["seconds"], 2)
        figure["same"] = their_labels == labels and all(
            round(ours, digits) == round(theirs, digits)
            for ours, theirs in zip(scores, their_scores, strict=True)
        )
    return all(figure["same"] for figure in figures.values())


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options. Those without a description are for the processes of the roads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="parquet files of texts")
    parser.add_argument("--column", default="text", help="their column of texts")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--characters", type=int, default=0, help="cut texts; 0: whole texts")
    parser.add_argument("--roads", default=",".join(ROADS), help="with commas between them")
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    for name in ("--out", "--note"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--begun", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--road", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and compare."""
    options = parse(arguments)
    if options.road:
        return run_here(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "reviews.parquet"
        texts = run(SOURCE, options, options.files, source)["texts"]
        figures = {
            road: run(road, options, [source], folder / f"{road}.parquet")
            for road in options.roads.split(",")
        }
        same = compare(figures, folder, options.rows)
    facts = {"rows": options.rows, "texts": texts, "characters": options.characters}
    print(json.dumps({**facts, "model": options.model, "roads": figures}, indent=2))
    return 0 if same else 1


if __name__ == "__main__":
    run_script(main)
