import warnings

import numpy as np
import pytest

from sentiment_lstm.errors import UsageError
from sentiment_lstm.evaluation.calibration import (
    THRESHOLDS,
    checked_threshold,
    coverage_at,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
    probabilities,
    reliability_bins,
)


def test_one_logit_is_a_sigmoid():
    class_probabilities = probabilities(np.array([0.0, np.log(3.0)], dtype=np.float32))
    np.testing.assert_allclose(class_probabilities, [[0.5, 0.5], [0.25, 0.75]], atol=1e-7)
    assert class_probabilities.dtype == np.float64


def test_several_logits_are_a_softmax():
    class_probabilities = probabilities(np.log([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(class_probabilities, [[0.125, 0.25, 0.625]], atol=1e-12)


def test_two_logits_equal_their_difference():
    pair = np.array([[0.3, -1.2], [4.0, 4.5]])
    np.testing.assert_allclose(
        probabilities(pair), probabilities(pair[:, 1] - pair[:, 0]), atol=1e-12
    )


@pytest.mark.parametrize("logits", [[1e30, -1e30], [[1e30, 0.0, -1e30], [-1e30, -1e30, -1e30]]])
def test_extreme_logits_stay_finite(logits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        class_probabilities = probabilities(np.array(logits))
    assert np.isfinite(class_probabilities).all()
    np.testing.assert_allclose(class_probabilities.sum(axis=1), 1.0)


def test_temperature_softens_and_keeps_the_winner():
    logits = np.array([[2.0, 1.0, 0.0]])
    sharp, soft = probabilities(logits), probabilities(logits, temperature=2.0)
    assert soft.max() < sharp.max()
    assert soft.argmax() == sharp.argmax()
    np.testing.assert_allclose(soft, probabilities(logits / 2.0))


def sampled(n: int, classes: int, seed: int = 0):
    """Draw calibrated logits, [N] for two classes, and labels with their probabilities."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, n if classes == 2 else (n, classes))
    ladder = probabilities(logits).cumsum(axis=1)
    return logits, (rng.random((n, 1)) > ladder).sum(axis=1)


def log_loss(logits, labels, temperature: float) -> float:
    class_probabilities = probabilities(logits, temperature)
    return float(-np.log(class_probabilities[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("distortion", [0.2, 0.5, 1.0, 3.0, 10.0])
def test_a_known_distortion_is_found(classes, distortion):
    logits, labels = sampled(20_000, classes)
    temperature = fit_temperature(logits * distortion, labels)
    assert temperature == pytest.approx(distortion, rel=0.05)
    assert temperature == pytest.approx(distortion * fit_temperature(logits, labels), rel=1e-4)


@pytest.mark.parametrize("classes", [2, 4])
def test_no_other_temperature_fits_better(classes):
    logits, labels = sampled(300, classes, seed=1)
    temperature = fit_temperature(logits * 2, labels)
    least = log_loss(logits * 2, labels, temperature)
    for factor in (0.3, 0.9, 0.99, 1.01, 1.1, 3.0):
        assert least < log_loss(logits * 2, labels, temperature * factor)


def test_the_temperature_fits_soft_targets():
    soft_targets = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])
    logits = np.log(soft_targets[:, 1] / soft_targets[:, 0])
    assert fit_temperature(logits * 3, soft_targets) == pytest.approx(3.0, rel=1e-4)
    hard = soft_targets.round()[[0, 2]]
    labels = hard.argmax(axis=1)
    crossed = np.array([1.0, 0.4])
    assert fit_temperature(crossed, hard) == fit_temperature(crossed, labels)


DEGENERATE = {
    "no winner is wrong": ([3.0, -2.0], [1, 0], 1.0),
    "one class, always right": ([3.0, 0.1], [1, 1], 1.0),
    "one class, mostly wrong": ([-3.0, 0.1], [1, 1], 20.0),
    "logits that do not differ": ([0.0, 0.0], [1, 0], 1.0),
    "logits that are always wrong": ([-3.0, 2.0], [1, 0], 20.0),
    "hardly a doubt": ([0.1, -1e-6], [1, 1], 1 / 20),
    "huge logits": ([1e30, -1e30, 1e30], [1, 0, 0], 20.0),
    "no texts": ([], [], 1.0),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_a_temperature_is_always_bounded(case):
    logits, labels, expected = DEGENERATE[case]
    temperature = fit_temperature(np.array(logits), np.array(labels, dtype=np.int64))
    assert temperature == pytest.approx(expected, rel=1e-5)


def test_calibration_errors_cancel_only_within_a_bin():
    def error(confidence, right):
        return expected_calibration_error(np.array(confidence), np.array(right))

    assert error([0.9, 0.9], [True, False]) == pytest.approx(0.4)
    assert error([1.0, 1.0, 1.0], [True, True, True]) == 0
    # 0.6 = 9/15 is the upper end of its bin and 0.61 is in the next one, so the gaps add up.
    assert error([0.6, 0.61], [True, False]) == pytest.approx((0.4 + 0.61) / 2)


def test_reliability_bins_hold_every_text_once():
    confidence = np.array([0.52, 0.53, 0.6, 0.95, 1.0])
    rows = reliability_bins(confidence, np.array([True, False, True, True, True]))
    assert [row["share"] for row in rows] == [0] * 7 + [0.4, 0.2] + [0] * 5 + [0.4]
    assert (rows[7]["above"], rows[7]["up_to"]) == (7 / 15, 8 / 15)
    assert rows[7]["confidence"] == pytest.approx(0.525)
    assert (rows[7]["accuracy"], rows[14]["accuracy"]) == (0.5, 1.0)
    assert rows[0]["confidence"] is rows[0]["accuracy"] is None


def test_sampled_labels_are_calibrated_until_distorted():
    logits, labels = sampled(20_000, 3)

    def error(temperature):
        class_probabilities = probabilities(logits, temperature)
        return expected_calibration_error(
            class_probabilities.max(axis=1), class_probabilities.argmax(axis=1) == labels
        )

    assert error(1.0) < 0.01
    assert error(0.5) > 0.05
    assert error(2.0) > 0.05


def test_abstaining_keeps_texts_at_or_above_the_threshold():
    confidence, right = np.array([0.55, 0.7, 0.9]), np.array([False, True, True])
    kept = coverage_at(0.7, confidence, right)
    assert kept == {"threshold": 0.7, "coverage": pytest.approx(2 / 3), "accuracy": 1.0}
    assert coverage_at(0.95, confidence, right)["accuracy"] is None
    curve = coverage_curve(confidence, right)
    assert tuple(row["threshold"] for row in curve) == THRESHOLDS
    assert [row["coverage"] for row in curve] == sorted(
        (r["coverage"] for r in curve), reverse=True
    )


@pytest.mark.parametrize("wrong", [-0.1, 1, 1.5, np.nan, np.inf])
def test_a_threshold_that_is_no_probability_is_refused(wrong):
    with pytest.raises(UsageError, match=r"abstain threshold .* found"):
        checked_threshold(wrong)
    assert checked_threshold(0) == 0


def test_no_texts_give_no_rows():
    assert probabilities(np.empty(0)).shape == (0, 2)
    assert probabilities(np.empty((0, 3))).shape == (0, 3)
