import numpy as np
import pytest
import torch
from small_task import WORDS, texts
from torch import Tensor, nn

from sentiment_lstm.batching import padded
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.records import UNKNOWN_ID, Batch
from sentiment_lstm.settings import ModelSettings
from sentiment_lstm.training.objective import (
    Classification,
    balanced_weights,
    correct,
    cross_entropy,
    with_unknown_words,
)


class Fixed(nn.Module):
    """Gives every text the same logit, and keeps the ids that it read."""

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


def test_one_or_two_logits_of_two_classes_give_the_same_loss():
    logits = torch.tensor([2.0, -1.0, 0.3])
    labels = torch.tensor([1, 1, 0])
    both = torch.stack([torch.zeros(3), logits], dim=1)
    torch.testing.assert_close(cross_entropy(logits, labels), cross_entropy(both, labels))
    assert correct(logits, labels) == correct(both, labels) == 1


def test_hard_targets_cost_like_labels_and_soft_targets_are_learnt():
    logits, labels = torch.tensor([2.0, -1.0]), torch.tensor([1, 0])
    hard = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    torch.testing.assert_close(cross_entropy(logits, hard), cross_entropy(logits, labels))
    logit = torch.tensor([np.log(0.7 / 0.3)], requires_grad=True)
    cross_entropy(logit, torch.tensor([[0.3, 0.7]])).sum().backward()
    assert logit.grad.item() == pytest.approx(0, abs=1e-6)
    both = torch.stack([torch.zeros(2), logits], dim=1)
    soft = torch.tensor([[0.5, 0.5], [0.2, 0.8]])
    torch.testing.assert_close(cross_entropy(logits, soft), cross_entropy(both, soft))


def test_the_loss_weights_texts_and_classes():
    model = Fixed()
    weights = np.array([1.0, 0.5, 0.0], dtype=np.float32)
    classes = torch.tensor([3.0, 1.0])
    loss = Classification(class_weights=classes)(model, batch(weights=weights))
    assert loss.total.item() == pytest.approx((3 + 0.5) * np.log(2), rel=1e-6)
    assert (loss.units, loss.right) == (3, 1)
    loss = Classification(class_weights=classes)(model.eval(), batch(weights=weights))
    assert loss.total.item() == pytest.approx(3 * np.log(2), rel=1e-6)


def test_soft_targets_of_a_batch_are_used():
    model = Fixed()
    targets = np.array([[0.5, 0.5]] * 3, dtype=np.float32)
    Classification()(model, batch(targets=targets)).total.backward()
    assert model.logit.grad.item() == pytest.approx(0, abs=1e-6)


def test_words_become_unknown_only_in_training():
    model, objective = Fixed(), Classification(word_dropout=0.3)
    objective(model, batch())
    assert 0.2 < (model.read == UNKNOWN_ID).float().mean() < 0.4
    objective(model.eval(), batch())
    assert (model.read == 5).all()
    assert (with_unknown_words(torch.zeros(2, 50, dtype=torch.int64), 0.9) == 0).all()


def test_balanced_weights():
    weights = balanced_weights(np.array([0, 0, 0, 1]), 3)
    np.testing.assert_allclose(weights, [2 / 3, 2, 0], rtol=1e-6)


class Recorded(LSTMClassifier):
    """Keeps the shift and the precision of each call."""

    def __init__(self, classes: int = 2, dropout: float = 0.0) -> None:
        torch.manual_seed(0)
        shape = ModelSettings(
            embedding_size=6, hidden_size=8, layers=1, pooling="max+mean", dropout=dropout
        )
        super().__init__(shape, WORDS, classes)
        self.calls: list[tuple[Tensor | None, torch.dtype]] = []

    def forward(self, ids, lengths, state=None, shift=None):
        logits = super().forward(ids, lengths, state, shift)
        self.calls.append((shift, logits.dtype))
        return logits


def small_batch(classes: int = 2, seed: int = 1) -> Batch:
    return padded(texts(12, seed, classes), np.arange(12))


def tensors(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(torch.from_numpy(a) for a in (batch.ids, batch.lengths, batch.labels))


def gradients(model: nn.Module, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(model.parameters()), retain_graph=True))


@pytest.mark.parametrize(
    ("terms", "calls"),
    [
        ({}, 1),
        ({"adversarial": 1.0}, 2),
    ],
)
def test_only_weighted_terms_need_passes_and_only_in_training(terms, calls):
    model, objective = Recorded(), Classification(**terms)
    loss = objective(model, small_batch())
    assert len(model.calls) == calls
    assert torch.is_tensor(loss.extra) == bool(terms)
    model.calls.clear()
    measured = objective(model.eval(), small_batch())
    assert len(model.calls) == 1
    assert measured.extra == 0.0
    torch.testing.assert_close(measured.total, loss.total)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_adversarial_term_is_the_loss_under_the_worst_shift(classes):
    model, batch = Recorded(classes), small_batch(classes)
    ids, lengths, labels = tensors(batch)
    loss = Classification(adversarial=0.5, perturbation=0.3)(model, batch)
    embedded = torch.zeros(*ids.shape, 6, requires_grad=True)
    costs = cross_entropy(model(ids, lengths, shift=embedded), labels)
    (slope,) = torch.autograd.grad(costs.sum(), embedded)
    size = 0.3 * lengths.sqrt()
    worst = (size / slope.flatten(1).norm(dim=1))[:, None, None] * slope
    attacked = cross_entropy(model(ids, lengths, shift=worst), labels)
    assert (attacked > costs).all()
    torch.testing.assert_close(loss.extra, 0.5 * attacked.mean())
    for actual, expected in zip(
        gradients(model, loss.extra), gradients(model, 0.5 * attacked.mean()), strict=True
    ):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)


def test_the_pass_that_found_the_shift_still_gives_its_gradient():
    """The graph of the first pass has two backward passes."""
    plain = Classification()(model := Recorded(), small_batch())
    attacked = Classification(adversarial=1.0)(model, small_batch())
    torch.testing.assert_close(attacked.total, plain.total)
    for actual, expected in zip(
        gradients(model, attacked.total), gradients(model, plain.total), strict=True
    ):
        torch.testing.assert_close(actual, expected)


def test_the_adversarial_loss_weights_texts_too():
    weights = np.zeros(12, dtype=np.float32)
    batch = small_batch()
    weightless = Batch(batch.ids, batch.lengths, batch.labels, batch.rows, weights=weights)
    assert Classification(adversarial=1.0)(Recorded(), weightless).extra.item() == 0.0


def test_shifts_are_computed_in_float32_under_bfloat16():
    model, labelled = Recorded(), small_batch()
    objective = Classification(adversarial=1.0, perturbation=2.0)
    with torch.autocast("cpu", torch.bfloat16):
        loss = objective(model, labelled)
    assert [dtype for _, dtype in model.calls] == [torch.bfloat16, torch.bfloat16]
    shifts = [shift for shift, _ in model.calls]
    assert all(shift.dtype == torch.float32 for shift in shifts)
    expected = 2 * torch.from_numpy(labelled.lengths).float().sqrt()
    torch.testing.assert_close(shifts[-1].flatten(1).norm(dim=1), expected)
    assert all(slope.abs().sum() > 0 for slope in gradients(model, loss.extra))
