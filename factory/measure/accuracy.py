"""A model on reviews, sentences, tweets, products, restaurants and edited reviews, side by side.

`python -m factory.measure.accuracy --model runs/default --data ../shared/data` measures on what may
choose between models: validation splits, and the texts kept for looking. With `--test` on the test
splits. A text is judged by the larger half of p(positive); tweets have a third class, so there the
rule is p below 1/3 negative, above 2/3 positive, neutral between, and the measure macro recall.
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
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.behaviour import positive_scorer, verdict
from sentiment_lstm.evaluation.metrics import evaluate
from sentiment_lstm.measuring import evaluation_data
from sentiment_lstm.records import Example
from sentiment_lstm.storage import as_json, write_atomically

TWO = {"0": "negative", "1": "positive"}
STARS = {"<2": "negative", ">2": "positive"}
THREE = {"0": "negative", "1": "neutral", "2": "positive"}


@dataclass(frozen=True)
class Measurement:
    """A set of texts: its folder or file, how its labels are named, which splits it has."""

    name: str
    path: str
    label_map: dict[str, str]
    develop: str | None = "validation"
    test: str | None = "test"
    text: str = "text"
    label: str = "label"


SETS = (
    Measurement("IMDb reviews", "imdb", TWO),
    Measurement("treebank sentences", "sst", STARS, label="stars"),
    Measurement("tweets (macro recall)", "tweets", THREE),
    Measurement("product reviews", "products", TWO, develop=None),
    Measurement("restaurant sentences", "restaurants", TWO, test=None),
    Measurement("edited reviews", "counterfactual/dev.jsonl", TWO, "train", None, "edited"),
    Measurement("the same before the edit (seen in training)", "counterfactual/dev.jsonl", TWO,
                "train", None, "original", "original_label"),
)  # fmt: skip


def reviews_of(
    chosen: Measurement, config: Config, source: Path, split: str
) -> Iterable[Example] | None:
    """Labelled texts; of the model's own source what its training kept back.

    None where a source without a split of that name isn't what the model was trained on.
    """
    options = {
        "data.text_column": chosen.text,
        "data.label_column": chosen.label,
        "data.label_map": chosen.label_map,
    }
    wanted = evaluation_data(config, str(source), split, options)
    if wanted.kept_back and wanted.data.group_column is None:
        return None
    classes = tuple(dict.fromkeys(chosen.label_map.values()))
    return wanted.examples(SetAside(None), classes)


def measured(labels: Sequence[str], positive: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy, log-loss and calibration error of two classes; macro recall of three."""
    names = np.array(labels)
    if "neutral" in names:
        guesses = np.array([verdict(p) for p in positive])
        recalls = [float((guesses[names == c] == c).mean()) for c in np.unique(names)]
        return {"n": len(names), "score": float(np.mean(recalls))}
    right = (names == "positive").astype(np.int64)
    shares = np.stack([1 - positive, positive], axis=1)
    scores = evaluate(right, shares)
    return {
        "n": len(names),
        "score": scores.accuracy,
        "log_loss": scores.log_loss,
        "ece": scores.ece,
    }


def measure_sets(model: Path, data: Path, *, test: bool) -> dict[str, dict[str, float]]:
    """The measures of every set that is there, by its name; shown as a table too.

    Args:
        model: a run or bundle folder.
        data: the folder with a folder for each set.
        test: whether to measure test splits; else what may choose between models.
    """
    classifier = SentimentClassifier.from_pretrained(model)
    config = load_bundle(model).config
    score = positive_scorer(classifier.predict_proba, config.classes)
    found = {}
    for chosen in SETS:
        source, split = data / chosen.path, chosen.test if test else chosen.develop
        if split is None or not source.exists():
            continue
        if (reviews := reviews_of(chosen, config, source, split)) is None:
            continue
        texts, labels = zip(*((review.text, str(review.label)) for review in reviews), strict=True)
        found[chosen.name] = measured(labels, score(texts))
    show(str(model), found)
    return found


def show(title: str, found: Mapping[str, Mapping[str, float]]) -> None:
    """Print the measures, a line a set."""
    table = Table("texts", "n", "score, %", "log-loss", "calibration error", title=title)
    for name, values in found.items():
        more = [f"{values[k]:.4f}" if k in values else "" for k in ("log_loss", "ece")]
        table.add_row(name, f"{values['n']:,}", f"{values['score']:.2%}", *more)
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every set that is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a run or bundle folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--test", action="store_true", help="the test splits")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        parser.error(f"Expected the folder of the sets, found none at {options.data}: --data")
    found = measure_sets(options.model, options.data, test=options.test)
    if options.json:
        write_atomically(options.json, as_json(found))
    return 0


if __name__ == "__main__":
    run_script(main)
