from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_classifier import VOCABULARY, build, full, pad, texts
from torch import Tensor

from sentiment_lstm.model.cell import lstm_layer
from sentiment_lstm.model.classifier import LSTMClassifier, State
from sentiment_lstm.records import PAD_ID
from sentiment_lstm.settings import ModelSettings

POOLINGS = ("last", "max+mean", "max+mean+last", "attention")
SHAPES = [
    pytest.param(pooling, both, layers, id=f"{pooling}-{'two' if both else 'one'}-{layers}")
    for pooling in POOLINGS
    for both in (False, True)
    for layers in (1, 2, 3)
]
ONE_WAY = [shape for shape in SHAPES if not shape.values[1]]
every_shape = pytest.mark.parametrize(("pooling", "both", "layers"), SHAPES)
one_way = pytest.mark.parametrize(("pooling", "both", "layers"), ONE_WAY)
SAME = {"rtol": 0.0, "atol": 1e-6}


def alone(model: LSTMClassifier, text: Tensor) -> Tensor:
    return model(text[None], torch.tensor([len(text)]))


def written_out(model: LSTMClassifier, text: Tensor) -> Tensor:
    """Compute the logits of one text with the cell's equations and plain pooling."""

    def run(lstm: torch.nn.Module, x: Tensor) -> Tensor:
        w_x, w_h, b_x, b_h = lstm.parameters()
        zeros = x.new_zeros(1, w_h.shape[1])
        return lstm_layer(x[None], zeros, zeros, w_x, w_h, b_x + b_h)[0][0]

    x = model.embedding(text)
    for number, ahead in enumerate(model.ahead):
        states = [run(ahead, x)]
        if model.settings.bidirectional:
            states.append(run(model.back[number], x.flip(0)).flip(0))
        x = torch.cat(states, dim=1)
    hidden = model.settings.hidden_size
    last = torch.cat([x[-1, :hidden], x[0, hidden:]])
    both = torch.cat([x.amax(dim=0), x.mean(dim=0)])
    if model.settings.pooling == "last":
        pooled = last
    elif model.settings.pooling == "max+mean":
        pooled = both
    elif model.settings.pooling == "max+mean+last":
        pooled = torch.cat([both, last])
    else:
        weights = torch.softmax(model.pooling.attention(x), dim=0)
        pooled = (weights * x).sum(dim=0)
    return model.output(pooled)


@every_shape
@torch.no_grad()
def test_forward_follows_the_equations(pooling, both, layers):
    model = build(pooling, both, layers, classes=3).double()
    rows = texts(5, 1, 3)
    expected = torch.stack([written_out(model, text) for text in rows])
    logits = model(*pad(rows, 6))
    torch.testing.assert_close(logits, expected, rtol=0.0, atol=1e-10)


@every_shape
@torch.no_grad()
def test_padding_and_batch_mates_never_change_a_score(pooling, both, layers):
    model = build(pooling, both, layers)
    rows = texts(1, 7, 4, 7, 2)
    expected = torch.cat([alone(model, text) for text in rows])
    for width, filler in ((7, PAD_ID), (19, PAD_ID), (19, 5)):
        torch.testing.assert_close(model(*pad(rows, width, filler)), expected, **SAME)
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(model(*pad([rows[i] for i in order], 9)), expected[order], **SAME)


MODELS = [build(pooling, both, 2) for pooling in POOLINGS for both in (False, True)]


@given(
    model=st.sampled_from(MODELS),
    rows=st.lists(
        st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=12), min_size=1, max_size=5
    ),
    extra=st.integers(0, 5),
    filler=st.integers(0, VOCABULARY - 1),
)
@settings(max_examples=60, deadline=None, derandomize=True)
@torch.no_grad()
def test_a_batch_scores_like_its_texts_alone(model, rows, extra, filler):
    tensors = [torch.tensor(row) for row in rows]
    logits = model(*pad(tensors, max(map(len, rows)) + extra, filler))
    torch.testing.assert_close(logits, torch.cat([alone(model, t) for t in tensors]), **SAME)


@every_shape
def test_padding_and_batch_mates_get_no_gradient(pooling, both, layers):
    model = build(pooling, both, layers)
    rows = texts(6, 2)
    ids, lengths = pad(rows, 8, filler=PAD_ID)
    ids[ids == 10] = 9
    ids[1, 2:] = 10  # an id that occurs only in the padding
    model(ids, lengths).sum().backward()
    gradient = model.embedding.weight.grad
    assert gradient is not None
    assert gradient[10].count_nonzero() == 0
    assert gradient[ids[0]].count_nonzero() > 0


@one_way
@torch.no_grad()
def test_steps_score_every_prefix_like_forward(pooling, both, layers):
    model = build(pooling, both, layers)
    ids, state = torch.stack(texts(6, 6)), None
    for length in range(1, 7):
        logits, state = model.step(ids[:, length - 1], state)
        expected = model(ids[:, :length], torch.tensor([length, length]))
        torch.testing.assert_close(logits, expected, **SAME)


@one_way
@pytest.mark.parametrize("cuts", [(4,), (1, 2), (3, 6)])
@torch.no_grad()
def test_pieces_score_like_the_whole_text(pooling, both, layers, cuts):
    model = build(pooling, both, layers, classes=3)
    ids = torch.stack(texts(9, 9))
    state: State | None = None
    *pieces, last = [ids[:, start:end] for start, end in pairwise([0, *cuts, 9])]
    for piece in pieces:
        _, state = model.read(piece, full(piece), state)
    rest = last.shape[1]
    lengths = torch.tensor([rest, rest - 1])  # the last piece of the second text is padded
    expected = model(ids, torch.tensor([9, 8]))
    torch.testing.assert_close(model(last, lengths, state), expected, **SAME)


