"""Measure a model on reviews, sentences, tweets, news, comments and edited reviews.

    python -m factory.measure.accuracy --model runs/default

By default it measures on texts that may choose between models: validation splits and development
sets. The output layer of `three/default` was fitted to the validation splits, so only the
restaurants and the edited reviews may judge that model. `--test` measures on test splits. The sets
are those of the registry (`data:NAME`); a set that is not on this machine is left out.

Sets of two classes are measured by polarity: P(positive) / (P(positive) + P(negative)). A text
counts as positive if it is above one half. The score of sets of three classes is macro recall. A
model of three classes names the likeliest one. A model of two classes says negative below 1/3,
positive above 2/3, and neutral between. Of the news, a part is measured that trains no model.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from factory.texts.sources import GOEMOTIONS, NEWS
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Config, load_bundle
from sentiment_lstm.data.open import is_missing
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.three_class_sets import NUMBERED, comments, news
from sentiment_lstm.data.three_class_sets import STARS as THREE_OF_STARS
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.behaviour import positive_scorer, verdict
from sentiment_lstm.evaluation.metrics import Scores, evaluate
from sentiment_lstm.evaluation.polarity import CLASSES, find_poles, two_columns
from sentiment_lstm.evaluation_data import evaluation_data
from sentiment_lstm.storage import as_json, write_atomically

TWO = {"0": "negative", "1": "positive"}
STARS = {"<2": "negative", ">2": "positive"}

Labelled = Iterable[tuple[str, str]]
"""Texts and the names of their classes."""


@dataclass(frozen=True)
class Measurement:
    """A set of texts: its source, the names of its labels, its splits and its columns.

    `develop` and `test` are the splits to measure on; None where the set has none. `read` reads a
    split by its name where columns do not describe it.
    """

    name: str
    source: str
    label_map: dict[str, str]
    develop: str | None = "validation"
    test: str | None = "test"
    text: str = "text"
    label: str = "label"
    read: Callable[[str], Labelled] | None = None


SETS = (
    Measurement("IMDb reviews", "data:imdb", TWO),
    Measurement("treebank sentences", "data:sst", STARS, label="stars"),
    Measurement("treebank, three classes (macro recall)", "data:sst", THREE_OF_STARS,
                label="stars"),
    Measurement("tweets (macro recall)", "data:tweets", NUMBERED),
    Measurement("news (macro recall)", NEWS, {}, read=news),
    Measurement("comments (macro recall)", GOEMOTIONS, {}, read=comments),
    Measurement("product reviews", "data:products", TWO, develop=None),
    Measurement("restaurant sentences", "data:restaurants", TWO, test=None),
    Measurement("edited reviews", "data:counterfactual", TWO, test=None, text="edited"),
    Measurement("the same before the edit (seen in training)", "data:counterfactual", TWO,
                test=None, text="original", label="original_label"),
)  # fmt: skip


def labelled_texts(measurement: Measurement, config: Config, split: str) -> Labelled | None:
    """The labelled texts of a split; of the model's own source the texts that its training kept.

    None where the source has no such split and the model was not trained on it.
    """
    if measurement.read:
        return measurement.read(split)
    options = {
        "data.text_column": measurement.text,
        "data.label_column": measurement.label,
        "data.label_map": measurement.label_map,
    }
    wanted = evaluation_data(config, measurement.source, split, options)
    if wanted.kept_back and wanted.data.group_column is None:
        return None
    classes = tuple(dict.fromkeys(measurement.label_map.values()))
    return ((e.text, str(e.label)) for e in wanted.examples(SetAside(None), classes))


def measured(labels: Sequence[str], scores: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy, log-loss and calibration error of two classes; of three, macro recall first.

    Args:
        labels: N names of classes.
        scores: what `positive_scorer` gives: [N], or [N, 3] of a model that knows `neutral`. A
            model of two classes has no log-loss and calibration error on texts of three.
    """
    names = np.array(labels)
    if "neutral" not in names:
        two = two_columns(scores, find_poles(CLASSES)) if scores.ndim == 2 else _pair(scores)
        of_two = evaluate((names == "positive").astype(np.int64), two)
        return {"n": len(names), "score": of_two.accuracy, **_more(of_two)}
    guesses = np.array([verdict(score) for score in scores.tolist()])
    recalls = [float((guesses[names == c] == c).mean()) for c in np.unique(names)]
    values: dict[str, float] = {"n": len(names), "score": float(np.mean(recalls))}
    if scores.ndim == 2:
        values |= _more(evaluate([CLASSES.index(name) for name in labels], scores))
    return values


def _pair(positive: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([1 - positive, positive], axis=1)


def _more(scores: Scores) -> dict[str, float]:
    return {"log_loss": scores.log_loss, "ece": scores.ece}


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
        if (labelled := labelled_texts(measurement, config, split)) is None:
            continue
        texts, labels = zip(*labelled, strict=True)
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
