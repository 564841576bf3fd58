from dataclasses import replace

import numpy as np
import pytest

from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.inference.two_classes import polarity
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.listener import Listeners
from sentiment_lstm.training.preparation import adapt_initial_model, resolve


@pytest.mark.parametrize(("own", "given"), [(0, 500), (300, 500), (300, 0)])
def test_the_settings_give_the_size_of_the_wide_path(make_bundle, own, given):
    bundle = make_bundle(wide_features=own)
    settings = Settings().updated({"model.wide_features": given, "training.init": "model"})
    assert resolve(settings, bundle).model.wide_features == given


def started(model, classes, folder):
    """The model that a training on two classes starts from."""
    example = Example("a good film", classes[0], "1")
    corpus = Corpus(classes, [example], [], streaming=False, screening={})
    return adapt_initial_model(model, Settings(), corpus, folder, Listeners())


@pytest.mark.parametrize("side", [1, -1])
def test_the_outputs_of_two_of_three_classes_are_kept(three, tmp_path, side):
    classes = ("negative", "positive")[::side]
    two = started(three, classes, tmp_path)
    assert two.config.classes == classes
    texts = ["a good film", "not bad at all"]
    scores = Predictor(two, open_torch(two)).probabilities(texts)[:, classes.index("positive")]
    expected = polarity(Predictor(three, open_torch(three)), texts)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


def test_the_outputs_of_other_classes_are_not_kept(three, tmp_path):
    assert started(three, ("bad", "good"), tmp_path).config.classes == three.config.classes
    assert started(three, three.config.classes, tmp_path).config == three.config


def test_a_training_starts_from_calibrated_logits(three, tmp_path):
    sure = replace(three, config=replace(three.config, temperature=0.5))
    start = started(sure, three.config.classes, tmp_path)
    assert start.config.temperature == 1.0
    texts = ["a good film", "not bad at all"]
    scores = [Predictor(model, open_torch(model)).probabilities(texts) for model in (start, sure)]
    np.testing.assert_allclose(*scores, rtol=0, atol=1e-6)
