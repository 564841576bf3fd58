"""How far measures would move on other texts of the same kind: bootstrap intervals.

Works on plain arrays; knows no model and no text.
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
    """Bound each of `MEASURES` by its 95% interval over resampled texts.

    The basic bootstrap (Davison and Hinkley 1997, "Bootstrap Methods and their Application",
    section 5.2): a resample strays from the texts as these stray from all texts. It corrects a
    bias, which the calibration error of few texts has: chance alone makes a gap in every bin. The
    same texts give the same intervals.

    Args:
        labels: int [N].
        probabilities: float [N, C].
        resamples: how often N texts are drawn with replacement.

    Returns:
        Measure -> [low, high]; None where the measure is undefined.
    """
    y, p = np.asarray(labels), np.asarray(probabilities)
    rng = np.random.default_rng(_SEED)
    found = evaluate(y, p)
    drawn = []
    for _ in range(resamples):
        rows = rng.integers(len(y), size=len(y))
        drawn.append(evaluate(y[rows], p[rows]))
    return {name: _bounds(name, found, drawn) for name in MEASURES}


def _bounds(name: str, found: Scores, drawn: Sequence[Scores]) -> list[float] | None:
    value = getattr(found, name)
    known = [getattr(one, name) for one in drawn if getattr(one, name) is not None]
    if value is None or not known:
        return None
    few, many = np.quantile(known, (0.025, 0.975)).tolist()
    most = float("inf") if name == "log_loss" else 1.0
    return [max(0.0, min(2 * value - many, value)), min(most, max(2 * value - few, value))]
