import numpy as np
import pytest

from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.interpret.inspection import inspect_text
from sentiment_lstm.interpret.pictures import draw_text
from sentiment_lstm.interpret.reach import Reach
from sentiment_lstm.plots import FIRST


def pictures(bundle, text, reached=None):
    return draw_text(inspect_text(bundle, open_predictor(bundle), text), reached)


@pytest.fixture
def one_layer(make_bundle):
    return make_bundle(layers=1, hidden_size=40)


def test_each_question_and_each_layer_has_a_picture(bundle):
    reached = Reach(np.array([1.0, 0.1, 0.0]), np.array([1.0, 0.01, 1e-9]))
    drawn = pictures(bundle, "not bad film", reached)
    names = ["reading", "forget", "half_lives", "reach", "gates_1", "gates_2"]
    assert [p.name for p in drawn] == names
    for picture in drawn:
        assert picture.png.startswith(b"\x89PNG")
        assert b"<svg" in picture.svg
        assert picture.markup.startswith("<svg")
        assert picture.title in picture.markup
        assert list(picture.files()) == [f"{picture.name}.png", f"{picture.name}.svg"]
    assert "layer 2" in drawn[0].markup
    assert FIRST in drawn[0].markup


def test_tokens_are_named_if_they_fit(one_layer):
    short = pictures(one_layer, "not bad")[0]
    assert ">not<" in short.markup
    long, forget, *_ = pictures(one_layer, "not bad " * 40)
    assert ">not<" not in forget.markup
    assert ">token<" in long.markup
    assert short.width < long.width


def test_in_a_long_text_the_words_that_moved_the_score_most_are_named(one_layer):
    markup = pictures(one_layer, "not bad " * 40)[0].markup
    assert 0 < markup.count(">not<") + markup.count(">bad<") <= 20


@pytest.mark.parametrize("text", ["", "$a$ \U0001f600 <b>&amp; שלום ﷺ \x00 " + "x" * 500])
def test_any_text_can_be_drawn(one_layer, text):
    assert all(p.png for p in pictures(one_layer, text))
