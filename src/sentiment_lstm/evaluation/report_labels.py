"""What the report says about a model that may give a text several labels.

Turns values into words. Knows no model, source or file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sentiment_lstm.wording import first_names

Row = Mapping[str, Any]

MEASURES = {
    "macro_f1": ("macro F1", "mean over the labels"),
    "micro_f1": ("micro F1", "over all decisions about a label"),
    "accuracy": ("all labels right", "fraction of texts that get exactly their labels"),
    "micro_precision": ("precision", "fraction of the given labels that are right"),
    "micro_recall": ("recall", "fraction of the true labels that are given"),
    "log_loss": ("log-loss (nats)", "sum over the labels of a text; lower is better"),
    "ece": ("calibration error", "mean over the labels; lower is better"),
}
"""Name of a measure -> its title and meaning."""
_ENOUGH = 20
"""A label with fewer texts is never called weak."""
_WEAK = 0.5
"""A label is weak if its F1 is below this fraction of the mean."""


def summary_of_labels(measured: Row) -> list[str]:
    """Say what the numbers mean, in a few sentences."""
    n, low_high = measured["n"], measured["intervals"]["macro_f1"]
    interval = f" (95%: {low_high[0]:.2f} to {low_high[1]:.2f})" if low_high else ""
    return [
        f"The labels have a mean F1 of {measured['macro_f1']:.3f}{interval}. Over all decisions it "
        f"is {measured['micro_f1']:.3f}.",
        f"The model gives exactly the right labels to {100 * measured['accuracy']:.1f}% of "
        f"{n:,} texts. A text has {measured['labels_per_text']:.2f} labels on average, and gets "
        f"{measured['predicted_per_text']:.2f}.",
        f"The probability of a label differs from its frequency by {100 * measured['ece']:.1f}% "
        "on average.",
        *_weak_labels(measured["per_class"], measured["macro_f1"]),
    ]


def _weak_labels(rows: Sequence[Row], mean: float) -> list[str]:
    weak = [
        f"{row['class']} ({row['f1'] or 0:.2f})"
        for row in rows
        if row["n"] >= _ENOUGH and (row["f1"] or 0.0) < _WEAK * mean
    ]
    return [f"It is weak at these labels (F1): {first_names(weak, 5)}."] if weak else []


def with_joined_labels(row: Row) -> dict[str, Any]:
    """Join the true and the predicted labels of a text for a page."""
    return {**row, **{name: ", ".join(row[name]) or "no label" for name in ("true", "predicted")}}
