"""Batches that are read piece by piece: no text is read past its end, and scores stay the same."""

from threading import Event

import numpy as np
import pytest

from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.pieces import pieces_of
from sentiment_lstm.inference.runtime import feature_batch, padded_batch
from sentiment_lstm.records import Encoded

LENGTHS = [1, 700, 3, 40, 41, 200, 700, 90, 8, 2]
TEXTS = [Encoded(np.arange(n, dtype=np.int32) * 7 % 5 + 2) for n in LENGTHS]


def test_pieces_end_where_texts_end():
    pieces = list(pieces_of(np.array([1000, 500, 300, 290, 10])))
    assert pieces == [(0, 102, 5), (102, 230, 4), (230, 300, 4), (300, 500, 2), (500, 1000, 1)]


@pytest.mark.parametrize("seed", range(20))
def test_pieces_cover_every_text(seed):
    rng = np.random.default_rng(seed)
    lengths = np.sort(rng.integers(1, 10 ** rng.integers(1, 4), rng.integers(1, 200)))[::-1]
    end = 0
    for piece in pieces_of(lengths):
        assert piece.start == end
        assert piece.end > piece.start
        assert piece.texts == (lengths > piece.start).sum(), "ended texts are not read on"
        end = piece.end
    assert end == lengths[0]


def test_few_tokens_are_padding():
    rng = np.random.default_rng(0)
    lengths = np.sort(rng.integers(10, 1000, 64))[::-1]
    read = sum(texts * (end - start) for start, end, texts in pieces_of(lengths))
    assert read < 1.05 * lengths.sum()


def runtime_of(bundle, quantised):
    return OnnxRuntime(bundle, build(bundle, quantised=quantised).to_bytes(), quantised=quantised)


def assert_same(scored, expected, *, quantised):
    """Products of floats may round in another way if a batch has more or fewer texts."""
    np.testing.assert_allclose(scored, expected, rtol=0, atol=0 if quantised else 1e-6)


def scored_in_one_call(runtime, texts):
    batch = padded_batch(texts, np.arange(len(texts)))
    return runtime.read(batch.ids, batch.lengths, features=feature_batch(texts))[0]


@pytest.mark.parametrize("quantised", [True, False])
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("pooling", ["last", "max+mean", "max+mean+last", "attention"])
def test_pieces_change_no_score(make_bundle, pooling, classes, quantised):
    runtime = runtime_of(make_bundle(classes, pooling=pooling), quantised)
    together = runtime.score(TEXTS)
    assert_same(together, scored_in_one_call(runtime, TEXTS), quantised=quantised)
    order = np.random.default_rng(1).permutation(len(TEXTS))
    shuffled = runtime.score([TEXTS[row] for row in order])
    assert_same(shuffled, together[order], quantised=quantised)


@pytest.mark.parametrize("quantised", [True, False])
def test_features_count_once_in_a_text_of_several_pieces(make_bundle, quantised):
    bundle = make_bundle(("a", "b", "c"), wide=True, pooling="max+mean+last")
    runtime = runtime_of(bundle, quantised)
    texts = bundle.tokenizer.encode(["a good film " * n for n in (1, 200, 2, 90, 5, 300)])
    assert all(text.features is not None for text in texts)
    assert_same(runtime.score(texts), scored_in_one_call(runtime, texts), quantised=quantised)


@pytest.mark.parametrize("pooling", ["last", "max+mean+last", "attention"])
def test_scoring_opens_no_session(make_bundle, monkeypatch, pooling):
    """Each session holds the weights once more. A lock at the first score would outlive a fork."""
    runtime = runtime_of(make_bundle(pooling=pooling), True)
    expected = runtime_of(make_bundle(pooling=pooling), True).score(TEXTS)
    monkeypatch.setattr(runtime, "_open", None)
    np.testing.assert_array_equal(runtime.score(TEXTS), expected)


def test_an_interrupt_does_not_wait_until_a_batch_is_read(make_bundle):
    class StoppedAfterTwo(Event):
        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 2

    runtime = runtime_of(make_bundle(), True)
    calls = Counted(runtime._session_of_batches)
    runtime._session_of_batches = calls
    assert len(runtime.score(TEXTS, StoppedAfterTwo())) == len(TEXTS)
    assert calls.runs == 2


class Counted:
    """A session that counts its runs."""

    def __init__(self, session) -> None:
        self._session, self.runs = session, 0

    def run(self, *arguments):
        self.runs += 1
        return self._session.run(*arguments)
