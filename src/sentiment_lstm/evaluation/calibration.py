"""From logits to probabilities that mean what they say, and how far they do. Knows arrays alone.

A text's confidence is the probability of its likeliest class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError

BINS = 15
"""Bins of equal width over the confidence."""
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Where the accuracy/coverage curve is read."""
HOTTEST = 20.0
"""No fitted temperature is higher, and none is lower than 1/20."""


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """The probability of every class.

    Args:
        logits: [N] of the second class where there are two classes, else [N, C].
        temperature: divides the logits; above 1 it makes a model less sure of itself
            (Guo et al. 2017).

    Returns:
        [N, C]; each row sums to 1.
    """
    scaled = _columns(logits) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))  # the highest is e^0: no overflow
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(
    logits: NDArray[np.floating], targets: NDArray[np.int64] | NDArray[np.float32]
) -> float:
    """Find the temperature with the lowest log-loss (Guo et al. 2017, "On Calibration of Modern
    Neural Networks", section 4.2). It changes no winner.

    Args:
        logits: as `probabilities` takes them, of texts that were not trained on.
        targets: class positions, int [N], or the share of each class, float [N, C].

    Returns:
        Between 1/20 and 20. Exactly 1 where the texts cannot tell: no winner is wrong (the loss
        then falls with the temperature for ever), or no logits differ. 20 where the logits say
        less than nothing, as those of a model that is mostly wrong.
    """
    columns = _columns(logits)
    shares = np.eye(columns.shape[1])[targets] if targets.ndim == 1 else targets
    true = (shares * columns).sum(axis=1)
    if (true >= columns.max(axis=1)).all():
        return 1.0
    exponent, step = 0.0, float(np.log(HOTTEST))
    while step > 1e-6:  # the loss is convex in 1/temperature: its slope always points to the lowest
        step /= 2
        expected = (probabilities(columns, float(np.exp(exponent))) * columns).sum(axis=1)
        exponent += step * float(np.sign((expected - true).sum()))
    return float(np.exp(exponent))


def reliability_bins(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Compare confidence and accuracy among texts of nearly equal confidence.

    Args:
        confidence: [N], at least one.
        right: whether the winner is the true class, [N].

    Returns:
        15 bins, `{"above": ..., "up_to": ..., "share": ..., "confidence": ..., "accuracy": ...}`:
        bin k holds confidences in (k/15, (k+1)/15]; means are None in an empty one.
    """
    places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    n, sure, hits = (
        np.bincount(places, weights=weights, minlength=BINS)
        for weights in (None, confidence, right)
    )
    return [
        {
            "above": k / BINS,
            "up_to": (k + 1) / BINS,
            "share": float(n[k] / len(confidence)),
            "confidence": float(sure[k] / n[k]) if n[k] else None,
            "accuracy": float(hits[k] / n[k]) if n[k] else None,
        }
        for k in range(BINS)
    ]


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean gap between confidence and accuracy over the bins, each by its share of the texts
    (Guo et al. 2017). Two texts at confidence 0.9, one of them right: 0.4.

    Args:
        confidence: [N], at least one.
        right: whether the winner is the true class, [N].
    """
    filled = [row for row in reliability_bins(confidence, right) if row["share"]]
    return float(sum(row["share"] * abs(row["confidence"] - row["accuracy"]) for row in filled))


def coverage_at(
    threshold: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> dict[str, Any]:
    """What abstaining below a threshold leaves, and how good that is.

    Args:
        threshold: the least confidence that is an answer.
        confidence: [N], at least one.
        right: whether the winner is the true class, [N].

    Returns:
        `{"threshold": ..., "coverage": ..., "accuracy": ...}`: the share of texts answered and the
        accuracy among them, None where none is.
    """
    answered = confidence >= threshold
    accuracy = float(right[answered].mean()) if answered.any() else None
    return {"threshold": threshold, "coverage": float(answered.mean()), "accuracy": accuracy}


def coverage_curve(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """`coverage_at` each of `THRESHOLDS`: how much accuracy each abstention buys."""
    return [coverage_at(threshold, confidence, right) for threshold in THRESHOLDS]


def checked_threshold(abstain_below: float) -> float:
    """Give an abstain threshold back if it is one.

    Raises:
        UsageError: it is not in [0, 1).
    """
    if not 0 <= abstain_below < 1:
        raise UsageError(
            f"Expected the abstain threshold to be at least 0 and below 1, found {abstain_below}: "
            "name the least probability that a label may have."
        )
    return abstain_below


def _columns(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits as [N, C]: a sigmoid is a softmax beside a constant 0."""
    if np.ndim(logits) != 1:
        return np.asarray(logits, dtype=np.float64)
    columns = np.zeros((len(logits), 2))  # `np.stack` takes eight times as long for one token
    columns[:, 1] = logits
    return columns
