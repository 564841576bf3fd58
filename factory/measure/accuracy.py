"""Measure a model on reviews, sentences, tweets, products, restaurants and edited reviews.

    python -m factory.measure.accuracy --model runs/default

By default it measures on texts that may choose between models: validation splits and development
sets. `--test` measures on test splits. The sets are those of the registry (`data:NAME`); a set that
is not on this machine is left out. A text counts as positive if p(positive) is above one half.
Tweets have a third class: below 1/3 negative, above 2/3 positive, neutral between; their score is
macro recall.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Config, load_bundle
from sentiment_lstm.data.open import is_missing
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.behaviour import positive_scorer, verdict
from sentiment_lstm.evaluation.metrics import evaluate
from sentiment_lstm.evaluation_data import evaluation_data
from sentiment_lstm.records import Example
from sentiment_lstm.storage import as_json, write_atomically

TWO = {"0": "negative", "1": "positive"}
STARS = {"<2": "negative", ">2": "positive"}
THREE = {"0": "negative", "1": "neutral", "2": "positive"}


@dataclass(frozen=True)
class Measurement:
    """A set of texts: its source, the names of its labels, its splits and its columns.

    `develop` and `test` are the splits to measure on; None where the set has none.
    """

    name: str
    source: str
    label_map: dict[str, str]
    develop: str | None = "validation"
    test: str | None = "test"
    text: str = "text"
    label: str = "label"


SETS = (
    Measurement("IMDb reviews", "data:imdb", TWO),
    Measurement("treebank sentences", "data:sst", STARS, label="stars"),
    Measurement("tweets (macro recall)", "data:tweets", THREE),
    Measurement("product reviews", "data:products", TWO, develop=None),
    Measurement("restaurant sentences", "data:restaurants", TWO, test=None),
    Measurement("edited reviews", "data:counterfactual", TWO, test=None, text="edited"),
    Measurement("the same before the edit (seen in training)", "data:counterfactual", TWO,
                test=None, text="original", label="original_label"),
)  # fmt: skip


def examples_of(measurement: Measurement, config: Config, split: str) -> Iterable[Example] | None:
    """The labelled texts of a split; of the model's own source the texts that its training kept.

    None where the source has no such split and the model was not trained on it.
    """
    options = {
        "data.text_column": measurement.text,
        "data.label_column": measurement.label,
        "data.label_map": measurement.label_map,
    }
    wanted = evaluation_data(config, measurement.source, split, options)
    if wanted.kept_back and wanted.data.group_column is None:
        return None
    classes = tuple(dict.fromkeys(measurement.label_map.values()))
    return wanted.examples(SetAside(None), classes)


def measured(labels: Sequence[str], positive: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy, log-loss and calibration error of two classes; macro recall of three."""
    names = np.array(labels)
    if "neutral" in names:
        guesses = np.array([verdict(p) for p in positive])
        recalls = [float((guesses[names == c] == c).mean()) for c in np.unique(names)]
        return {"n": len(names), "score": float(np.mean(recalls))}
    right = (names == "positive").astype(np.int64)
    scores = evaluate(right, np.stack([1 - positive, positive], axis=1))
    return {
        "n": len(names),
        "score": scores.accuracy,
        "log_loss": scores.log_loss,
        "ece": scores.ece,
    }


def measure_sets(model: Path, *, test: bool) -> dict[str, dict[str, float]]:
    """The measures of every set on this machine, by its name; also shown as a table.

    Args:
        model: a run or bundle folder.
        test: measure on test splits; otherwise on what may choose between models.
    """
    classifier = SentimentClassifier.from_pretrained(model)
    config = load_bundle(model).config
    score = positive_scorer(classifier.predict_proba, config.classes)
    measures = {}
    for measurement in SETS:
        split = measurement.test if test else measurement.develop
        if split is None or is_missing(measurement.source):
            continue
        if (examples := examples_of(measurement, config, split)) is None:
            continue
        texts, labels = zip(*((e.text, str(e.label)) for e in examples), strict=True)
        measures[measurement.name] = measured(labels, score(texts))
    show(str(model), measures)
    return measures


def show(title: str, measures: Mapping[str, Mapping[str, float]]) -> None:
    """Print the measures, one line for each set."""
    table = Table("texts", "n", "score, %", "log-loss", "calibration error", title=title)
    for name, values in measures.items():
        more = [f"{values[k]:.4f}" if k in values else "" for k in ("log_loss", "ece")]
        table.add_row(name, f"{values['n']:,}", f"{values['score']:.2%}", *more)
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every set on this machine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a run or bundle folder")
    parser.add_argument("--test", action="store_true", help="measure on test splits")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    measures = measure_sets(options.model, test=options.test)
    if options.json:
        write_atomically(options.json, as_json(measures))
    return 0


if __name__ == "__main__":
    run_script(main)
