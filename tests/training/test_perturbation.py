"""Shifts have the right size and direction, and are zero on padding."""

import pytest
import torch

from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.settings import ModelSettings
from sentiment_lstm.training.perturbation import (
    no_shift,
    repeatable,
    resized,
    steepest,
)

IDS = torch.tensor([[2, 3, 4, 5], [6, 7, 0, 0]])
LENGTHS = torch.tensor([4, 2])


def build(dropout: float = 0.0, both: bool = False) -> LSTMClassifier:
    torch.manual_seed(0)
    shape = ModelSettings(
        embedding_size=5,
        hidden_size=4,
        layers=1,
        bidirectional=both,
        pooling="max+mean",
        dropout=dropout,
        embedding_dropout=dropout,
    )
    return LSTMClassifier(shape, 9, 2)


def sizes(shift: torch.Tensor) -> list[float]:
    return shift.flatten(1).norm(dim=1).tolist()


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_each_shift_has_the_size_whatever_the_gradient(scale: float):
    direction = torch.randn(3, 4, 5) * scale
    direction[2] = 0.0
    assert sizes(resized(direction, 5.0)) == pytest.approx([5.0, 5.0, 0.0], rel=1e-5)
    each = sizes(resized(direction, torch.tensor([1.0, 2.0, 3.0])))
    assert each == pytest.approx([1.0, 2.0, 0.0], rel=1e-5)
    flat = torch.cosine_similarity(
        direction[0].flatten() / scale, resized(direction, 5.0)[0].flatten(), dim=0
    )
    assert flat.item() == pytest.approx(1.0, abs=1e-5)


def test_the_steepest_shift_follows_the_gradient():
    """A loss that is a scalar product with w grows fastest along w."""
    w, shift = torch.randn(2, 4, 5), torch.zeros(2, 4, 5, requires_grad=True)
    worst = steepest((w * shift).sum(dim=(1, 2)), shift, 2.0)
    for row in range(2):
        torch.testing.assert_close(worst[row], 2 * w[row] / w[row].norm())


@pytest.mark.parametrize("both", [False, True])
def test_the_steepest_shift_moves_logits_most_and_spares_padding(both: bool):
    model = build(both=both).train()
    scores, shift = repeatable(model, IDS, LENGTHS), no_shift(model, IDS)
    logits = scores(shift)
    worst = steepest(logits, shift, 0.05)
    assert not worst.requires_grad
    assert worst[1, 2:].count_nonzero() == 0
    gained = scores(worst) - logits
    slope = 0.05 * torch.autograd.grad(logits.sum(), shift)[0].flatten(1).norm(dim=1)
    torch.testing.assert_close(gained, slope, rtol=0.1, atol=0.0)
    for _ in range(20):
        chance = torch.randn(2, 4, 5) * (torch.arange(4) < LENGTHS[:, None])[:, :, None]
        assert (scores(resized(chance, 0.05)) - logits < gained).all()


def test_scores_of_one_batch_share_their_dropout():
    model = build(dropout=0.5).train()
    scores, others = repeatable(model, IDS, LENGTHS), repeatable(model, IDS, LENGTHS)
    assert torch.equal(scores(None), scores(no_shift(model, IDS)))
    assert not torch.equal(scores(None), others(None))
