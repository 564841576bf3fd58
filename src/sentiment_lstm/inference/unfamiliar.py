"""Lowers the scores of unfamiliar texts. Knows probabilities and no texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.text.familiarity_scores import UNFAMILIAR_BELOW

_LEAST_KEPT = 0.01
"""The least k below. It is above 0, so the most probable class stays the same."""


def less_certain(
    class_probabilities: NDArray[np.float64],
    familiarity: NDArray[np.float64],
    *,
    multi_label: bool,
) -> NDArray[np.float64]:
    """Move the probabilities of unfamiliar texts towards equal ones, or towards 0.

    A probability p becomes b + k (p - b). b is 1/C, or 0 if a text may have several labels. k is
    familiarity / `UNFAMILIAR_BELOW`, at least 0.01 and at most 1. So familiar texts keep their
    probabilities to the bit, and the order of the classes stays.

    Args:
        class_probabilities: the probability of each class, [N, C].
        familiarity: of each text, [N].
        multi_label: whether a text may have several labels.
    """
    rows = np.flatnonzero(familiarity < UNFAMILIAR_BELOW)
    if not len(rows):
        return class_probabilities
    kept = kept_part(familiarity[rows, None])
    base = base_probability(class_probabilities.shape[1], multi_label=multi_label)
    changed = class_probabilities.copy()
    changed[rows] = base + kept * (changed[rows] - base)
    return changed


def kept_part(familiarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return k of each text, in the shape of its familiarity."""
    return (familiarity / UNFAMILIAR_BELOW).clip(_LEAST_KEPT, 1)


def base_probability(classes: int, *, multi_label: bool) -> float:
    """Return b for a number of classes."""
    return 0.0 if multi_label else 1 / classes
