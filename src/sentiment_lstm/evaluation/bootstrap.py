"""Bootstrap intervals: how far measures would differ on other texts of the same kind.

Works on plain arrays. Knows no model and no text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sentiment_lstm.evaluation.calibration import expected_calibration_error
from sentiment_lstm.evaluation.metrics import (
    Tally,
    confusion_matrix,
    curve_classes,
    evaluate,
    headline,
    macro_recall,
    mean_area,
    text_losses,
)
from sentiment_lstm.evaluation.multi_label import f1_scores
from sentiment_lstm.evaluation.ranking import Ranking

MEASURES = ("macro_recall", "f1", "roc_auc", "log_loss", "ece")
"""Fields of `metrics.Scores` that have no interval of their own."""
_SEED = 0

Rows = Sequence[NDArray[np.int64]]
"""The drawn texts of each resample, [N] each."""


def intervals(
    labels: ArrayLike, probabilities: ArrayLike, resamples: int = 200
) -> dict[str, list[float] | None]:
    """Return the 95% interval of each of `MEASURES` over resampled texts.

    This is the basic bootstrap (Davison and Hinkley 1997, "Bootstrap Methods and their
    Application", section 5.2): a resample differs from the texts as these differ from all texts. It
    corrects a bias. The calibration error of few texts has one, because chance alone makes a gap
    in each bin. The same texts give the same intervals.

    Args:
        labels: int [N].
        probabilities: float [N, C].
        resamples: the number of resamples, each of N texts drawn with replacement.

    Returns:
        Measure -> [low, high]; None if the measure is undefined.
    """
    y, p = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    scores = evaluate(y, p)
    rng = np.random.default_rng(_SEED)
    rows = [rng.integers(len(y), size=len(y)) for _ in range(resamples)]
    values = {name: getattr(scores, name) for name in MEASURES}
    resampled = _resampled(y, p, rows)
    resampled["roc_auc"] = _resampled_areas(y, p, rows)
    return {name: _interval(name, values[name], resampled[name]) for name in MEASURES}


def label_intervals(
    targets: NDArray[np.bool_], predicted: NDArray[np.bool_], resamples: int = 200
) -> dict[str, list[float] | None]:
    """Return the 95% intervals of `micro_f1` and `macro_f1`, as `intervals` does.

    Args:
        targets: the texts' labels, bool [N, C].
        predicted: the predicted labels, bool [N, C].
        resamples: the number of resamples.
    """
    rng = np.random.default_rng(_SEED)
    values = f1_scores(targets, predicted)
    rows = [rng.integers(len(targets), size=len(targets)) for _ in range(resamples)]
    samples = [f1_scores(targets[drawn], predicted[drawn]) for drawn in rows]
    return {
        name: _interval(name, values[name], [sample[name] for sample in samples])
        for name in ("micro_f1", "macro_f1")
    }


def _resampled(
    y: NDArray[np.int64], p: NDArray[np.float64], resamples: Rows
) -> dict[str, list[float | None]]:
    """Measure each resample. Values that are the same for all resamples are computed once."""
    predicted, confidence, losses = p.argmax(axis=1), p.max(axis=1), text_losses(y, p)
    values: dict[str, list[float | None]] = {
        "macro_recall": [],
        "f1": [],
        "log_loss": [],
        "ece": [],
    }
    for rows in resamples:
        confusion = confusion_matrix(y[rows], predicted[rows], p.shape[1])
        right = predicted[rows] == y[rows]
        values["macro_recall"].append(macro_recall(confusion))
        values["f1"].append(headline(confusion)[2])
        values["log_loss"].append(Tally(confusion, float(losses[rows].sum())).log_loss)
        values["ece"].append(expected_calibration_error(confidence[rows], right))
    return values


def _resampled_areas(
    y: NDArray[np.int64], p: NDArray[np.float64], resamples: Rows
) -> list[float | None]:
    """Measure the area under the ROC curve of each resample. Texts are sorted once per class."""
    counts = [np.bincount(rows, minlength=len(y)) for rows in resamples]
    areas: list[list[float | None]] = [[] for _ in resamples]
    for c in curve_classes(p.shape[1]):
        ranking = Ranking(y == c, p[:, c])
        for area, count in zip(areas, counts, strict=True):
            area.append(ranking.area(count))
    return [mean_area(area) for area in areas]


def _interval(
    name: str, value: float | None, resampled: Sequence[float | None]
) -> list[float] | None:
    values = [sample for sample in resampled if sample is not None]
    if value is None or not values:
        return None
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    most = float("inf") if name == "log_loss" else 1.0
    return [max(0.0, min(2 * value - high, value)), min(most, max(2 * value - low, value))]
