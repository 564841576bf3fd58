"""Numbers move no neutral sentence, and grades as before."""

from dataclasses import replace

import numpy as np
import pytest

from sentiment_lstm.bundle import load_bundle, save_bundle
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer

pytest.importorskip("faker", reason="the extra `benchmarks` is not installed")
pytest.importorskip("gensim", reason="the extra `train` is not installed")
import numbered
from named import shifts
from words import START, embedding_of, with_words

KNOWN = [str(number) for number in range(1, 60, 2)]


@pytest.fixture
def whole(pieces):
    """A model that knows some numbers whole and the frames' words by their letters."""
    frames = (*numbered.COUNTED, *numbered.GRADES)
    tokenizer = TextTokenizer.learn(frames, TextSettings(kind="bpe", vocabulary=60))
    rng = np.random.default_rng(3)
    shape = (len(tokenizer), pieces.config.model.embedding)
    table = rng.normal(size=shape).astype(np.float32)
    weights = {**pieces.weights, "embedding.weight": table}
    model = replace(pieces, tokenizer=tokenizer, weights=weights)
    rows = rng.normal(size=(len(KNOWN), shape[1])).astype(np.float32)
    return with_words(model, dict(zip((START + number for number in KNOWN), rows, strict=True)))


def test_small_numbers_move_neutral_sentences_less(whole, tmp_path):
    save_bundle(tmp_path / "before", whole)
    arguments = ["--model", str(tmp_path / "before"), "--out", str(tmp_path / "after")]
    assert numbered.main(arguments) == 0
    after = load_bundle(tmp_path / "after")
    small = [number for number in KNOWN if number in numbered.SMALL]
    moved = [np.abs(shifts(one, small, numbered.COUNTED)).mean() for one in (whole, after)]
    assert moved[1] < moved[0] / 2


def test_what_moves_kept_frames_stays(whole):
    frames, kept = numbered.COUNTED[:1], numbered.GRADES[:1]
    before = shifts(whole, KNOWN, kept)
    careful, careless = (
        np.abs(shifts(numbered.neutralized(whole, KNOWN, frames, spared), KNOWN, kept) - before)
        for spared in (kept, ())
    )
    assert careful.mean() < careless.mean()


def test_great_numbers_are_words_all_alike_and_other_words_stay(whole):
    rows, changed = embedding_of(whole), embedding_of(numbered.with_numbers(whole))
    numbers = {START + number for number in (*numbered.SMALL, *numbered.GREAT)}
    great = [changed[START + number] for number in numbered.GREAT]
    assert all(np.array_equal(row, great[0]) for row in great)
    assert all(np.array_equal(rows[word], changed[word]) for word in rows.keys() - numbers)
