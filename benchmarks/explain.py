"""Tests whether explanations are faithful to the model, and whether they agree with people.

    python benchmarks/explain.py
    python benchmarks/explain.py --pairs dev.jsonl --sentences data:sst --json explain.json

The first command draws reviews of at most 400 tokens. It removes their words in ten steps, the most
important first (deletion), or puts them back into an empty text (insertion: Petsiuk, Das & Saenko
2018). Removing a word takes out its tokens; the rest closes up. After each step the probability of
the class first predicted is taken, and its mean over the reviews gives a curve. The result is the
area under the curve: low is good for deletion, high for insertion. The words are ordered by
attribution, those that speak most for the class first, or at random. The completeness error of
integrated gradients is printed, too.

`--pairs` names edited reviews, a line of JSON each with `original`, `original_label`, `edited` and
`label`. People changed as little as possible to turn the label. So the new words should speak most
for the new label. The script prints two measures: how often a new word has a larger attribution
than an old one (the area under the curve), and how many of the k strongest words are new, where k
is the number of new words.

`--sentences` names short texts. Function words should seldom be among the three strongest words of
100 of these and of 100 edited reviews.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from explain_people import (
    METHODS,
    count_function_words,
    explain_by,
    measure_agreement,
    read_pairs,
)
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.interpret.explain import Explanation
from sentiment_lstm.interpret.words import spans_of, without, words_of
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import as_json, write_atomically

STEPS = 10
CHECKED = 100
"""The number of reviews whose completeness error counts."""
HALF = 100
"""The number of edited reviews, and of short texts, whose function words count."""


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
    errors, moved, measured = [], [], []
    for text in track(texts, "faithfulness", console=Console(stderr=True)):
        label = explainer.explain(text).label
        explained = {name: explain_by(explainer, name, text, label) for name in METHODS}
        orders = [by_attribution(explanation) for explanation in explained.values()]
        orders.append(random.permutation(len(orders[0])))
        measured.append(curves(classifier, text, label, orders))
        path = explained["integrated gradients"]
        errors.append(path.completeness_error)
        moved.append(abs(path.score - path.baseline_score))
    mean = np.mean(measured, axis=0)
    areas = (mean[:, :, 1:] + mean[:, :, :-1]).mean(axis=2) / 2
    names = (*METHODS, "random order")
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


def agree(classifier: SentimentClassifier, options: argparse.Namespace) -> dict[str, Any]:
    """Agreement with people, and function words, as they are written to the file."""

    def split(text: str) -> list[str]:
        (encoded,) = classifier.predictor.tokenizer.encode([text], offsets=True)
        spans = spans_of(encoded, words_of(classifier.bundle, encoded))
        return [text[start:end] for start, end in spans]

    pairs = read_pairs(options.pairs)
    order = np.random.default_rng(options.seed).permutation(len(pairs))[: options.most_pairs]
    chosen = [pairs[index] for index in order.tolist()]
    figures: dict[str, Any] = {"agreement": measure_agreement(classifier.explainer, split, chosen)}
    if options.sentences:
        drawn = argparse.Namespace(**vars(options))
        drawn.data, drawn.split, drawn.reviews = options.sentences, "validation", HALF
        texts = [pair.edited for pair in chosen[:HALF]] + draw(classifier, drawn)
        figures["function words"] = count_function_words(classifier.explainer, texts)
    return figures


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
    """Print all figures that were measured."""
    out = Console()
    if "areas" in figures:
        show_areas(out, figures)
    if "agreement" in figures:
        show_agreement(out, figures["agreement"])
    for method, fraction in figures.get("function words", {}).items():
        out.print(f"texts with a function word among the three strongest, {method}: {fraction:.1%}")


def show_agreement(out: Console, figures: Mapping[str, Any]) -> None:
    """Print the agreement, one line for each method, and the gain over integrated gradients."""
    table = Table("method", *next(iter(figures["means"].values())), title="agreement with people")
    for method, row in figures["means"].items():
        table.add_row(method, *(f"{value:.3f}" for value in row.values()))
    out.print(table)
    for name, gain in figures["gain over integrated gradients"].items():
        interval = f"{gain['low']:+.3f} to {gain['high']:+.3f}"
        out.print(f"gain in {name}: {gain['mean']:+.3f} ({interval}), {figures['pairs']} pairs")


def show_areas(out: Console, figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the areas, one line for each method, and the completeness."""
    table = Table("order of the words", "deletion area", "of random's", "insertion area")
    for name, row in figures["areas"].items():
        table.add_row(name, *(f"{value:.4f}" for value in row.values()))
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
    parser.add_argument("--reviews", type=int, default=200, help="0: no deletion and insertion")
    parser.add_argument("--tokens", type=int, default=400, help="longer reviews are left out")
    parser.add_argument("--seed", type=int, default=0, help="of the draw and the random order")
    parser.add_argument("--pairs", type=Path, help="edited reviews, for agreement with people")
    parser.add_argument("--most-pairs", type=int, default=1_000)
    parser.add_argument("--sentences", help="short texts, for function words; needs --pairs")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    classifier = SentimentClassifier.from_pretrained(options.model)
    figures: dict[str, Any] = {}
    if options.reviews:
        figures |= measure(classifier, draw(classifier, options), options.seed)
    if options.pairs:
        figures |= agree(classifier, options)
    show(figures)
    if options.json:
        write_atomically(options.json, as_json(figures))
    return 0


if __name__ == "__main__":
    run_script(main)
