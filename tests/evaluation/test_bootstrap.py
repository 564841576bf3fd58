"""Bootstrap intervals."""

import numpy as np
import pytest

from sentiment_lstm.evaluation import bootstrap
from sentiment_lstm.evaluation.bootstrap import MEASURES, intervals
from sentiment_lstm.evaluation.metrics import evaluate


def scored(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels and calibrated probabilities of the second class."""
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    return (rng.random(n) < p).astype(int), np.stack([1 - p, p], axis=1)


def test_intervals_hold_the_value_and_shrink_with_more_texts():
    small, large = scored(100), scored(2000)
    for name in MEASURES:
        low, high = intervals(*small)[name]
        assert low <= getattr(evaluate(*small), name) <= high
        closer = intervals(*large)[name]
        assert closer[1] - closer[0] < high - low


def test_log_loss_agrees_with_the_normal_interval():
    y, p = scored(2000)
    losses = -np.log(p[np.arange(len(y)), y])
    half = 1.96 * losses.std() / np.sqrt(len(y))
    expected = [losses.mean() - half, losses.mean() + half]
    assert intervals(y, p)["log_loss"] == pytest.approx(expected, abs=half / 4)


def test_the_same_texts_give_the_same_intervals():
    assert intervals(*scored(50)) == intervals(*scored(50))


@pytest.mark.parametrize("classes", [2, 3, 30])
def test_a_resample_is_measured_as_if_its_texts_were_listed(classes):
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(classes), size=200).round(2)
    p /= p.sum(axis=1, keepdims=True)
    y = rng.integers(classes, size=200)
    rows = [np.random.default_rng(0).integers(200, size=200)]
    expected = evaluate(y[rows[0]], p[rows[0]])
    resampled = bootstrap._resampled(y, p, rows)
    resampled["roc_auc"] = bootstrap._resampled_areas(y, p, rows)
    assert {name: [getattr(expected, name)] for name in MEASURES} == resampled


def test_undefined_measures_have_no_interval():
    alone = intervals([0, 0], [[0.9, 0.1], [0.6, 0.4]])
    assert alone["roc_auc"] is None
    assert alone["macro_recall"] == [1.0, 1.0]
