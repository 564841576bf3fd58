"""Irony heads from a bundle, three seeds, and what they and the shipped sentiment say together.

`python -m factory.measure.irony` measures on validation texts, `--test` on the test split: F1 of
the ironic class for each seed and their mean, where a text is called ironic from 0.5 on; with
`--test` also from the probability on at which F1 is highest on validation texts (F1 rewards finding
more than it costs to be wrong). Then how many texts of each sentiment (probability of `positive`
below 1/3, above 2/3 or in between) the mean of the heads calls ironic, and how many are.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import f1_score

from sentiment_lstm.api import SHIPPED, SentimentClassifier
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.behaviour import positive_scorer, verdict
from sentiment_lstm.setting_names import read_toml
from sentiment_lstm.settings import Settings
from sentiment_lstm.storage import as_json, write_atomically
from sentiment_lstm.training.run import train

LABELS = {"0": "literal", "1": "ironic"}
OUT = Console()


def trained(recipe: Path, data: Path, start: Path, seed: int, folder: Path) -> SentimentClassifier:
    """One head."""
    changes: dict[str, object] = {
        "data.source": str(data),
        "data.exclude": [f"{data}:test"],
        "training.init": str(start),
        "training.seed": seed,
    }
    settings = Settings().updated(read_toml(recipe) | changes)
    train(settings, folder)
    return SentimentClassifier.from_pretrained(folder)


def f1(ironic: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """F1 of the ironic class."""
    return float(f1_score(ironic, found, zero_division=0))


def best_threshold(ironic: NDArray[np.bool_], shares: NDArray[np.float64]) -> float:
    """The probability from which on to call a text ironic for the highest F1."""
    return float(max(np.unique(shares), key=lambda least: f1(ironic, shares >= least)))


def texts_of(data: Path, split: str) -> tuple[list[str], NDArray[np.bool_]]:
    """Texts of a split and whether each is ironic."""
    wanted: dict[str, object] = {"data.source": str(data), "data.split": split}
    settings = Settings().updated(wanted | {"data.label_map": LABELS})
    reviews = list(read_examples(settings.data, set_aside=SetAside(None)))
    return [r.text for r in reviews], np.array([r.label == "ironic" for r in reviews])


def together(ironic: NDArray[np.bool_], found: NDArray[np.bool_], sentiments: list[str]) -> Table:
    """Texts of each sentiment: how many are called ironic, how many are, how many are both."""
    table = Table("sentiment", "texts", "called ironic", "ironic", "both")
    names = np.array(sentiments)
    for name in ("negative", "neutral", "positive"):
        of = names == name
        counts = (of, of & found, of & ironic, of & found & ironic)
        table.add_row(name, *(f"{int(one.sum()):,}" for one in counts))
    return table


def heads(options: argparse.Namespace) -> Iterator[tuple[SentimentClassifier, str]]:
    """A head of each seed, and its name."""
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            run = Path(folder) / str(seed)
            yield trained(options.recipe, options.data, options.init, seed, run), f"seed {seed}"


def shares_of(head: SentimentClassifier, texts: Sequence[str]) -> NDArray[np.float64]:
    """The probability of `ironic`, [N]."""
    return head.predict_proba(texts)[:, head.classes_.index("ironic")]


def measured(
    options: argparse.Namespace, texts: Sequence[str], ironic: NDArray[np.bool_]
) -> tuple[dict[str, list[float]], NDArray[np.float64]]:
    """F1 of every head by how its threshold was chosen, each shown; and the heads' mean shares."""
    development, known = texts_of(options.data, "validation")
    scores: dict[str, list[float]] = {"from 0.5 on": []}
    if options.test:  # on the texts that chose it a threshold would flatter
        scores["threshold of validation"] = []
    shares = []
    for head, name in heads(options):
        shares.append(shares_of(head, texts))
        least = best_threshold(known, shares_of(head, development))
        for found, threshold in zip(scores.values(), (0.5, least), strict=False):
            found.append(f1(ironic, shares[-1] >= threshold))
        told = ", ".join(f"{found[-1]:.2%} {how}" for how, found in scores.items())
        OUT.print(f"{name}: F1 {told} ({least:.2f})", highlight=False)
    return scores, np.mean(shares, axis=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, set beside the sentiment."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    shipped = SHIPPED / "default"
    parser.add_argument("--init", type=Path, default=shipped, help="the bundle to start from")
    parser.add_argument("--recipe", type=Path, default=Path("recipes/irony.toml"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/irony"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test", action="store_true", help="the test split")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    split = "test" if options.test else "validation"
    texts, ironic = texts_of(options.data, split)
    scores, shares = measured(options, texts, ironic)
    for how, found in scores.items():
        mean, spread = statistics.mean(found), statistics.pstdev(found)
        OUT.print(f"{how}: {mean:.2%}, standard deviation {spread:.2%}", highlight=False)
    sentiment = SentimentClassifier.from_pretrained(shipped)
    positive = positive_scorer(sentiment.predict_proba, sentiment.classes_)(texts)
    OUT.print(together(ironic, shares >= 0.5, [verdict(p) for p in positive.tolist()]))
    if options.json:
        write_atomically(options.json, as_json({"split": split, "f1": scores}))
    return 0


if __name__ == "__main__":
    run_script(main)