@one_way
@torch.no_grad()
def test_a_state_can_be_continued_twice(pooling, both, layers):
    model = build(pooling, both, layers)
    ids = torch.stack(texts(4))
    _, state = model.read(ids, full(ids))
    first, _ = model.step(torch.tensor([3]), state)
    other, _ = model.step(torch.tensor([7]), state)
    again, _ = model.step(torch.tensor([3]), state)
    torch.testing.assert_close(first, again, rtol=0.0, atol=0.0)
    assert not torch.equal(first, other)


@every_shape
@torch.no_grad()
def test_every_call_starts_from_a_zero_state(pooling, both, layers):
    model = build(pooling, both, layers)
    batch, other = pad(texts(5, 3), 5), pad(texts(2, 8, 8), 8)
    first = model(*batch)
    model(*other)
    torch.testing.assert_close(model(*batch), first, rtol=0.0, atol=0.0)
    if not both:
        given_zero = model(*batch, model.zero_state(2))
        torch.testing.assert_close(given_zero, first, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_bidirectional_models_refuse_a_state(pooling):
    model, ids = build(pooling, both=True), torch.stack(texts(3))
    state = build(pooling).zero_state(1)
    for call in (
        lambda: model.step(ids[:, 0]),
        lambda: model.read(ids, full(ids)),
        lambda: model(ids, torch.tensor([3]), state),
    ):
        with pytest.raises(ValueError, match="Expected a model of one direction"):
            call()


@every_shape
@pytest.mark.parametrize("classes", [2, 4])
def test_one_update_changes_every_parameter(pooling, both, layers, classes):
    model = build(pooling, both, layers, classes, dropout=0.0).train()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    ids = torch.arange(VOCABULARY)[None].repeat(2, 1)
    ids[1] = ids[1].flip(0)
    logits = model(ids, torch.tensor([VOCABULARY, VOCABULARY - 1]))
    logits.square().sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    for name, value in model.named_parameters():
        changed = value.detach() != before[name]
        if name == "embedding.weight":
            assert changed[1:].any(dim=1).all(), name
            assert not changed[PAD_ID].any(), "padding learns nothing"
        else:
            assert changed.any(), name


def test_two_classes_have_one_logit():
    ids, lengths = pad(texts(3, 2), 3)
    assert build(classes=2)(ids, lengths).shape == (2,)
    assert build(classes=3)(ids, lengths).shape == (2, 3)
    assert build(classes=2).step(ids[:, 0])[0].shape == (2,)


def test_dropout_acts_only_in_training():
    model, batch = build(dropout=0.5), pad(texts(4, 4), 4)
    torch.testing.assert_close(model(*batch), model(*batch), rtol=0.0, atol=0.0)
    model.train()
    assert not torch.equal(model(*batch), model(*batch))


def test_seed_model_has_the_studys_parameters():
    """Embedding 30,000 x 128; 4 gates with two biases in each LSTM layer; 256 + 1 at the end."""
    model = LSTMClassifier(ModelSettings(), 30_000, 2)
    first, second = 4 * 256 * (128 + 256 + 2), 4 * 256 * (256 + 256 + 2)
    expected = 30_000 * 128 + first + second + 257
    assert expected == 4_761_857
    assert sum(p.numel() for p in model.parameters()) == expected


def test_forget_gates_start_open():
    model = build(both=True)
    for lstm in (*model.ahead, *model.back):
        bias = lstm.bias_ih_l0 + lstm.bias_hh_l0
        torch.testing.assert_close(bias[3:6], torch.ones(3))


@every_shape
@torch.no_grad()
def test_a_shift_is_added_to_the_embeddings(pooling, both, layers):
    """The logits are those of a table that holds the shifted vectors."""
    model = build(pooling, both, layers)
    ids, lengths = torch.tensor([[3, 4, 5], [6, 7, 0]]), torch.tensor([3, 2])
    shift = torch.randn(2, 3, 4)
    logits = model(ids, lengths, shift=shift)
    assert not torch.allclose(logits, model(ids, lengths))
    for row in range(2):
        model.embedding.weight[ids[row]] += shift[row]
    torch.testing.assert_close(logits, model(ids, lengths), **SAME)


@every_shape
@torch.no_grad()
def test_normalising_the_embedding_keeps_the_scores(pooling, both, layers):
    model, batch = build(pooling, both, layers), pad(texts(7, 3, 5), 7)
    model.embedding.weight.mul_(torch.tensor([0.1, 2.0, 1.0, 5.0])).add_(0.3)
    expected = model(*batch)
    counts = torch.randint(0, 9, (VOCABULARY,))
    counts[PAD_ID] = 0
    model.normalise_embedding(counts)
    torch.testing.assert_close(model(*batch), expected, rtol=0.0, atol=1e-5)
    table = model.embedding.weight.repeat_interleave(counts, dim=0)
    torch.testing.assert_close(table.mean(0), torch.zeros(4), rtol=0.0, atol=1e-5)
    torch.testing.assert_close(table.var(0, correction=0), torch.ones(4), rtol=1e-4, atol=0.0)
    assert model.embedding.weight[PAD_ID].count_nonzero() == 0
