"""Measures a model on texts of many kinds, beside VADER, TextBlob and a linear model.

    python benchmarks/domains.py [--model default] [--splits test] [--set FILE_OR_SOURCE ...]

The sets are tweets, news, comments (GoEmotions), film review sentences (the treebank), film reviews
(IMDb), restaurant sentences, product reviews, and film reviews that were edited to turn the label.
`--set` adds sets: each has texts, and labels such as negative, neutral, positive, or -1, 0, 1. A
set that is not on this machine is left out and named.

Use `--splits validation`, the default, to choose between models, and `--splits test` only to
measure. A fifth of the news sentences are test texts and a tenth are validation texts. Each
judgement of a target counts. The start `english` has read all of the news, so models that start
from it look too good there. Restaurant sentences and edited reviews have one split, which is
measured both times. Film and product reviews have no validation split.

The measures of three classes need neutral texts. Recall is the mean over the classes. The answer of
a model of three classes is its likeliest class. With two classes, P(positive) below 1/3 is
negative, above 2/3 positive, else neutral. The measures of two classes leave neutral texts out.
They use P(positive) / (P(positive) + P(negative)); a value of 0.5 counts as half right.
Log-loss and calibration error are empty where a system gives no probabilities of these classes.

The linear model learns from the training texts of tweets, news, comments and treebank sentences.
The rivals come with the extra `benchmarks`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from domain_sets import DOMAINS, TAUGHT, LabelledTexts, read_domains, read_user_set
from domain_systems import (
    Answers,
    System,
    linear,
    open_model,
    require_libraries,
    textblob,
    vader,
)
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.metrics import confusion_matrix, evaluate, macro_recall
from sentiment_lstm.storage import as_json, write_atomically

NEGATIVE, NEUTRAL, POSITIVE = range(3)
PERCENTAGES = ("accuracy_of_three", "macro_recall", "accuracy_of_two")
COLUMNS = {
    "accuracy_of_three": "accuracy\nof 3, %",
    "macro_recall": "recall\nof 3, %",
    "log_loss_of_three": "log-loss\nof 3",
    "ece_of_three": "calib.\nerror of 3",
    "accuracy_of_two": "accuracy\nof 2, %",
    "log_loss_of_two": "log-loss\nof 2",
    "ece_of_two": "calib.\nerror of 2",
}
"""The measures and their headings."""
MEAN = "mean of the sets"
WIDTH = 116
"""Of the table, in characters, where the terminal is narrower."""

Measures = dict[str, float]
Figures = Mapping[str, Mapping[str, Measures]]
"""Set -> system -> measures."""


def measure(labels: NDArray[np.int64], answers: Answers) -> Measures:
    """The measures that these labels and answers allow.

    Args:
        labels: class indices in `CLASSES`, int64 [N].
        answers: those of one system.
    """
    measures: Measures = {}
    if (labels == NEUTRAL).any():
        confusion = confusion_matrix(labels, answers.labels, 3)
        measures["accuracy_of_three"] = float((answers.labels == labels).mean())
        measures["macro_recall"] = macro_recall(confusion)
        if answers.probabilities is not None:
            scores = evaluate(labels, answers.probabilities)
            measures |= {"log_loss_of_three": scores.log_loss, "ece_of_three": scores.ece}
    if (sided := labels != NEUTRAL).any():
        positive, polarity = labels[sided] == POSITIVE, answers.polarity[sided]
        right = np.where(polarity == 0.5, 0.5, (polarity > 0.5) == positive)
        measures["accuracy_of_two"] = float(right.mean())
        if answers.is_probability:
            scores = evaluate(positive.astype(int), np.stack([1 - polarity, polarity], axis=1))
            measures |= {"log_loss_of_two": scores.log_loss, "ece_of_two": scores.ece}
    return measures


def mean_measures(figures: Figures) -> dict[str, Measures]:
    """The mean of each measure over the sets that have it, for each system."""
    values: dict[str, dict[str, list[float]]] = {}
    for systems in figures.values():
        for system, measures in systems.items():
            for name, value in measures.items():
                values.setdefault(system, {}).setdefault(name, []).append(value)
    return {
        system: {name: float(np.mean(numbers)) for name, numbers in lists.items()}
        for system, lists in values.items()
    }


def make_systems(model: str, measured: Mapping[str, LabelledTexts]) -> dict[str, System]:
    """The model and its rivals. Without training texts there is no linear model."""
    systems = {model: open_model(model), "VADER": vader(), "TextBlob": textblob()}
    training, _ = read_domains(TAUGHT, "train")
    if training:
        held_out = {text for texts in measured.values() for text in texts.texts}
        systems["linear"] = linear(training.values(), held_out)
    return systems


def show(sizes: Mapping[str, int], figures: Figures, left_out: Mapping[str, str]) -> None:
    """Print a line for each set and system, and why sets are left out."""
    table = Table("texts", "n", "system", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    for name, systems in figures.items():
        for index, (system, measures) in enumerate(systems.items()):
            size = f"{sizes[name]:,}" if name in sizes else ""
            first = ("", "") if index else (name, size)
            table.add_row(*first, system, *(_shown(measures, column) for column in COLUMNS))
        table.add_section()
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)
    for name, reason in left_out.items():
        console.print(f"Left out: {name}. {reason}", highlight=False, markup=False)


def _shown(measures: Measures, name: str) -> str:
    """A measure as the table shows it."""
    if name not in measures:
        return ""
    return f"{measures[name]:.2%}"[:-1] if name in PERCENTAGES else f"{measures[name]:.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the sets, open the systems, measure, show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="default", help="a model's name or folder")
    parser.add_argument("--splits", choices=("validation", "test"), default="validation")
    named = "more labelled texts: SOURCE or SOURCE:SPLIT"
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], dest="named", metavar="SOURCE", help=named
    )
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    require_libraries()
    sets, left_out = read_domains(DOMAINS, options.splits)
    sets |= {name: read_user_set(name, options.splits) for name in options.named}
    systems = make_systems(options.model, sets)
    figures: dict[str, dict[str, Measures]] = {
        name: {
            system: measure(texts.labels, judge(texts.texts)) for system, judge in systems.items()
        }
        for name, texts in sets.items()
    }
    sizes, means = {name: len(texts.texts) for name, texts in sets.items()}, mean_measures(figures)
    show(sizes, {**figures, MEAN: means}, left_out)
    if options.json:
        values = {"splits": options.splits, "n": sizes, "sets": figures, "mean": means,
                  "left_out": left_out}  # fmt: skip
        write_atomically(options.json, as_json(values))
    return 0


if __name__ == "__main__":
    run_script(main)
