"""ROC curves and the area under them, also of a resample. Works on plain arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Ranking:
    """Texts in the order of their scores, sorted once for any number of resamples.

    Args:
        positive: which texts belong to the class, [N].
        scores: the score of each text for this class, [N].
    """

    def __init__(self, positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._others = ~positive[self._order]
        own = scores[positive]
        self._positive = np.flatnonzero(positive)
        self._below = np.searchsorted(ordered, own, side="left")
        """How many texts score below each text of the class."""
        self._up_to = np.searchsorted(ordered, own, side="right")

    def area(self, counts: NDArray[np.int64] | None = None) -> float | None:
        """Return how often a text of the class scores above another text. Ties count half.

        Args:
            counts: how often each text occurs in a resample, [N]; None: once.

        Returns:
            A fraction; None if there is no text of the class, or no other text.
        """
        if counts is None:
            counts = np.ones(len(self._order), dtype=np.int64)
        others = np.concatenate([[0], np.cumsum(counts[self._order] * self._others)])
        weights = counts[self._positive]
        pairs = int(weights.sum()) * int(others[-1])
        if not pairs:
            return None
        below_twice = others[self._below] + others[self._up_to]  # integers: the sum is exact
        return int((weights * below_twice).sum()) / (2 * pairs)


def curve_points(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], most: int
) -> list[tuple[float, float]]:
    """Return the ROC curve: the rates at each distinct score, thinned out to `most` points.

    Args:
        positive: which texts belong to the class, [N].
        scores: the score of each text for this class, [N].
        most: the number of points.

    Returns:
        (false positive rate, true positive rate) from (0, 0) to (1, 1). Empty if there is no text
        of the class, or no other text.
    """
    n, others = int(positive.sum()), int((~positive).sum())
    if not n or not others:
        return []
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # equal scores come together
    true = np.concatenate([[0], np.cumsum(positive[order])[last]]) / n
    false = np.concatenate([[0], np.cumsum(~positive[order])[last]]) / others
    kept = np.unique(np.searchsorted(true + false, np.linspace(0, 2, most) - 1e-12))
    return [(float(false[k]), float(true[k])) for k in kept]
