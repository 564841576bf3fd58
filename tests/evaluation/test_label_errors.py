"""Likely label errors."""

import sys

import numpy as np
import pytest

from sentiment_lstm.errors import DataError, MissingExtraError
from sentiment_lstm.evaluation.label_errors import likely_label_errors

TEXTS = 100


def data(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of the first and last class, and probabilities of a model that knows them."""
    labels = np.arange(TEXTS) % 2 * (classes - 1)
    probabilities = np.full((TEXTS, classes), 0.05 / (classes - 1))
    probabilities[np.arange(TEXTS), labels] = 0.95
    return labels, probabilities


@pytest.mark.slow  # cleanlab takes seconds to import
@pytest.mark.parametrize("classes", [2, 3])
def test_flipped_labels_are_detected(classes):
    labels, probabilities = data(classes)
    turned = [3, 10, 47, 64]
    labels[turned] = classes - 1 - labels[turned]
    assert sorted(likely_label_errors(labels, probabilities)) == turned


@pytest.mark.slow
def test_two_texts_are_enough():
    assert len(likely_label_errors(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))) == 0


def test_one_class_is_not_enough():
    with pytest.raises(DataError, match="at least two classes"):
        likely_label_errors(np.zeros(4, dtype=int), np.full((4, 2), 0.5))


def test_without_cleanlab_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(MissingExtraError, match=r"sentiment-lstm\[report\]"):
        likely_label_errors(*data(2))
