"""How well abstaining finds texts of no class."""

import numpy as np
import pytest

from sentiment_lstm.evaluation.calibration import THRESHOLDS
from sentiment_lstm.evaluation.out_of_scope import out_of_scope_scores


def test_fractions_at_each_threshold():
    known, others = np.array([0.95, 0.9, 0.4, 0.7]), np.array([0.3, 0.9, 0.6])
    result = out_of_scope_scores(known, others, (0.5, 0.9))
    assert result["n"] == 3
    assert result["curve"] == [
        {"threshold": 0.5, "unlabelled": pytest.approx(1 / 3), "kept": 0.75},
        {"threshold": 0.9, "unlabelled": pytest.approx(2 / 3), "kept": 0.5},
    ]
    assert result["roc_auc"] == pytest.approx((3 + 2.5 + 1 + 2) / 12)


def test_the_usual_thresholds_and_perfect_separation():
    result = out_of_scope_scores(np.full(5, 0.999), np.full(2, 0.2))
    assert result["roc_auc"] == 1.0
    assert [row["threshold"] for row in result["curve"]] == list(THRESHOLDS)
    assert all(row["unlabelled"] == row["kept"] == 1.0 for row in result["curve"])
