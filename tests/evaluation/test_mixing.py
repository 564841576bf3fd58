"""The mixture of two models' logits is found on made-up logits."""

import numpy as np
import pytest

from sentiment_lstm.evaluation.calibration import fit_temperature
from sentiment_lstm.evaluation.mixing import Mixture, fit_mixture, log_loss


def _logits(targets, classes: int, skill: float, seed: int) -> np.ndarray:
    """Noise, with `skill` added to the logit of the right class."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(targets), classes)) * 2
    noise[np.arange(len(targets)), targets] += skill
    return noise[:, 1] - noise[:, 0] if classes == 2 else noise


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize(("first", "second"), [(4.0, 0.0), (0.0, 4.0), (2.0, 2.0), (-3.0, 1.0)])
@pytest.mark.parametrize("soft", [False, True])
def test_a_mixture_is_never_worse_than_either_model(classes, first, second, soft):
    targets = np.random.default_rng(0).integers(classes, size=300)
    deep, wide = _logits(targets, classes, first, 1), _logits(targets, classes, second, 2)
    labels = targets
    if soft:
        labels = (np.eye(classes)[targets] * 0.8 + 0.2 / classes).astype(np.float32)
    mixture = fit_mixture(deep, wide, labels)
    for logits in (deep, wide):
        assert mixture.loss <= log_loss(logits, labels, fit_temperature(logits, labels)) + 1e-9
    assert mixture.loss == log_loss(mixture.logits(deep, wide), labels, mixture.temperature)


def test_a_mixture_finds_the_better_model():
    targets = np.random.default_rng(0).integers(2, size=500)
    good, bad = _logits(targets, 2, 4.0, 1), _logits(targets, 2, 0.0, 2)
    assert fit_mixture(good, bad, targets).weight <= 0.1
    assert fit_mixture(bad, good, targets).weight >= 0.9
    assert 0.3 <= fit_mixture(good, _logits(targets, 2, 4.0, 3), targets).weight <= 0.7


def test_equal_models_and_faultless_ones_have_a_mixture():
    targets = np.array([0, 1, 0, 1])
    logits = np.array([-2.0, 2.0, -1.0, 1.0])
    assert fit_mixture(logits, logits, targets).weight == 0.0
    assert fit_mixture(logits * 0, logits * 0, targets).loss == pytest.approx(np.log(2))


def test_the_logits_of_a_mixture():
    mixture = Mixture(weight=0.25, temperature=2.0, loss=0.0)
    assert mixture.logits(np.array([4.0]), np.array([8.0])) == pytest.approx([5.0])


def test_the_log_loss_of_soft_labels():
    logits = np.log(np.array([[0.2, 0.8]]))
    loss = log_loss(logits, np.array([[0.5, 0.5]], dtype=np.float32), 1.0)
    assert loss == pytest.approx(-0.5 * np.log(0.2) - 0.5 * np.log(0.8))
    assert log_loss(logits, np.array([1]), 1.0) == pytest.approx(-np.log(0.8))
