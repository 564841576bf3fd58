"""The language model's loss equals a plain softmax, and falls in training."""

import pytest
import torch
from torch.nn import functional as F

from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.language import LanguageModel
from sentiment_lstm.settings import ModelSettings

WORDS = 12


def make(negatives: int = 8, layers: int = 1) -> LanguageModel:
    torch.manual_seed(0)
    shape = ModelSettings(embedding_size=6, hidden_size=16, layers=layers, dropout=0.0)
    counts = torch.arange(WORDS, 0, -1).float()
    return LanguageModel(LSTMClassifier(shape, WORDS, 2), counts, negatives)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Make texts in which n is followed by n + 1, and the last word by 2."""
    ids = 2 + (torch.arange(9) + torch.arange(8)[:, None]) % (WORDS - 2)
    lengths = torch.tensor([9, 9, 9, 9, 9, 9, 9, 5])
    return ids.masked_fill(torch.arange(9) >= lengths[:, None], 0), lengths


@pytest.mark.parametrize("layers", [1, 2])
def test_with_all_words_drawn_the_loss_is_the_whole_softmax(layers: int):
    model = make(negatives=20_000, layers=layers)
    ids, lengths = batch()
    drawn, _ = model.train()(ids, lengths)
    whole, _ = model.eval()(ids, lengths)
    # Padding is never drawn, so it is missing only in the denominator.
    states = model._states(ids[:, :-1])[torch.arange(1, 9) < lengths[:, None]]
    scores = F.linear(model.project(states), model.embedding.weight, model.bias)[:, 1:]
    targets = ids[:, 1:][ids[:, 1:] > 0] - 1
    torch.testing.assert_close(drawn, F.cross_entropy(scores, targets, reduction="none"))
    assert len(drawn) == len(whole) == 7 * 8 + 4
    assert (whole > drawn).all()


def test_padding_does_not_change_the_loss():
    model = make().eval()
    ids, lengths = batch()
    alone, _ = model(ids[7:, :5], lengths[7:])
    together, _ = model(ids, lengths)
    torch.testing.assert_close(together[-4:], alone)


def test_it_learns_the_next_word_and_changes_the_classifier_in_place():
    model = make(negatives=4)
    before = model.ahead[0].weight_hh_l0.detach().clone()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        losses, _ = model.train()(*batch())
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
    losses, right = model.eval()(*batch())
    assert losses.mean() < 0.3
    assert right.float().mean() > 0.9
    assert not torch.equal(before, model.ahead[0].weight_hh_l0)
