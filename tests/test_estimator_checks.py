"""scikit-learn's own checks, on an estimator that reads each row of numbers as a text.

`check_estimator` runs all its checks only for estimators of numbers. So the texts are made of the
numbers, one word for each column, and the checks see how `LSTMTextClassifier` behaves.
"""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted, validate_data
from small_estimator import SMALL

from sentiment_lstm import LSTMTextClassifier

CANNOT_APPLY = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a text that occurs twice is trained on once, so it is not a text of weight 2"
    ),
}
"""Checks that cannot apply -> why."""
EPOCHS = {"check_classifiers_train": 20, "check_class_weight_classifiers": 20}
"""Checks that ask for an accurate model; for the others two epochs are enough."""


class OfNumbers(LSTMTextClassifier):
    """Reads `[0.4, -2]` as `a4 b-20`."""

    def fit(self, X, y, sample_weight=None):  # noqa: N803
        numbers, y = validate_data(self, X, y, multi_output=True)
        return super().fit(as_texts(numbers), y, sample_weight)

    def predict_proba(self, X):  # noqa: N803
        check_is_fitted(self)
        return super().predict_proba(as_texts(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = False
        tags.input_tags.two_d_array = True
        return tags


def as_texts(x):
    letters = "abcdefghijklmnopqrstuvwxyz"
    rounded = (10 * np.asarray(x, dtype=float)).round().astype(int)
    return [" ".join(f"{letters[c % 26]}{v}" for c, v in enumerate(row)) for row in rounded]


def of_numbers(name=""):
    return OfNumbers(**{**SMALL, "epochs": EPOCHS.get(name, 2)})


CHECKS = [
    (check, getattr(check, "func", check).__name__)
    for _, check in estimator_checks_generator(of_numbers())
]


def test_there_are_checks():
    names = {name for _, name in CHECKS}
    assert len(names) > 40
    assert {*CANNOT_APPLY, *EPOCHS} <= names


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "name"),
    [pytest.param(check, name, id=name) for check, name in CHECKS if name not in CANNOT_APPLY],
)
def test_a_check_of_scikit_learn_passes(check, name):
    check(of_numbers(name))
