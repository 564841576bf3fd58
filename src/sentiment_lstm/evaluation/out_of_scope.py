"""Measures how well abstaining finds texts that belong to no class.

Works on plain arrays. A text's confidence is the probability of its likeliest class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.evaluation.calibration import THRESHOLDS
from sentiment_lstm.evaluation.ranking import Ranking


def out_of_scope_scores(
    confidence: NDArray[np.float64],
    out_of_scope: NDArray[np.float64],
    thresholds: Sequence[float] = THRESHOLDS,
) -> dict[str, Any]:
    """Compare the confidence on texts of the classes with that on texts of no class.

    The baseline of Hendrycks and Gimpel (2017), "A Baseline for Detecting Misclassified and
    Out-of-Distribution Examples in Neural Networks".

    Args:
        confidence: of texts that belong to the classes, [N], at least one.
        out_of_scope: of texts that belong to no class, [M], at least one.
        thresholds: texts with a lower confidence are left unlabelled.

    Returns:
        `n`: M. `roc_auc`: how often a text of the classes has a higher confidence than a text of no
        class; 0.5 is guessing. `curve`: per threshold `{"threshold": ..., "unlabelled": ...,
        "kept": ...}`: the fraction of the M texts that are left unlabelled, and the fraction of the
        N texts that keep their label.
    """
    belongs = np.arange(len(confidence) + len(out_of_scope)) < len(confidence)
    return {
        "n": len(out_of_scope),
        "roc_auc": Ranking(belongs, np.concatenate([confidence, out_of_scope])).area(),
        "curve": [
            {
                "threshold": threshold,
                "unlabelled": float((out_of_scope < threshold).mean()),
                "kept": float((confidence >= threshold).mean()),
            }
            for threshold in thresholds
        ],
    }
