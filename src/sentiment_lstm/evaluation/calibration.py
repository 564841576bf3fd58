"""From logits to probabilities that mean what they say. Knows arrays alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """The probability of every class.

    Args:
        logits: [N] of the second class where there are two classes, else [N, C].
        temperature: divides the logits; above 1 it makes a model less sure of itself
            (Guo et al. 2017).

    Returns:
        [N, C]; each row sums to 1.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    if scaled.ndim == 1:
        scaled = np.stack([np.zeros_like(scaled), scaled], axis=1)  # a sigmoid is a softmax over 0
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))  # the highest is e^0: no overflow
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
