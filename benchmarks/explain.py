"""Tests whether a score depends on the words that its explanation names.

`python benchmarks/explain.py` draws reviews of at most 400 tokens. It removes their words in ten
steps, the most important first (deletion), or puts them back into an empty text (insertion:
Petsiuk, Das & Saenko 2018). Removing a word takes out its tokens; the rest closes up. After each
step the probability of the class first predicted is taken, and its mean over the reviews gives a
curve. The result is the area under the curve: low is good for deletion, high for insertion. The
words are ordered by attribution, those that speak most for the class first, or at random. The
completeness error of integrated gradients is printed, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.interpret.explain import Explanation, without, words_of
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import as_json, write_atomically

STEPS = 10
CHECKED = 100
"""The number of reviews whose completeness error counts."""


def draw(classifier: SentimentClassifier, options: argparse.Namespace) -> list[str]:
    """Draw texts of the split at random; texts of too many tokens are left out."""
    data = DataSettings(source=options.data, split=options.split)
    texts = [review.text for review in read_examples(data, set_aside=SetAside(None))]
    order = np.random.default_rng(options.seed).permutation(len(texts))
    chosen: list[str] = []
    for index in order.tolist():
        (encoded,) = classifier.predictor.tokenizer.encode([texts[index]])
        chosen += [texts[index]] if len(encoded.ids) <= options.tokens else []
        if len(chosen) == options.reviews:
            break
    return chosen


def curves(
    classifier: SentimentClassifier, text: str, label: str, orders: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """The label's probability after each step, [orders, 2, STEPS + 1]: deletion, insertion.

    Args:
        classifier: the model.
        text: one text.
        label: the class.
        orders: orders of its words, each as word indices, the most important first.
    """
    (encoded,) = classifier.predictor.tokenizer.encode([text], offsets=True)
    words = words_of(classifier.bundle, encoded)
    cuts = np.linspace(0, len(words), STEPS + 1).round().astype(int).tolist()
    removed = [order[part] for order in orders for k in cuts for part in (slice(k), slice(k, None))]
    left = [without(encoded, [at for word in taken for at in words[word]]) for taken in removed]
    column = classifier.classes_.index(label)
    probabilities = classifier.predictor.score(left)[:, column]
    return probabilities.reshape(len(orders), STEPS + 1, 2).transpose(0, 2, 1)


def by_attribution(explanation: Explanation) -> NDArray[np.int64]:
    """The word indices, ordered by how much each word speaks for the label."""
    return np.argsort([-token.attribution for token in explanation.tokens], kind="stable")


def measure(
    classifier: SentimentClassifier, texts: Sequence[str], seed: int
) -> dict[str, dict[str, Any]]:
    """Areas, curves and completeness errors, as they are written to the file."""
    random, explainer = np.random.default_rng(seed), classifier.explainer
    gradients, errors, moved, measured = explainer.gradients, [], [], []
    for text in track(texts, console=Console(stderr=True)):
        explainer.gradients = gradients
        first = explainer.explain(text)
        explainer.gradients = None
        orders = [by_attribution(first), by_attribution(explainer.explain(text))]
        orders.append(random.permutation(len(first.tokens)))
        measured.append(curves(classifier, text, first.label, orders))
        errors.append(first.completeness_error)
        moved.append(abs(first.score - first.baseline_score))
    mean = np.mean(measured, axis=0)
    areas = (mean[:, :, 1:] + mean[:, :, :-1]).mean(axis=2) / 2
    names = ("integrated gradients", "occlusion", "random order")
    return {
        "areas": {
            name: {
                "deletion": float(area[0]),
                "of random": float(area[0] / areas[-1, 0]),
                "insertion": float(area[1]),
            }
            for name, area in zip(names, areas, strict=True)
        },
        "curves": {name: curve.tolist() for name, curve in zip(names, mean, strict=True)},
        "completeness": completeness(errors[:CHECKED], moved[:CHECKED]),
    }


def completeness(errors: Sequence[float | None], moved: Sequence[float]) -> dict[str, Any]:
    """The errors as probabilities, and as fractions of the probability that was attributed.

    Where less than 0.1 was attributed, the fraction is of 0.1: a fraction of almost nothing says
    nothing.

    Raises:
        ValueError: integrated gradients cannot run here, so there are no errors.
    """
    if None in errors:
        raise ValueError("Expected torch and captum, found one missing.")
    absolute = np.array(errors, dtype=float)
    relative = absolute / np.maximum(moved, 0.1)
    numbers = {"max": absolute.max(), "mean": absolute.mean()}
    numbers |= {"max share": relative.max(), "mean share": relative.mean()}
    return {"reviews": len(errors), **{name: float(value) for name, value in numbers.items()}}


def show(figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the areas, one line for each method, and the completeness."""
    table = Table("order of the words", "deletion area", "of random's", "insertion area")
    for name, row in figures["areas"].items():
        table.add_row(name, *(f"{value:.4f}" for value in row.values()))
    out = Console()
    out.print(table)
    whole = figures["completeness"]
    out.print(
        f"completeness error of {whole['reviews']} reviews: at most {whole['max']:.4f}, mean "
        f"{whole['mean']:.4f}; as a share of what is attributed {whole['max share']:.2%}, mean "
        f"{whole['mean share']:.2%}",
        highlight=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, explain, remove, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", help="default: the shipped one")
    parser.add_argument("--data", default="data:imdb")
    parser.add_argument("--split", default="test")
    parser.add_argument("--reviews", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=400, help="longer reviews are left out")
    parser.add_argument("--seed", type=int, default=0, help="of the draw and the random order")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    classifier = SentimentClassifier.from_pretrained(options.model)
    figures = measure(classifier, draw(classifier, options), options.seed)
    show(figures)
    if options.json:
        write_atomically(options.json, as_json(figures))
    return 0


if __name__ == "__main__":
    run_script(main)
