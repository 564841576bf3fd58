"""Small stand-ins for the files and data sets of the documents, so that every block runs quickly.

`replace` lists the stand-ins. Everything else is real.
"""

import csv
import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents import ROOT

from sentiment_lstm import phases, presets
from sentiment_lstm.data import bundled, grammar, registry
from sentiment_lstm.data.source import Source
from sentiment_lstm.evaluation import cases
from sentiment_lstm.records import Row
from sentiment_lstm.settings import ModelSettings, Settings, TextSettings, TrainingSettings
from sentiment_lstm.training import gradient_study, race
from sentiment_lstm.training.gradient_study import Plan

HUB = "stanfordnlp/imdb"
_SMALL = Settings(
    text=TextSettings(min_frequency=1),
    model=ModelSettings(embedding_size=8, hidden_size=8, layers=1, pooling="max+mean"),
    training=TrainingSettings(epochs=1, max_steps=4, batch_tokens=400, threads=1),
)
_BAD, _GOOD = ("awful", "broken", "boring"), ("lovely", "superb", "useful")


def texts(count: int) -> list[tuple[str, bool]]:
    """Return different texts, and whether each is positive."""
    words = [(_BAD, _GOOD)[n % 2][n // 2 % 3] for n in range(count)]
    return [(f"The {word} thing number {n} came.", n % 2 == 1) for n, word in enumerate(words)]


def fill(folder: Path) -> None:
    """Write small versions of the files and folders that the documents read."""
    names = ("negative", "positive")
    tickets = [
        {"id": n, "body": text, "stars": 5 if good else 1, "product": ("lamp", "desk")[n // 2 % 2]}
        for n, (text, good) in enumerate(texts(80))
    ]
    reviews = [{"text": text, "label": names[good]} for text, good in texts(60)]
    reviews += [{"text": f"It is film number {n}.", "label": "neutral"} for n in range(20)]
    imdb = [{"review": row["text"], "sentiment": row["label"]} for row in reviews[:60]]
    irony = [{"text": text, "label": int(good)} for text, good in texts(40)]
    moods = [
        {"text": text, "mood": "|".join(["joy"] * good + ["love"] * (n % 3 == 0))}
        for n, (text, good) in enumerate(texts(60))
    ]
    _table(folder / "moods.csv", moods[:50])
    _table(folder / "new_moods.csv", moods[50:])
    _table(folder / "tickets.csv", tickets)
    new_tickets = [
        {"body": text, "label": "good" if good else "bad", "product": ("lamp", "desk")[n // 2 % 2]}
        for n, (text, good) in enumerate(texts(90)[80:])
    ]
    _table(folder / "new_tickets.csv", new_tickets)
    yours = [{"text": text, "label": names[good]} for text, good in texts(90)]
    _table(folder / "yours.csv", yours[:70])
    _table(folder / "test.csv", yours[70:])
    _table(folder / "reviews.csv", reviews)
    _table(folder / "more_texts.csv", [{"text": text} for text, _ in texts(50)])
    _table(folder / "IMDB Dataset.csv", imdb)
    _table(folder / "tickets" / "monday.csv", tickets[:40])
    _table(folder / "tickets" / "tuesday.csv", tickets[40:])
    (folder / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tickets))
    (folder / "reviews.txt").write_text("A lovely film.\nAn awful film, but not at the end.\n")
    for split, rows in (("train", irony), ("test", irony[:4])):
        _parquet(folder.parent / "shared" / "data" / "irony" / f"{split}.parquet", rows)
    _parquet(folder.parent / "hub" / "train.parquet", reviews[:60])
    _parquet(folder.parent / "hub" / "test.parquet", reviews[:10])
    for name in ("recipes", "src"):
        (folder / name).symlink_to(ROOT / name)


def replace(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Replace what is large or needs a network.

    - presets: four updates of a network of eight units, also with `--minutes`;
    - `imdb`, the hub's `stanfordnlp/imdb` and `data:irony`: a few dozen made-up texts;
    - `grammar:N`: at most 300 sentences;
    - the shipped suite of behaviour: every fortieth case;
    - the two phases of `compare` and the study of gradients: a few updates.
    """
    for name in presets.PRESETS:
        monkeypatch.setitem(presets.PRESETS, name, _SMALL)
    monkeypatch.setattr(race, "check", lambda settings, minutes: None)
    monkeypatch.setattr(
        bundled, "open_bundled", lambda data: Source(_imdb, ("negative", "positive"))
    )
    lines_of, suite = grammar.lines_of, cases.shipped_cases
    monkeypatch.setattr(grammar, "lines_of", lambda source: lines_of(source)[:300])
    monkeypatch.setattr(cases, "shipped_cases", lambda: suite()[::40])
    small = partial(Plan, steps=2, batch=4, hidden=8, measured=4, tested=8)
    monkeypatch.setattr(gradient_study, "Plan", small)
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, str(folder.parent / "shared" / "data"))
    _replace_phases(monkeypatch, str(folder.parent / "hub"))


def _replace_phases(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    compare_phases = phases.compare_phases  # patches do not reach its processes

    def compare(phase1: str, phase2: str, settings: Settings, steps: int, *rest: Any) -> Any:
        assert phase2 == f"hf:{HUB}"
        return compare_phases(phase1, folder, settings, min(steps, 4), *rest)

    monkeypatch.setattr(phases, "compare_phases", compare)


def _imdb():
    for n, (text, good) in enumerate(texts(60)):
        yield Row(text, ("negative", "positive")[good], f"imdb:{n}", n)


def spark(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Install a stand-in for Spark that scores three texts, and return a table `reviews`."""

    def predict_batch_udf(make: Any, return_type: Any, batch_size: int) -> Any:
        return lambda column: make()(np.array(["Superb.", None, "Dreadful."], dtype=object))

    def with_column(name: str, values: Any) -> Any:
        assert len(values["label"]) == len(values["score"]) == 3
        return SimpleNamespace(write=SimpleNamespace(parquet=lambda path: None))

    types = ("DoubleType", "StringType", "StructField", "StructType")
    _module(monkeypatch, "pyspark.ml.functions", predict_batch_udf=predict_batch_udf)
    _module(monkeypatch, "pyspark.sql.types", **dict.fromkeys(types, lambda *fields: fields))
    return {"reviews": SimpleNamespace(withColumn=with_column)}


def _module(monkeypatch: pytest.MonkeyPatch, name: str, **values: Any) -> None:
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        parent = ".".join(parts[:depth])
        monkeypatch.setitem(sys.modules, parent, sys.modules.get(parent, ModuleType(parent)))
    vars(sys.modules[name]).update(values)


def _table(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
