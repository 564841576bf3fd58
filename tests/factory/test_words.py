"""New words become tokens with embeddings like those of similar words; the rest reads as before."""

import re

import numpy as np
import pytest

pytest.importorskip("gensim", reason="the extra `train` is not installed")
from factory_texts import TEXTS

from factory.surgery import words
from factory.surgery.embeddings import UNKNOWN, embedding_of, mapped, mean_of, with_words
from sentiment_lstm.inference.predictor import Predictor, open_torch


def test_a_word_is_one_token_with_the_embedding_given(pieces):
    row = np.full(pieces.config.model.embedding_size, 0.5, dtype=np.float32)
    bundle = with_words(pieces, {"▁goodest": row, "▁😍": 2 * row})
    assert len(pieces.tokenizer.encode(["goodest"])[0].ids) > 1
    ids = bundle.tokenizer.encode(["Goodest 😍"])[0].ids
    assert len(ids) == 2
    table = bundle.weights["embedding.weight"]
    assert np.array_equal(table[ids], np.stack([row, 2 * row]))


def test_other_texts_read_as_before(pieces):
    row = np.ones(pieces.config.model.embedding_size, dtype=np.float32)
    bundle = with_words(pieces, {"▁goodest": row})
    before, after = (Predictor(b, open_torch(b)) for b in (pieces, bundle))
    assert np.array_equal(before.probabilities(TEXTS), after.probabilities(TEXTS))


def test_a_known_word_changes_its_embedding(pieces):
    row = np.full(pieces.config.model.embedding_size, 0.5, dtype=np.float32)
    bundle = with_words(pieces, {pieces.tokenizer.token(5): row})
    assert len(bundle.tokenizer) == len(pieces.tokenizer)
    changed = bundle.weights["embedding.weight"] != pieces.weights["embedding.weight"]
    assert changed.any(axis=1).nonzero()[0].tolist() == [5]


def test_common_words_stand_often_and_are_no_names():
    texts = ["We detest Leeds, and LEEDS is loud"] * words.OFTEN + ["rarely"]
    assert words.common_words(texts) == ["and", "detest", "is", "loud"]


def test_the_map_between_spaces_is_found_again():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(3, 2))
    vectors = {f"w{n}": rng.normal(size=3).astype(np.float32) * 100 for n in range(50)}
    known = {word: (vector @ plane + 1).astype(np.float32) for word, vector in vectors.items()}
    new = known.pop("w7")
    assert np.allclose(mapped(vectors, known)["w7"], new, atol=0.05)


def test_an_emoji_starts_as_the_mean_of_its_kind(pieces):
    happy, unknown = np.ones(2, np.float32), np.zeros(2, np.float32)
    embedded = words.signs({"▁:)": happy, UNKNOWN: unknown}, pieces.tokenizer)
    assert np.array_equal(embedded["▁😍"], happy)
    assert np.array_equal(embedded["▁❤"], happy)  # written with a variation selector
    assert np.array_equal(embedded["▁😡"], unknown)
    assert {"▁🥳", "▁🤗", "▁😂", "▁:d"} <= embedded.keys()  # at ends of lines; a capital
    assert not any(re.search(r"\s", sign) for sign in embedded)


def test_every_sign_is_read_as_one_known_token(pieces):
    width = pieces.config.model.embedding_size
    embedded = words.signs({UNKNOWN: np.zeros(width, np.float32)}, pieces.tokenizer)
    tokenizer = with_words(pieces, embedded).tokenizer
    encoded = tokenizer.encode([sign.removeprefix("▁") for sign in embedded])
    assert [[tokenizer.token(n) for n in e.ids] for e in encoded] == [[sign] for sign in embedded]


def test_a_mean_without_a_known_word_is_the_unknown_tokens_embedding(pieces):
    known = embedding_of(pieces)
    assert np.array_equal(mean_of(known, ["▁nowhere"]), known[UNKNOWN])
    tokens = list(known)[2:4]
    assert np.allclose(mean_of(known, tokens), (known[tokens[0]] + known[tokens[1]]) / 2)
