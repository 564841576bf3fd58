"""The two-class answer, from the probabilities of two, three or more classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_lstm.errors import UsageError
from sentiment_lstm.evaluation.polarity import (
    find_poles,
    lean,
    polarities,
    polarity_of,
    two_columns,
)

THREE = find_poles(["negative", "neutral", "positive"])


def test_two_classes_keep_their_bits():
    rows = np.random.default_rng(0).dirichlet([1, 1], size=50)
    poles = find_poles(["negative", "positive"])
    np.testing.assert_array_equal(polarities(rows, poles), rows[:, 1])
    np.testing.assert_array_equal(two_columns(rows, poles), rows)
    swapped = find_poles(["Positive", "Negative"])
    np.testing.assert_array_equal(two_columns(rows, swapped), rows[:, ::-1])


# A training in the same process turns subnormal numbers off.
@given(*[st.floats(0, 1, allow_subnormal=False)] * 3)
def test_the_neutral_class_is_left_out(negative, neutral, positive):
    total = negative + neutral + positive
    row = np.array([[negative, neutral, positive]]) / (total or 1)
    (polarity,) = polarities(row, THREE)
    assert 0 <= polarity <= 1
    assert two_columns(row, THREE).sum() == pytest.approx(1)
    if row[0, 0] + row[0, 2] > 1e-300:
        assert polarity == pytest.approx(row[0, 2] / (row[0, 0] + row[0, 2]))


def test_a_text_that_is_surely_neutral_is_in_the_middle():
    assert polarity_of([0.0, 1.0, 0.0], THREE) == 0.5
    assert polarity_of([0.1, 0.6, 0.3], THREE) == pytest.approx(0.75)


def test_a_neutral_text_leans_to_neither_side():
    rows = [0.0, 1.0, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]
    assert [lean(row, THREE) for row in rows] == [0.5, 0.75, 0.0]


def test_other_models_are_refused_in_a_sentence():
    with pytest.raises(UsageError, match=r"^Expected .* negative and positive, found bad, good: "):
        find_poles(["bad", "good"])
    with pytest.raises(UsageError, match=r"^Expected .* one label, found one that gives several: "):
        find_poles(["negative", "positive"], several=True)
