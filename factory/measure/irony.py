"""Train irony heads with three seeds, measure them, and compare them with the shipped sentiment.

    python -m factory.measure.irony
    python -m factory.measure.irony --test

The script prints F1 of the ironic class for each seed, and the mean. A text is called ironic from a
probability of 0.5 on. By default it measures on validation texts, with `--test` on the test split.
With `--test` it also prints F1 for the threshold with the highest F1 on validation texts (F1
rewards hits more than it punishes false alarms). Then it shows a table for the texts of each
sentiment (`evaluation.behaviour.verdict`): how many the heads call ironic on average, and how many
are.
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

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import SHIPPED
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


def trained(recipe: Path, data: str, start: Path, seed: int, folder: Path) -> SentimentClassifier:
    """A head trained with this seed."""
    changes: dict[str, object] = {
        "data.source": data,
        "data.exclude": [f"{data}:test"],
        "training.init": str(start),
        "training.seed": seed,
    }
    settings = Settings().updated(read_toml(recipe) | changes)
    train(settings, folder)
    return SentimentClassifier.from_pretrained(folder)


def f1(ironic: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    """F1 of the ironic class: whether texts are ironic [N] and whether they are called so [N]."""
    return float(f1_score(ironic, called, zero_division=0))


def best_threshold(ironic: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> float:
    """The probability from which on a text is called ironic, for the highest F1."""
    return float(
        max(np.unique(probabilities), key=lambda least: f1(ironic, probabilities >= least))
    )


def texts_of(data: str, split: str) -> tuple[list[str], NDArray[np.bool_]]:
    """The texts of a split, and whether each is ironic."""
    wanted: dict[str, object] = {"data.source": data, "data.split": split}
    settings = Settings().updated(wanted | {"data.label_map": LABELS})
    examples = list(read_examples(settings.data, set_aside=SetAside(None)))
    return [e.text for e in examples], np.array([e.label == "ironic" for e in examples])


def together(ironic: NDArray[np.bool_], called: NDArray[np.bool_], sentiments: list[str]) -> Table:
    """Texts of each sentiment: how many are called ironic, how many are, how many are both."""
    table = Table("sentiment", "texts", "called ironic", "ironic", "both")
    names = np.array(sentiments)
    for name in ("negative", "neutral", "positive"):
        of = names == name
        counts = (of, of & called, of & ironic, of & called & ironic)
        table.add_row(name, *(f"{int(count.sum()):,}" for count in counts))
    return table


def heads(options: argparse.Namespace) -> Iterator[tuple[SentimentClassifier, str]]:
    """A head for each seed, and its name."""
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            run = Path(folder) / str(seed)
            yield trained(options.recipe, options.data, options.init, seed, run), f"seed {seed}"


def ironic_probability(head: SentimentClassifier, texts: Sequence[str]) -> NDArray[np.float64]:
    """The probability of `ironic`, [N]."""
    return head.predict_proba(texts)[:, head.classes_.index("ironic")]


def measured(
    options: argparse.Namespace, texts: Sequence[str], ironic: NDArray[np.bool_]
) -> tuple[dict[str, list[float]], NDArray[np.float64]]:
    """F1 of every head by how its threshold was chosen; the heads' mean probabilities [N]."""
    development, known = texts_of(options.data, "validation")
    scores: dict[str, list[float]] = {"from 0.5 on": []}
    if options.test:  # on the texts that chose it, a threshold would look too good
        scores["threshold of validation"] = []
    probabilities = []
    for head, name in heads(options):
        probabilities.append(ironic_probability(head, texts))
        least = best_threshold(known, ironic_probability(head, development))
        for values, threshold in zip(scores.values(), (0.5, least), strict=False):
            values.append(f1(ironic, probabilities[-1] >= threshold))
        line = ", ".join(f"{values[-1]:.2%} {how}" for how, values in scores.items())
        OUT.print(f"{name}: F1 {line} ({least:.2f})", highlight=False)
    return scores, np.mean(probabilities, axis=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, compare with the sentiment."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    shipped = SHIPPED / "default"
    parser.add_argument("--init", type=Path, default=shipped, help="the bundle to start from")
    parser.add_argument("--recipe", type=Path, default=Path("recipes/irony.toml"))
    parser.add_argument("--data", default="data:irony", help="the source")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test", action="store_true", help="the test split")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    split = "test" if options.test else "validation"
    texts, ironic = texts_of(options.data, split)
    scores, probabilities = measured(options, texts, ironic)
    for how, values in scores.items():
        mean, spread = statistics.mean(values), statistics.pstdev(values)
        OUT.print(f"{how}: {mean:.2%}, standard deviation {spread:.2%}", highlight=False)
    sentiment = SentimentClassifier.from_pretrained(shipped)
    sentiments = positive_scorer(sentiment.predict_proba, sentiment.classes_)(texts).tolist()
    OUT.print(together(ironic, probabilities >= 0.5, list(map(verdict, sentiments))))
    if options.json:
        write_atomically(options.json, as_json({"split": split, "f1": scores}))
    return 0


if __name__ == "__main__":
    run_script(main)
