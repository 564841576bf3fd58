from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bundles import random_bundle

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.inference.streaming import Reader, stream, turning_points

TEXT = "Not bad at all , a <br\n/> good film &amp; not a bad one :) don't go"


@pytest.fixture
def predictor(make_bundle) -> Predictor:
    return open_predictor(make_bundle(("x", "y", "z"), pooling="max+mean"))


def test_the_last_step_is_the_whole_texts_score(predictor):
    steps = list(stream(predictor, TEXT))
    np.testing.assert_allclose(
        steps[-1].probabilities, predictor.probabilities([TEXT])[0], rtol=0, atol=1e-6
    )
    assert [TEXT[s.start : s.end] for s in steps] == [s.text for s in steps]
    assert steps[-1].label == predictor.predict([TEXT])[0].label
    moved = np.diff([s.probabilities[-1] for s in steps])
    np.testing.assert_allclose([s.change for s in steps], [0, *moved], rtol=0, atol=1e-12)


def test_each_step_scores_its_prefix_as_a_whole_text(predictor):
    for step in stream(predictor, TEXT):
        alone = predictor.probabilities([TEXT[: step.end]])[0]
        if step.text not in ("br", "&"):  # an unfinished tag or entity has other tokens
            np.testing.assert_allclose(step.probabilities, alone, rtol=0, atol=1e-6)


@cache
def piece_predictor() -> Predictor:
    """Made once, because Hypothesis calls the test many times."""
    texts = ["a b d g . , ! ? ' é 😀 & < >"]
    return open_predictor(random_bundle(texts, ("a", "b"), layers=1))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.text(st.sampled_from("aé<>/b&mp;.,!?\n \t\x85'😀 gd"), max_size=60), st.integers(1, 7))
def test_pieces_cut_anywhere_score_like_the_whole_text(text, cut):
    predictor = piece_predictor()
    pieces = [text[start : start + cut] for start in range(0, len(text), cut)]
    whole, pieced = list(stream(predictor, text)), list(stream(predictor, pieces))
    assert [(s.start, s.end, s.text) for s in pieced] == [(s.start, s.end, s.text) for s in whole]
    expected = predictor.probabilities([text])[0]
    np.testing.assert_allclose(pieced[-1].probabilities, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        (None, "Expected a text or its pieces, found NoneType"),
        (3, "Expected a text or its pieces, found int"),
        ({"text": "good"}, "Expected a text or its pieces, found dict"),
        (["good", None], "Expected every piece to be a string, found NoneType at index 1"),
        (b"good", "Expected every piece to be a string, found int at index 0"),
        (["good", float("nan")], "Expected every piece to be a string, found float at index 1"),
    ],
)
def test_what_is_no_text_is_refused(predictor, pieces, problem):
    with pytest.raises(UsageError, match=problem):
        list(stream(predictor, pieces))


def test_a_word_is_scored_when_it_is_complete(predictor):
    reader = Reader(predictor)
    assert [s.text for s in reader.read("not ba")] == ["not"]
    assert [s.text for s in reader.read("d at")] == ["bad"]
    assert [s.text for s in reader.finish()] == ["at"]


@pytest.mark.parametrize("text", ["", "  \n", "\x00"])
def test_a_text_without_tokens_gets_its_score(predictor, text):
    (step,) = stream(predictor, text)
    np.testing.assert_allclose(step.probabilities, predictor.probabilities([text])[0], atol=1e-6)
    assert (step.start, step.end, step.text) == (0, 0, "")


def test_bidirectional_models_are_refused(make_bundle):
    with pytest.raises(UsageError, match="Expected a model of one direction"):
        Reader(open_predictor(make_bundle(bidirectional=True)))


@pytest.mark.parametrize(
    ("labels", "turns"),
    [
        ("aabbba", [2, 5]),
        ("aabab", [4]),
        ("abaa", []),
        ("abbaa", []),
        ("", []),
        ("a", []),
    ],
)
def test_turning_points_are_changes_that_last(labels, turns):
    assert turning_points(list(labels)) == turns
