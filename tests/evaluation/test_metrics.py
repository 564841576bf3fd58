import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_lstm.evaluation import metrics
from sentiment_lstm.evaluation.metrics import (
    Tally,
    accuracy_by_value,
    evaluate,
    roc_auc,
    roc_curve,
    wilson_interval,
)

# Four texts: right at 0.9, right at 0.6, wrong at 0.8 (a false negative), right at 0.7.
LABELS = [0, 1, 1, 1]
PROBABILITIES = [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]]


def example(seed, n, classes):
    """Draw labels, and probabilities rounded to two digits so that there are ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, n)
    raw = random.random((n, classes)) + 0.7 * np.eye(classes)[labels] + 0.01
    return labels, np.round(raw / raw.sum(axis=1, keepdims=True), 2)


def test_worked_example():
    scores = evaluate(LABELS, PROBABILITIES, lengths=[50, 51, 400, 401])
    assert scores.n == 4
    assert scores.accuracy == 0.75
    assert scores.confusion == [[1, 0], [1, 2]]
    assert (scores.precision, scores.recall) == (1.0, pytest.approx(2 / 3))
    assert scores.f1 == pytest.approx(0.8)
    assert scores.macro_recall == pytest.approx(5 / 6)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert scores.roc_auc == 1.0
    assert scores.log_loss == pytest.approx(-np.log([0.9, 0.6, 0.2, 0.7]).mean())
    assert scores.ece == pytest.approx((0.1 + 0.4 + 0.8 + 0.3) / 4)
    fractions = [row["share"] for row in scores.reliability]
    assert fractions == [0, 0, 0, 0, 0, 0, 0, 0, 0.25, 0, 0.25, 0.25, 0, 0.25, 0]
    assert [row["coverage"] for row in scores.coverage_curve] == [1, 1, 0.75, 0.5, 0.25, 0, 0]
    rows = scores.accuracy_by_length
    assert [row.pop("interval") for row in rows][2:4] == [None, list(wilson_interval(0, 1))]
    assert rows == [
        {"tokens": "<=50", "n": 1, "accuracy": 1.0},
        {"tokens": "51-100", "n": 1, "accuracy": 1.0},
        {"tokens": "101-200", "n": 0, "accuracy": None},
        {"tokens": "201-400", "n": 1, "accuracy": 0.0},
        {"tokens": ">400", "n": 1, "accuracy": 1.0},
    ]


@pytest.mark.parametrize(("n", "classes"), [(500, 2), (500, 4), (3, 2), (40, 3)])
def test_equals_scikit_learn(n, classes):
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, p = example(n, n, classes)
    p = p / p.sum(axis=1, keepdims=True)
    guess, every = p.argmax(axis=1), list(range(classes))
    average = {"average": "binary" if classes == 2 else "macro", "zero_division": 0}
    scores = evaluate(labels, p)
    close = {"rel": 1e-12, "abs": 1e-12}
    assert scores.accuracy == pytest.approx(sklearn.accuracy_score(labels, guess), **close)
    for name in ("precision", "recall", "f1"):
        expected = getattr(sklearn, f"{name}_score")(labels, guess, **average)
        assert getattr(scores, name) == pytest.approx(expected, **close)
    macro = sklearn.f1_score(labels, guess, average="macro", zero_division=0)
    assert scores.macro_f1 == pytest.approx(macro, **close)
    balanced = sklearn.balanced_accuracy_score(labels, guess)
    assert scores.macro_recall == pytest.approx(balanced, **close)
    area = sklearn.roc_auc_score(labels, p[:, 1] if classes == 2 else p, multi_class="ovr")
    assert scores.roc_auc == pytest.approx(area, **close)
    assert scores.log_loss == pytest.approx(sklearn.log_loss(labels, p, labels=every), **close)
    assert scores.confusion == sklearn.confusion_matrix(labels, guess, labels=every).tolist()


def test_a_class_that_does_not_occur_is_left_out_of_the_means():
    sklearn = pytest.importorskip("sklearn.metrics")
    scores = evaluate([0, 2], np.eye(3)[[0, 2]])
    assert (scores.precision, scores.recall, scores.f1, scores.macro_f1) == (1, 1, 1, 1)
    labels, guess = [0, 0, 2, 2], [0, 1, 2, 2]
    scores = evaluate(labels, np.eye(4)[guess])
    for name in ("precision", "recall", "f1"):
        score = getattr(sklearn, f"{name}_score")
        expected = score(labels, guess, average="macro", zero_division=0)
        assert getattr(scores, name) == pytest.approx(expected)


def test_wilson_interval():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, 15 of 148, 0 of 20.
    assert metrics.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert metrics.wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert metrics.wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert metrics.wilson_interval(20, 20)[1] == 1.0


def test_ties_count_half_in_the_auc():
    assert metrics.roc_auc([0, 1, 1], [[0.5, 0.5], [0.5, 0.5], [0.1, 0.9]]) == 0.75


def test_no_auc_without_both_classes():
    assert evaluate([1, 1], [[0.2, 0.8], [0.6, 0.4]]).roc_auc is None
    assert evaluate([0, 1], np.eye(3)[:2]).roc_auc is None


def test_a_true_class_of_probability_zero_costs_a_finite_loss():
    assert evaluate([0], [[0.0, 1.0]]).log_loss == pytest.approx(-np.log(1e-12))


def test_measures_of_one_class_are_valid_json():
    scores = evaluate([0, 0], [[0.9, 0.1], [0.8, 0.2]]).to_dict()
    assert (scores["precision"], scores["recall"], scores["f1"]) == (0, 0, 0)
    assert scores["macro_recall"] == 1
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


@given(cuts=st.lists(st.integers(1, 99), max_size=5), classes=st.integers(2, 4))
def test_tallies_of_batches_add_up_to_the_whole(cuts, classes):
    labels, p = example(0, 100, classes)
    edges = [0, *sorted(set(cuts)), 100]
    parts = [Tally.of(labels[a:b], p[a:b]) for a, b in pairwise(edges)]
    merged = sum(parts[1:], parts[0])
    whole = evaluate(labels, p)
    assert merged.n == 100
    assert merged.confusion.tolist() == whole.confusion
    assert merged.accuracy == whole.accuracy
    assert merged.log_loss == pytest.approx(whole.log_loss, rel=1e-12)


def test_confident_mistakes_come_first():
    labels = [0, 0, 1, 1, 0]
    p = [[0.9, 0.1], [0.3, 0.7], [0.95, 0.05], [0.1, 0.9], [0.3, 0.7]]
    assert metrics.confident_mistakes(labels, p).tolist() == [2, 1, 4]
    assert metrics.confident_mistakes(labels, p, most=1).tolist() == [2]
    assert metrics.confident_mistakes([0], [[0.9, 0.1]]).tolist() == []


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        (np.zeros(0, int), np.zeros((0, 2)), "at least one text"),
        ([0], [[np.nan, 0.5]], "NaN"),
        ([0], [[1.5, -0.5]], "between 0 and 1"),
        ([2], [[0.5, 0.5]], "integers from 0 to 1"),
        ([-1], [[0.5, 0.5]], "integers from 0 to 1"),
        ([0.5], [[0.5, 0.5]], "integers from 0 to 1"),
        ([0, 1], [[0.5, 0.5]], "labels"),
        ([0], [0.5], "labels"),
    ],
)
@pytest.mark.parametrize("measure", [evaluate, Tally.of, metrics.confident_mistakes])
def test_unusable_input_is_refused(measure, labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        measure(labels, probabilities)


def test_there_must_be_as_many_lengths_as_labels():
    with pytest.raises(ValueError, match="one length for each of 4"):
        evaluate(LABELS, PROBABILITIES, lengths=[1, 2])


def test_the_area_under_the_roc_curve_is_the_auc():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=500)
    scores = np.round(np.clip(0.3 * labels + 0.7 * rng.random(500), 0, 1), 2)  # with ties
    probabilities = np.stack([1 - scores, scores], axis=1)
    curve = np.array(roc_curve(labels, probabilities, most=1000)[1])
    assert (curve[0].tolist(), curve[-1].tolist()) == ([0, 0], [1, 1])
    assert (np.diff(curve, axis=0) >= 0).all()
    heights = (curve[1:, 1] + curve[:-1, 1]) / 2
    assert np.diff(curve[:, 0]) @ heights == pytest.approx(roc_auc(labels, probabilities))
    assert len(roc_curve(labels, probabilities, most=20)[1]) <= 20


def test_a_class_that_is_absent_or_alone_has_no_roc_curve():
    probabilities = np.full((4, 3), 1 / 3)
    assert roc_curve([0, 2, 0, 2], probabilities).keys() == {0, 2}
    assert roc_curve([1, 1], probabilities[:2]) == {}


def test_accuracy_by_value_joins_rare_values():
    values = ["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["d", "e"]
    right = np.array([True] * 3 + [False] + [True] * 6 + [False])
    rows = accuracy_by_value(right, values, most=2)
    assert [(r["value"], r["n"], r["accuracy"]) for r in rows] == [
        ("a", 4, 0.75),
        ("b", 3, 1.0),
        (None, 4, 0.75),
    ]
    assert rows[-1]["joined"] == 3
    assert rows[0]["interval"] == list(wilson_interval(3, 4))
    assert len(accuracy_by_value(right, values, most=4)) == 5  # a single rare value keeps its name
