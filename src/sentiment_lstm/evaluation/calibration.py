"""Turns logits into calibrated probabilities, and measures their calibration. Knows only arrays.

A text's confidence is the probability of its likeliest class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.records import Targets, has_several

BINS = 15
"""The number of bins of equal width over the confidence."""
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""The thresholds of the accuracy/coverage curve."""
HOTTEST = 20.0
"""The highest temperature that is fitted. The lowest is 1/20."""


def probabilities(
    logits: NDArray[np.floating], temperature: float = 1.0, *, multi_label: bool = False
) -> NDArray[np.float64]:
    """Return the probability of each class.

    Args:
        logits: [N], of the second class, if there are two classes; else [N, C].
        temperature: divides the logits. Above 1 it lowers the confidence (Guo et al. 2017).
        multi_label: a text may have several of C labels. Each has a probability of its own.

    Returns:
        [N, C]; each row sums to 1, unless `multi_label`.
    """
    if multi_label:
        return probabilities(np.ravel(logits), temperature)[:, 1].reshape(np.shape(logits))
    scaled = _columns(logits) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))  # the highest is e^0: no overflow
    rows: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return rows


def as_decisions(logits: NDArray[np.floating], targets: Targets) -> tuple[Any, Any]:
    """Return logits and targets so that each row is a decision for one of several classes.

    Texts that may have several of C labels are N x C decisions between no and yes: logits [N x C]
    and targets int [N x C]. Otherwise each text is a decision, and both arrays stay.
    """
    if has_several(targets):
        return np.ravel(logits), targets.ravel().astype(np.int64)
    return logits, targets


def fit_temperature(logits: NDArray[np.floating], targets: Targets) -> float:
    """Find the temperature with the lowest log-loss. It does not change any predicted class.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.

    Args:
        logits: as for `probabilities`, of texts that were not trained on.
        targets: class indices, int [N]; soft labels, float [N, C]; or which labels a text has,
            bool [N, C].

    Returns:
        A number between 1/20 and 20. Exactly 1 if the texts do not determine it: either no
        prediction is wrong, so the loss falls with the temperature for ever, or all logits are
        equal. 20 if the model is mostly wrong.
    """
    logits, targets = as_decisions(logits, targets)
    columns = _columns(logits)
    soft_labels = np.eye(columns.shape[1])[targets] if targets.ndim == 1 else targets
    true = (soft_labels * columns).sum(axis=1)
    if (true >= columns.max(axis=1)).all():
        return 1.0
    exponent, step = 0.0, float(np.log(HOTTEST))
    while step > 1e-6:  # the loss is convex in 1/temperature, so its slope points to the minimum
        step /= 2
        expected = (probabilities(columns, float(np.exp(exponent))) * columns).sum(axis=1)
        exponent += step * float(np.sign((expected - true).sum()))
    return float(np.exp(exponent))


def reliability_bins(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Compare confidence and accuracy in bins of nearly equal confidence.

    Args:
        confidence: [N], at least one.
        right: whether the predicted class is the true one, [N].

    Returns:
        15 bins `{"above": ..., "up_to": ..., "share": ..., "confidence": ..., "accuracy": ...}`.
        Bin k holds confidences in (k/15, (k+1)/15]. `share` is its fraction of the texts;
        `confidence` and `accuracy` are means, None in an empty bin.
    """
    bin_indices = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    n, sure, hits = (
        np.bincount(bin_indices, weights=weights, minlength=BINS)
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
    """Return the mean gap between confidence and accuracy over all texts (Guo et al. 2017).

    Two texts with confidence 0.9, one of them right, give 0.4.

    Args:
        confidence: [N], at least one.
        right: whether the predicted class is the true one, [N].
    """
    filled = [row for row in reliability_bins(confidence, right) if row["share"]]
    return float(sum(row["share"] * abs(row["confidence"] - row["accuracy"]) for row in filled))


def coverage_at(
    threshold: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return how many texts are answered when abstaining below a threshold, and their accuracy.

    Args:
        threshold: the lowest confidence that counts as an answer.
        confidence: [N], at least one.
        right: whether the predicted class is the true one, [N].

    Returns:
        `{"threshold": ..., "coverage": ..., "accuracy": ...}`: coverage is the fraction of texts
        answered; accuracy is over these texts, None if there are none.
    """
    answered = confidence >= threshold
    accuracy = float(right[answered].mean()) if answered.any() else None
    return {"threshold": threshold, "coverage": float(answered.mean()), "accuracy": accuracy}


def coverage_curve(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Return `coverage_at` for each of `THRESHOLDS`."""
    return [coverage_at(threshold, confidence, right) for threshold in THRESHOLDS]


def checked_threshold(abstain_below: float) -> float:
    """Return an abstain threshold if it is valid.

    Raises:
        UsageError: it is not a number in [0, 1).
    """
    try:
        is_valid = 0 <= abstain_below < 1
    except TypeError:
        is_valid = False
    if not is_valid:
        raise UsageError(
            "Expected the abstain threshold to be at least 0 and below 1, found "
            f"{abstain_below!r:.40}: name the lowest probability that a label may have."
        )
    return abstain_below


def _columns(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return logits as [N, C]. A sigmoid is a softmax over 0 and the logit."""
    if np.ndim(logits) != 1:
        return np.asarray(logits, dtype=np.float64)
    columns = np.zeros((len(logits), 2))  # `np.stack` takes eight times as long for one token
    columns[:, 1] = logits
    return columns
