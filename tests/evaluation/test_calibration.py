import warnings

import numpy as np
import pytest

from sentiment_lstm.evaluation.calibration import probabilities


def test_one_logit_is_a_sigmoid():
    found = probabilities(np.array([0.0, np.log(3.0)], dtype=np.float32))
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.25, 0.75]], atol=1e-7)
    assert found.dtype == np.float64


def test_several_logits_are_a_softmax():
    found = probabilities(np.log([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(found, [[0.125, 0.25, 0.625]], atol=1e-12)


def test_two_logits_equal_their_difference():
    pair = np.array([[0.3, -1.2], [4.0, 4.5]])
    np.testing.assert_allclose(
        probabilities(pair), probabilities(pair[:, 1] - pair[:, 0]), atol=1e-12
    )


@pytest.mark.parametrize("logits", [[1e30, -1e30], [[1e30, 0.0, -1e30], [-1e30, -1e30, -1e30]]])
def test_extreme_logits_stay_finite(logits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = probabilities(np.array(logits))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_temperature_softens_and_keeps_the_winner():
    logits = np.array([[2.0, 1.0, 0.0]])
    sharp, soft = probabilities(logits), probabilities(logits, temperature=2.0)
    assert soft.max() < sharp.max()
    assert soft.argmax() == sharp.argmax()
    np.testing.assert_allclose(soft, probabilities(logits / 2.0))


def test_no_texts():
    assert probabilities(np.empty(0)).shape == (0, 2)
    assert probabilities(np.empty((0, 3))).shape == (0, 3)
