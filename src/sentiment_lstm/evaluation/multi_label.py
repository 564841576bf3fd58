"""Measures of predictions where a text may have several labels. Works on plain arrays.

Shapes: N texts, C labels. A text gets a label if its probability is at least the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.evaluation.by_class import rows_of
from sentiment_lstm.evaluation.calibration import expected_calibration_error, reliability_bins
from sentiment_lstm.evaluation.metrics import wilson_interval
from sentiment_lstm.evaluation.ranking import Ranking

_LEAST = 1e-12  # as in `metrics`: no probability is 0


def f1_scores(targets: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> dict[str, float]:
    """Return F1, precision and recall: over all labels together (micro), and their means (macro).

    A label counts as 0 in the means if no text has it and it is never predicted.

    Args:
        targets: the texts' labels, bool [N, C].
        predicted: the predicted labels, bool [N, C].

    Returns:
        `micro_f1`, `macro_f1`, `micro_precision`, `macro_precision`, `micro_recall` and
        `macro_recall`.
    """
    hits, chosen, present = _counts(targets, predicted)
    together = (np.array([counts.sum()]) for counts in (hits, chosen, present))
    micro, macro = _measures(*together), _measures(hits, chosen, present)
    return {
        f"{kind}_{name}": float(values[name].mean())
        for name in ("f1", "precision", "recall")
        for kind, values in (("micro", micro), ("macro", macro))
    }


def measure_labels(
    targets: NDArray[np.bool_],
    probabilities: NDArray[np.float64],
    thresholds: Sequence[float],
    classes: Sequence[str],
) -> dict[str, Any]:
    """Measure probabilities and predicted labels, as plain values for JSON.

    Args:
        targets: the texts' labels, bool [N, C], N at least 1.
        probabilities: [N, C], each between 0 and 1.
        thresholds: [C].
        classes: the names of the labels, [C].

    Returns:
        `n` (texts); `accuracy` (exact match: all labels of the text are right) and
        `accuracy_interval` (Wilson's, 95%); the values of `f1_scores`; `labels_per_text` and
        `predicted_per_text`; `log_loss` (in nats, the sum over the labels, mean over the texts);
        `ece` (the mean of the labels' calibration errors); `reliability` (bins over all N x C
        probabilities); and `per_class`, the weakest label first, as `by_class.class_rows` with
        `threshold`, `ece` and `roc_auc`.
    """
    predicted = probabilities >= np.asarray(thresholds)
    n, right = len(targets), int((predicted == targets).all(axis=1).sum())
    errors = [
        expected_calibration_error(p, y) for p, y in zip(probabilities.T, targets.T, strict=True)
    ]
    areas = [Ranking(y, p).area() for p, y in zip(probabilities.T, targets.T, strict=True)]
    of_label = {
        name: {"threshold": float(threshold), "ece": error, "roc_auc": area}
        for name, threshold, error, area in zip(classes, thresholds, errors, areas, strict=True)
    }
    hits, chosen, present = (counts.tolist() for counts in _counts(targets, predicted))
    true = np.where(targets, probabilities, 1 - probabilities).clip(_LEAST)
    return {
        "n": n,
        "accuracy": right / n,
        "accuracy_interval": list(wilson_interval(right, n)),
        **f1_scores(targets, predicted),
        "labels_per_text": float(targets.sum() / n),
        "predicted_per_text": float(predicted.sum() / n),
        "log_loss": float(-np.log(true).sum() / n),
        "ece": float(np.mean(errors)),
        "reliability": reliability_bins(probabilities.ravel(), targets.ravel()),
        "per_class": [
            {**row, **of_label[row["class"]]} for row in rows_of(classes, hits, present, chosen)
        ],
    }


def surest_mistakes(
    targets: NDArray[np.bool_],
    probabilities: NDArray[np.float64],
    predicted: NDArray[np.bool_],
    most: int = 10,
) -> dict[int, float]:
    """Return the texts with the most confident wrong decisions about a label.

    For a label that was predicted wrongly, the confidence is its probability. For a label that was
    missed, it is 1 minus its probability.

    Returns:
        Row -> the highest confidence of its wrong decisions, the highest first.
    """
    confidence = np.where(predicted, probabilities, 1 - probabilities)
    highest = np.where(predicted != targets, confidence, -1.0).max(axis=1)
    order = np.argsort(-highest, kind="stable")[:most]
    return {int(row): float(highest[row]) for row in order if highest[row] >= 0}


def _counts(targets: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Hits, predicted texts and true texts of each label, int64 [C] each."""
    return [counts.sum(axis=0) for counts in (targets & predicted, predicted, targets)]


def _measures(
    hits: NDArray[np.int64], chosen: NDArray[np.int64], present: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    return {
        "f1": 2 * hits / np.maximum(chosen + present, 1),
        "precision": hits / np.maximum(chosen, 1),
        "recall": hits / np.maximum(present, 1),
    }
