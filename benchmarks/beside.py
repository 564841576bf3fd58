"""Trains and scores alone, and beside processes that keep every core busy.

    python benchmarks/beside.py [--rounds 3] [--busy 2] [--json FILE]

Three jobs on two threads: a short training, and scoring a file with PyTorch or with the shipped
graph. Each runs alone and beside the busy processes, and all also with threads that spin while
they wait (as GCC's OpenMP does if `OMP_WAIT_POLICY` is not set). The runs take turns, so that other
work of the machine slows all of them. Only the slowest, beside the others and spinning, runs once.
Seconds are those of the whole command. The medians of the seconds and of the ratios count.

On two cores, two threads beside two busy processes can have half of the time: a ratio of 2.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sentiment_lstm.data.grammar import sentences
from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import as_json, write_atomically

BESIDE_BAR, ALONE_BAR = 2.3, 1.05
"""Beside the busy processes against alone; alone against alone with threads that spin."""
SPINNING = {"GOMP_SPINCOUNT": "300000"}
"""What GCC's OpenMP uses if nothing is set. It overrides the waiting that the package chooses."""
SENTENCES = 12
"""Sentences of a text, all with the same label."""
COMMAND = "from sentiment_lstm.cli import main; main()"
SCORE_WITH_TORCH = """
import csv, sys
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.finding import find_model
from sentiment_lstm.inference.predictor import Predictor, open_torch
bundle = load_bundle(find_model("default"))
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    texts = [row["text"] for row in csv.DictReader(file)]
Predictor(bundle, open_torch(bundle, 2)).predict(texts)
"""


def write_rows(path: Path, rows: int) -> None:
    """Write a csv of generated texts with their labels: each has `SENTENCES` sentences."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        by_label: dict[str, list[str]] = {}
        for text, label, _ in sentences(seed=1):
            texts = by_label.setdefault(str(label), [])
            texts.append(text)
            if len(texts) == SENTENCES:
                writer.writerow([" ".join(texts), label])
                texts.clear()
                rows -= 1
            if not rows:
                return


def jobs(folder: Path, updates: int) -> dict[str, list[str]]:
    """The arguments of the jobs, after `python -c`."""
    rows, scored = folder / "rows.csv", folder / "scored.csv"
    training = ["train", "--data", str(rows), "--preset", "quick", "--threads", "2"]
    training += ["--set", f"training.max_steps={updates}", "--set", "training.embeddings=random"]
    scoring = ["predict", "--input", str(rows), "--output", str(scored), "--threads", "2"]
    return {
        "training": [COMMAND, *training, "--out", str(folder / "run")],
        "scoring, PyTorch": [SCORE_WITH_TORCH, str(rows)],
        "scoring, graph": [COMMAND, *scoring],
    }


def seconds(arguments: Sequence[str], folder: Path, **changes: str) -> float:
    """The seconds of a job, with changes of the environment."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    for name in ("scored.csv", "scored.csv.done.json"):
        (folder / name).unlink(missing_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
    call = [sys.executable, "-c", *arguments]
    start = time.monotonic()
    subprocess.run(call, env=environment | changes, check=True, capture_output=True)
    taken = time.monotonic() - start
    print(f"{taken:.1f} s", file=sys.stderr)
    return taken


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep processes busy during the block."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(arguments: Sequence[str], folder: Path, rounds: int, count: int) -> dict[str, Any]:
    """Medians of the seconds, and of the ratios in each round."""
    times: dict[str, list[float]] = {"alone": [], "beside": [], "alone, spinning": []}
    for _ in range(rounds):
        times["alone"].append(seconds(arguments, folder))
        times["alone, spinning"].append(seconds(arguments, folder, **SPINNING))
        with busy(count):
            times["beside"].append(seconds(arguments, folder))
    with busy(count):  # once is enough, because it takes long
        times["beside, spinning"] = [seconds(arguments, folder, **SPINNING)]
    return {
        "seconds": {name: round(statistics.median(values), 2) for name, values in times.items()},
        "beside / alone": _ratio(times["beside"], times["alone"]),
        "alone / spinning": _ratio(times["alone"], times["alone, spinning"]),
    }


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median ratio: the speed of the machine changes less within a round than between them."""
    return round(statistics.median(a / b for a, b in zip(above, below, strict=True)), 2)


def show(results: dict[str, dict[str, Any]]) -> None:
    names = list(next(iter(results.values()))["seconds"])
    table = Table("job", *names, "beside / alone", "alone / spinning")
    for job, result in results.items():
        values = [*result["seconds"].values(), result["beside / alone"], result["alone / spinning"]]
        table.add_row(job, *(f"{value:.2f}" for value in values))
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and show; the exit code says whether both bars are met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, default=2, help="busy processes")
    parser.add_argument("--updates", type=int, default=300, help="of the training")
    parser.add_argument("--rows", type=int, default=20_000, help="to read")
    parser.add_argument("--only", default="", help="jobs whose names contain this")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = jobs(folder, options.updates)
        chosen = {job: call for job, call in every.items() if options.only in job}
        if not chosen:
            parser.error(f"expected a part of {', '.join(every)} after --only: {options.only}")
        write_rows(folder / "rows.csv", options.rows)
        results = {
            job: measure(call, folder, options.rounds, options.busy) for job, call in chosen.items()
        }
    show(results)
    if options.json:
        write_atomically(options.json, as_json(results))
    met = all(
        result["beside / alone"] <= BESIDE_BAR and result["alone / spinning"] <= ALONE_BAR
        for result in results.values()
    )
    print(f"Bars: beside {BESIDE_BAR}, alone {ALONE_BAR}: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    run_script(main)
