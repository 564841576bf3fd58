import numpy as np
import pytest
import torch

from sentiment_lstm.training.objective import balanced_weights, correct, cross_entropy


def test_two_classes_as_one_logit_or_two_give_the_same():
    logits = torch.tensor([2.0, -1.0, 0.3])
    labels = torch.tensor([1, 1, 0])
    both = torch.stack([torch.zeros(3), logits], dim=1)
    torch.testing.assert_close(cross_entropy(logits, labels), cross_entropy(both, labels))
    assert correct(logits, labels) == correct(both, labels) == 1


def test_weights_scale_each_class():
    logits, labels = torch.zeros(3, 3), torch.tensor([0, 1, 1])
    weighted = cross_entropy(logits, labels, torch.tensor([3.0, 0.5, 9.0]))
    assert weighted.item() == pytest.approx(4 * np.log(3), rel=1e-6)


def test_balanced_weights():
    weights = balanced_weights(np.array([0, 0, 0, 1]), 3)
    np.testing.assert_allclose(weights, [2 / 3, 2, 0], rtol=1e-6)
