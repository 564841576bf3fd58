"""A predictor of three classes answers with two."""

import numpy as np
import pytest

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.inference.two_classes import TwoClassPredictor, polarity

TEXTS = ["a good film", "", "not bad at all", "zzz"]


def test_the_two_classes_sum_to_one(three):
    predictor = open_predictor(three)
    rows, two = predictor.probabilities(TEXTS), TwoClassPredictor(predictor)
    pairs = two.probabilities(TEXTS)
    np.testing.assert_allclose(pairs.sum(axis=1), 1)
    np.testing.assert_allclose(pairs[:, 1], rows[:, 2] / (rows[:, 0] + rows[:, 2]))
    np.testing.assert_array_equal(polarity(predictor, TEXTS), pairs[:, 1])
    assert pairs[1, 1] == 0.5
    assert two.classes == ("negative", "positive")
    assert {prediction.label for prediction in two.predict(TEXTS)} <= {*two.classes, None}
    assert predictor.classes == ("negative", "neutral", "positive")  # it is not changed


def test_two_classes_keep_their_bits(bundle):
    predictor = open_predictor(bundle)
    rows = predictor.probabilities(TEXTS)
    np.testing.assert_array_equal(TwoClassPredictor(predictor).probabilities(TEXTS), rows)
    np.testing.assert_array_equal(polarity(predictor, TEXTS), rows[:, 1])


def test_the_shipped_model_of_three_classes_has_a_polarity(default_of_three):
    assert polarity(open_predictor(default_of_three), ["Superb.", "Dreadful."]).round() == (
        pytest.approx([1, 0])
    )


def test_the_scores_of_unfamiliar_texts_are_lowered_as_in_polarity(default_of_three):
    predictor = open_predictor(default_of_three)
    texts = ["Ich habe das Gerät zurückgeschickt, weil es überhaupt nicht funktioniert."]
    assert predictor.familiarity(texts)[0] < 0.5
    pairs = TwoClassPredictor(predictor).probabilities(texts)
    np.testing.assert_array_equal(pairs[:, 1], polarity(predictor, texts))
    two = TwoClassPredictor(predictor)
    assert two.score(two.tokenizer.encode(texts)).shape == (1, 2)


def test_other_models_are_refused_before_a_text_is_read(make_bundle):
    def texts():
        raise AssertionError
        yield ""

    with pytest.raises(UsageError, match="found bad, good"):
        polarity(open_predictor(make_bundle(("bad", "good"))), texts())
    several = make_bundle(("negative", "positive"), thresholds=(0.5, 0.5))
    with pytest.raises(UsageError, match="gives several"):
        polarity(open_predictor(several), texts())
