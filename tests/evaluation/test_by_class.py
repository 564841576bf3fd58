"""Measures of each class, confused pairs, and classes that are numbers."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from sentiment_lstm.evaluation.by_class import (
    by_class,
    class_rows,
    confused_pairs,
    number_errors,
    numbers_of,
)
from sentiment_lstm.evaluation.metrics import confusion_matrix

CLASSES = [f"c{n}" for n in range(77)]


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and predictions of 77 classes from random logits, and their confusion matrix."""
    rng = np.random.default_rng(0)
    labels = rng.integers(77, size=2000)
    logits = rng.normal(size=(2000, 77))
    logits[np.arange(2000), labels] += 2.5
    predicted = logits.argmax(axis=1)
    return labels, predicted, confusion_matrix(labels, predicted, 77)


def test_classes_agree_with_scikit_learn(scored):
    labels, predicted, confusion = scored
    expected = precision_recall_fscore_support(labels, predicted, zero_division=0)
    rows = {row["class"]: row for row in class_rows(confusion, CLASSES)}
    for index, name in enumerate(CLASSES):
        row = rows[name]
        values = [row[key] or 0.0 for key in ("precision", "recall", "f1")]
        assert values == pytest.approx([column[index] for column in expected[:3]])
        assert row["n"] == (labels == index).sum()
        assert row["predicted"] == (predicted == index).sum()


def test_the_weakest_class_comes_first(scored):
    measures = [row["f1"] for row in class_rows(scored[2], CLASSES)]
    assert measures == sorted(measures)


def test_undefined_measures_are_none_and_classes_without_texts_come_last():
    rows = class_rows([[2, 0, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], "abcd")
    assert [row["class"] for row in rows] == ["b", "a", "c", "d"]
    assert rows[0] == {
        "class": "b",
        "n": 3,
        "predicted": 0,
        "precision": None,
        "recall": 0.0,
        "f1": 0.0,
    }
    assert rows[2]["f1"] is rows[2]["recall"] is None


def test_the_commonest_mistakes_are_counted(scored):
    labels, predicted, confusion = scored
    pairs = confused_pairs(confusion, CLASSES)
    assert len(pairs) == 10
    for pair in pairs:
        true, other = CLASSES.index(pair["true"]), CLASSES.index(pair["predicted"])
        assert true != other
        assert pair["count"] == ((labels == true) & (predicted == other)).sum()
        assert pair["of"] == (labels == true).sum()
    wrong = confusion - np.diag(np.diag(confusion))
    assert [pair["count"] for pair in pairs] == sorted(wrong.ravel().tolist())[:-11:-1]


def test_of_equal_counts_the_rarer_class_comes_first():
    pairs = confused_pairs([[9, 2, 0], [0, 5, 2], [0, 0, 7]], "abc")
    assert [(pair["true"], pair["count"], pair["of"]) for pair in pairs] == [
        ("b", 2, 7),
        ("a", 2, 11),
    ]


def test_a_model_without_mistakes_confuses_nothing():
    assert confused_pairs(np.eye(3, dtype=int), "abc") == []


def test_stars_have_a_distance():
    errors = number_errors([[1, 1, 0], [0, 1, 0], [1, 0, 0]], ["1", "2", "5"])
    assert errors == {"mean_absolute_error": (1 + 4) / 4, "within_one": 3 / 4}


@pytest.mark.parametrize(
    "classes", [["0", "1"], ["1", "2", "good"], ["a", "b", "c"], ["1 star", "2 stars", "3 stars"]]
)
def test_names_and_two_classes_are_no_scale(classes):
    assert numbers_of(classes) is None
    nothing = {"mean_absolute_error": None, "within_one": None}
    assert number_errors(np.eye(len(classes), dtype=int), classes) == nothing


def test_numbers_may_be_negative_or_decimal():
    assert numbers_of(["-1", "0", "1.5", "10"]).tolist() == [-1.0, 0.0, 1.5, 10.0]


def test_everything_together():
    assert by_class(np.eye(3, dtype=int), ["1", "2", "3"]).keys() == {
        "per_class",
        "confused_pairs",
        "mean_absolute_error",
        "within_one",
    }
