"""Explanations held to account: whether the score hangs on the words that they name.

`python benchmarks/explain.py` draws reviews of at most 400 tokens and removes their words, the most
important first, in ten steps (deletion), or puts them back into an empty text (insertion: Petsiuk,
Das & Saenko 2018). A removed word's tokens are taken out and the text closes up. Measured is the
probability of the class predicted first, in the mean over the reviews, as the area under its curve:
for deletion low is good, for insertion high. Words stand by their attribution, those that speak
most for the class first, or in random order. Also printed: the completeness error of integrated
gradients.
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
"""Reviews whose completeness error counts."""


def drawn(classifier: SentimentClassifier, options: argparse.Namespace) -> list[str]:
    """Texts of the split by chance, those of more tokens left out."""
    data = DataSettings(source=options.data, split=options.split)
    texts = [review.text for review in read_examples(data, set_aside=SetAside(None))]
    order = np.random.default_rng(options.seed).permutation(len(texts))
    found: list[str] = []
    for place in order.tolist():
        (encoded,) = classifier.predictor.tokenizer.encode([texts[place]])
        found += [texts[place]] if len(encoded.ids) <= options.tokens else []
        if len(found) == options.reviews:
            break
    return found


def curves(
    classifier: SentimentClassifier, text: str, label: str, orders: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """The label's probability after each step, [orders, 2, STEPS + 1]: deletion, insertion.

    Args:
        classifier: the model.
        text: one text.
        label: the class.
        orders: its words' places, the most important first.
    """
    (encoded,) = classifier.predictor.tokenizer.encode([text], offsets=True)
    words = words_of(classifier.bundle, encoded)
    cuts = np.linspace(0, len(words), STEPS + 1).round().astype(int).tolist()
    out = [order[part] for order in orders for k in cuts for part in (slice(k), slice(k, None))]
    left = [without(encoded.ids, [at for word in some for at in words[word]]) for some in out]
    column = classifier.classes_.index(label)
    shares = classifier.predictor.score_ids(left)[:, column]
    return shares.reshape(len(orders), STEPS + 1, 2).transpose(0, 2, 1)


def by_attribution(found: Explanation) -> NDArray[np.int64]:
    """The words' places, what speaks most for the label first."""
    return np.argsort([-one.attribution for one in found.tokens], kind="stable")


def measured(
    classifier: SentimentClassifier, texts: Sequence[str], seed: int
) -> dict[str, dict[str, Any]]:
    """Areas, curves and completeness errors, as they are written to the file."""
    random, explainer = np.random.default_rng(seed), classifier.explainer
    gradients, errors, shares, found = explainer.gradients, [], [], []
    for text in track(texts, console=Console(stderr=True)):
        explainer.gradients = gradients
        first = explainer.explain(text)
        explainer.gradients = None
        orders = [by_attribution(first), by_attribution(explainer.explain(text))]
        orders.append(random.permutation(len(first.tokens)))
        found.append(curves(classifier, text, first.label, orders))
        errors.append(first.completeness_error)
        shares.append(abs(first.score - first.baseline_score))
    mean = np.mean(found, axis=0)
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
        "curves": {name: one.tolist() for name, one in zip(names, mean, strict=True)},
        "completeness": completeness(errors[:CHECKED], shares[:CHECKED]),
    }


def completeness(errors: Sequence[float | None], moved: Sequence[float]) -> dict[str, Any]:
    """The errors in units of probability, and as shares of what was attributed, or of 0.1 where
    less was: near nothing a share means nothing.

    Raises:
        ValueError: there are none, for integrated gradients cannot run here.
    """
    if None in errors:
        raise ValueError("Expected torch and captum, found one missing.")
    absolute = np.array(errors, dtype=float)
    relative = absolute / np.maximum(moved, 0.1)
    numbers = {"max": absolute.max(), "mean": absolute.mean()}
    numbers |= {"max share": relative.max(), "mean share": relative.mean()}
    return {"reviews": len(errors), **{name: float(value) for name, value in numbers.items()}}


def show(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the areas, a line a method, and the completeness."""
    table = Table("order of the words", "deletion area", "of random's", "insertion area")
    for name, row in found["areas"].items():
        table.add_row(name, *(f"{value:.4f}" for value in row.values()))
    out = Console()
    out.print(table)
    whole = found["completeness"]
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
    parser.add_argument("--data", default="../shared/data/imdb")
    parser.add_argument("--split", default="test")
    parser.add_argument("--reviews", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=400, help="longer reviews are left out")
    parser.add_argument("--seed", type=int, default=0, help="of the draw and the random order")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    classifier = SentimentClassifier.from_pretrained(options.model)
    found = measured(classifier, drawn(classifier, options), options.seed)
    show(found)
    if options.json:
        write_atomically(options.json, as_json(found))
    return 0


if __name__ == "__main__":
    run_script(main)
