"""Measures where a text may have several labels, beside those of scikit-learn."""

import json

import numpy as np
import pytest
import torch
from sklearn import metrics

from sentiment_lstm.evaluation.bootstrap import label_intervals
from sentiment_lstm.evaluation.calibration import fit_temperature, probabilities
from sentiment_lstm.evaluation.mixing import fit_mixture, log_loss
from sentiment_lstm.evaluation.multi_label import f1_scores, measure_labels, surest_mistakes
from sentiment_lstm.training.objective import correct, cross_entropy

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(400, 5)) * 2
TARGETS = RNG.random((400, 5)) < probabilities(LOGITS, 1.0, multi_label=True)
P = probabilities(LOGITS, multi_label=True)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
PREDICTED = np.array(THRESHOLDS) <= P


@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize("name", ["f1", "precision", "recall"])
def test_f1_is_that_of_scikit_learn(average: str, name: str) -> None:
    measure = getattr(metrics, f"{name}_score")
    expected = measure(TARGETS, PREDICTED, average=average, zero_division=0)
    assert f1_scores(TARGETS, PREDICTED)[f"{average}_{name}"] == pytest.approx(expected)


def test_a_label_that_never_occurs_counts_as_0() -> None:
    targets = np.array([[True, False], [True, False]])
    assert f1_scores(targets, targets)["macro_f1"] == 0.5
    assert f1_scores(targets, targets)["micro_f1"] == 1.0
    assert f1_scores(~targets & targets, targets & ~targets)["micro_f1"] == 0.0


def test_all_measures_are_plain_values() -> None:
    values = measure_labels(TARGETS, P, THRESHOLDS, tuple("abcde"))
    assert json.loads(json.dumps(values)) == values
    assert values["accuracy"] == metrics.accuracy_score(TARGETS, PREDICTED)
    assert values["log_loss"] == pytest.approx(
        sum(metrics.log_loss(TARGETS[:, c], P[:, c]) for c in range(5))
    )
    rows = {row["class"]: row for row in values["per_class"]}
    assert rows["b"]["threshold"] == 0.4
    assert rows["b"]["n"] == TARGETS[:, 1].sum()
    assert rows["b"]["predicted"] == PREDICTED[:, 1].sum()
    assert rows["b"]["roc_auc"] == pytest.approx(metrics.roc_auc_score(TARGETS[:, 1], P[:, 1]))
    f1 = [row["f1"] for row in values["per_class"]]
    assert f1 == sorted(f1)
    assert np.mean(f1) == pytest.approx(values["macro_f1"])
    assert sum(bin_["share"] for bin_ in values["reliability"]) == pytest.approx(1)
    assert values["ece"] < 0.15


def test_intervals_hold_the_measures() -> None:
    values = f1_scores(TARGETS, PREDICTED)
    for name, bounds in label_intervals(TARGETS, PREDICTED).items():
        assert bounds is not None
        assert bounds[0] < values[name] < bounds[1]


def test_the_surest_mistakes_come_first() -> None:
    targets = np.array([[True, False], [True, True], [False, False]])
    p = np.array([[0.1, 0.2], [0.9, 0.8], [0.7, 0.1]])
    assert surest_mistakes(targets, p, p >= 0.5) == {0: 0.9, 2: 0.7}
    assert list(surest_mistakes(targets, p, p >= 0.5, most=1)) == [0]


def test_each_label_has_a_sigmoid_of_its_own() -> None:
    logits = np.array([[0.0, 2.0, -2.0]])
    expected = 1 / (1 + np.exp(-logits / 2))
    np.testing.assert_allclose(probabilities(logits, 2.0, multi_label=True), expected)


def test_the_temperature_is_found_over_all_labels() -> None:
    assert fit_temperature(LOGITS * 3, TARGETS) == pytest.approx(3, rel=0.1)


def test_the_loss_of_a_text_is_the_sum_over_its_labels() -> None:
    logits, targets = torch.from_numpy(LOGITS), torch.from_numpy(TARGETS)
    losses = cross_entropy(logits, targets)
    assert losses.shape == (400,)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets.double())
    assert float(losses.mean()) == pytest.approx(5 * float(expected))
    assert log_loss(LOGITS, TARGETS, 1.0) == pytest.approx(float(losses.mean()))
    assert correct(logits, targets) == ((LOGITS > 0) == TARGETS).all(axis=1).sum()


def test_a_mixture_prefers_the_better_model() -> None:
    noise = RNG.normal(size=LOGITS.shape)
    assert fit_mixture(noise, LOGITS, TARGETS).weight > 0.8
