import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sentiment_lstm.records import UNKNOWN_ID, Batch
from sentiment_lstm.training.objective import (
    Classification,
    balanced_weights,
    correct,
    cross_entropy,
    with_unknown_words,
)


class Fixed(nn.Module):
    """Gives every text the same logit, and keeps what it read."""

    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(()))
        self.read: Tensor | None = None

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        self.read = ids
        return self.logit.expand(len(ids))


def batch(**more) -> Batch:
    ids = np.full((3, 400), 5)
    labels = np.array([0, 1, 1])
    return Batch(ids, np.full(3, 400), labels, np.arange(3), **more)


def test_two_classes_as_one_logit_or_two_give_the_same():
    logits = torch.tensor([2.0, -1.0, 0.3])
    labels = torch.tensor([1, 1, 0])
    both = torch.stack([torch.zeros(3), logits], dim=1)
    torch.testing.assert_close(cross_entropy(logits, labels), cross_entropy(both, labels))
    assert correct(logits, labels) == correct(both, labels) == 1


def test_hard_targets_cost_what_labels_do_and_soft_ones_pull_to_their_share():
    logits, labels = torch.tensor([2.0, -1.0]), torch.tensor([1, 0])
    hard = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    torch.testing.assert_close(cross_entropy(logits, hard), cross_entropy(logits, labels))
    logit = torch.tensor([np.log(0.7 / 0.3)], requires_grad=True)
    cross_entropy(logit, torch.tensor([[0.3, 0.7]])).sum().backward()
    assert logit.grad.item() == pytest.approx(0, abs=1e-6)
    both = torch.stack([torch.zeros(2), logits], dim=1)
    soft = torch.tensor([[0.5, 0.5], [0.2, 0.8]])
    torch.testing.assert_close(cross_entropy(logits, soft), cross_entropy(both, soft))


def test_texts_and_classes_count_by_their_weights():
    model = Fixed()
    weights = np.array([1.0, 0.5, 0.0], dtype=np.float32)
    classes = torch.tensor([3.0, 1.0])
    loss = Classification(class_weights=classes)(model, batch(weights=weights))
    assert loss.total.item() == pytest.approx((3 + 0.5) * np.log(2), rel=1e-6)
    assert (loss.units, loss.right) == (3, 1)
    loss = Classification(class_weights=classes)(model.eval(), batch())
    assert loss.total.item() == pytest.approx(3 * np.log(2), rel=1e-6)


def test_soft_targets_of_a_batch_are_used():
    model = Fixed()
    targets = np.array([[0.5, 0.5]] * 3, dtype=np.float32)
    Classification()(model, batch(targets=targets)).total.backward()
    assert model.logit.grad.item() == pytest.approx(0, abs=1e-6)


def test_words_turn_unknown_in_training_alone():
    model, objective = Fixed(), Classification(word_dropout=0.3)
    objective(model, batch())
    assert 0.2 < (model.read == UNKNOWN_ID).float().mean() < 0.4
    objective(model.eval(), batch())
    assert (model.read == 5).all()
    assert (with_unknown_words(torch.zeros(2, 50, dtype=torch.int64), 0.9) == 0).all()


def test_balanced_weights():
    weights = balanced_weights(np.array([0, 0, 0, 1]), 3)
    np.testing.assert_allclose(weights, [2 / 3, 2, 0], rtol=1e-6)
