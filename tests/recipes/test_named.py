"""Names become words, all alike, and every other text reads as before."""

from dataclasses import replace

import numpy as np
import pytest

from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer

pytest.importorskip("faker", reason="the extra `benchmarks` is not installed")
import named

TEXTS = ["a good film", "a bad film", "not bad at all", "good , not bad"]


@pytest.fixture
def pieces(bundle):
    """A model of pieces of words."""
    tokenizer = TextTokenizer.learn(TEXTS, TextSettings(kind="bpe", vocabulary=30))
    shape = (len(tokenizer), bundle.config.model.embedding)
    table = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    weights = {**bundle.weights, "embedding.weight": table}
    return replace(bundle, tokenizer=tokenizer, weights=weights)


def test_a_name_is_one_token_and_all_names_are_alike(pieces):
    row = np.full(pieces.config.model.embedding, 0.5, dtype=np.float32)
    bundle = named.with_names(pieces, ["goodbert", "filma"], row)
    assert len(pieces.tokenizer.encode(["Goodbert"])[0].ids) > 1
    assert [len(one.ids) for one in bundle.tokenizer.encode(["Goodbert", "filma"])] == [1, 1]
    predictor = Predictor(bundle, open_torch(bundle))
    one, other = predictor.probabilities(["Goodbert saw a film", "Filma saw a film"])
    assert np.array_equal(one, other)


def test_other_texts_read_as_before(pieces):
    row = np.ones(pieces.config.model.embedding, dtype=np.float32)
    bundle = named.with_names(pieces, ["goodbert"], row)
    before, after = (Predictor(one, open_torch(one)) for one in (pieces, bundle))
    assert np.array_equal(before.probabilities(TEXTS), after.probabilities(TEXTS))
