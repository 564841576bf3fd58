"""Chooses a threshold for each label of texts that may have several labels. Knows only arrays.

A text gets a label if the label's probability is at least its threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MANY = 40
"""With this many texts of a label, both thresholds count the same. On halves of the validation
split of `data:goemotions`, 10 to 200 led to the same F1."""
_LEAST = 1e-6
"""The lowest threshold. The highest is 1 minus this."""


def choose_thresholds(
    probabilities: NDArray[np.float64], targets: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Find thresholds with a high F1 for each label.

    Two thresholds are averaged (their geometric mean). The first has the highest F1 on the texts.
    For a rare label it depends on chance. The second has the highest F1 that the
    probabilities expect, whatever the labels are. The first weighs n / (n + 40) for a label of n
    texts, the second the rest.

    Args:
        probabilities: calibrated, [N, C], of texts that were not trained on.
        targets: which labels the texts have, bool [N, C].

    Returns:
        [C], each above 0 and below 1.
    """
    counts = targets.sum(axis=0)
    weights = counts / (counts + _MANY)
    columns = zip(probabilities.T, targets.T, strict=True)
    best, expected = np.array([(_best(p, y), _expected(p)) for p, y in columns]).T
    means: NDArray[np.float64] = np.exp(weights * np.log(best) + (1 - weights) * np.log(expected))
    return means


def _expected(probabilities: NDArray[np.float64]) -> float:
    """Half of the highest F1 that calibrated probabilities expect (Lipton et al. 2014).

    If the k most probable texts get the label, the expected F1 is twice the sum of their
    probabilities, divided by k plus the sum of all probabilities.
    """
    ordered = np.sort(probabilities)[::-1]
    chosen = np.arange(1, len(ordered) + 1)
    f1 = 2 * np.cumsum(ordered) / (chosen + ordered.sum())
    return _within_limits(float(f1.max()) / 2)


def _best(probabilities: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """The threshold with the highest F1 on the texts.

    It lies in the middle between the last text that gets the label and the first that does not.
    """
    order = np.argsort(-probabilities, kind="stable")
    ordered, hits = probabilities[order], np.cumsum(positive[order])
    chosen = np.arange(1, len(order) + 1)
    f1 = 2 * hits / (chosen + positive.sum())
    following = np.append(ordered[1:], 0.0)
    f1[ordered == following] = -1.0  # equal probabilities cannot be separated
    best = int(f1.argmax())
    return _within_limits(float(ordered[best] + following[best]) / 2)


def _within_limits(threshold: float) -> float:
    return min(max(threshold, _LEAST), 1 - _LEAST)
