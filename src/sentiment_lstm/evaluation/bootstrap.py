"""Bootstrap intervals: how far measures would differ on other texts of the same kind.

Works on plain arrays. Knows no model and no text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sentiment_lstm.evaluation.metrics import Scores, evaluate

MEASURES = ("macro_recall", "f1", "roc_auc", "log_loss", "ece")
"""Fields of `metrics.Scores` that have no interval of their own."""
_SEED = 0


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
    y, p = np.asarray(labels), np.asarray(probabilities)
    rng = np.random.default_rng(_SEED)
    scores = evaluate(y, p)
    resampled = []
    for _ in range(resamples):
        rows = rng.integers(len(y), size=len(y))
        resampled.append(evaluate(y[rows], p[rows]))
    return {name: _interval(name, scores, resampled) for name in MEASURES}


def _interval(name: str, scores: Scores, resampled: Sequence[Scores]) -> list[float] | None:
    value = getattr(scores, name)
    values = [getattr(sample, name) for sample in resampled if getattr(sample, name) is not None]
    if value is None or not values:
        return None
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    most = float("inf") if name == "log_loss" else 1.0
    return [max(0.0, min(2 * value - high, value)), min(most, max(2 * value - low, value))]
