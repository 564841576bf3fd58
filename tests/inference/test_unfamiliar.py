import numpy as np
import pytest

from sentiment_lstm.inference.unfamiliar import less_certain

ROWS = np.array([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]])
FAMILIARITY = np.array([1.0, 0.5, 0.25, 0.0])


def test_familiar_texts_keep_their_probabilities_to_the_bit():
    changed = less_certain(ROWS, FAMILIARITY, multi_label=False)
    np.testing.assert_array_equal(changed[:2], ROWS[:2])
    assert less_certain(ROWS, np.full(4, 0.5), multi_label=False) is ROWS


def test_unfamiliar_texts_move_towards_equal_probabilities():
    changed = less_certain(ROWS, FAMILIARITY, multi_label=False)
    np.testing.assert_allclose(changed[2], 1 / 3 + (ROWS[2] - 1 / 3) / 2)
    np.testing.assert_allclose(changed.sum(axis=1), 1)
    assert 1 / 3 < changed[3].max() < 0.34


def test_several_labels_move_towards_none():
    changed = less_certain(ROWS, FAMILIARITY, multi_label=True)
    np.testing.assert_allclose(changed[2], ROWS[2] / 2)
    assert changed[3].max() < 0.01


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_order_of_the_classes_stays(multi_label):
    changed = less_certain(ROWS, FAMILIARITY, multi_label=multi_label)
    assert (np.diff(changed, axis=1) > 0).all()


def test_the_change_is_continuous():
    below = less_certain(ROWS[:1], np.array([0.5 - 1e-12]), multi_label=False)
    np.testing.assert_allclose(below, ROWS[:1], atol=1e-11)
