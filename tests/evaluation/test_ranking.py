"""The area under the ROC curve, whole and resampled."""

import numpy as np
import pytest

from sentiment_lstm.evaluation.ranking import Ranking


def pairwise_area(positive, scores) -> float:
    """Compare all pairs."""
    own, others = scores[positive][:, None], scores[~positive][None, :]
    return float(((own > others) + 0.5 * (own == others)).mean())


@pytest.mark.parametrize("digits", [1, 8])
def test_the_area_counts_pairs(digits):
    rng = np.random.default_rng(0)
    positive, scores = rng.random(60) < 0.3, rng.random(60).round(digits)
    assert Ranking(positive, scores).area() == pytest.approx(pairwise_area(positive, scores))


def test_a_resample_is_measured_as_if_its_texts_were_listed():
    rng = np.random.default_rng(1)
    positive, scores = rng.random(60) < 0.3, rng.random(60).round(1)
    rows = rng.integers(60, size=60)
    area = Ranking(positive, scores).area(np.bincount(rows, minlength=60))
    assert area == Ranking(positive[rows], scores[rows]).area()


def test_one_kind_of_text_has_no_area():
    scores = np.array([0.1, 0.9])
    assert Ranking(np.array([True, True]), scores).area() is None
    assert Ranking(np.array([False, False]), scores).area() is None
    assert Ranking(np.array([True, False]), scores).area(np.array([0, 2])) is None
