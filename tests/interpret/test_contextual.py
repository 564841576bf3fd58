"""Explanations by contextual gradients."""

import dataclasses

import numpy as np
import pytest
from small_bundles import random_bundle

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.interpret import contextual
from sentiment_lstm.interpret.contextual import balanced
from sentiment_lstm.interpret.explain import Explainer
from sentiment_lstm.interpret.target import Target
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.weights_file import WIDE

TEXT = "Not bad at all , a <br\n/> good film. &amp; it was not a bad one , but good!"


def explainer_of(bundle: Bundle) -> Explainer:
    return Explainer(bundle, open_predictor(bundle))


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("kind", ["word", "bpe"])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("pooling", ["last", "max+mean+last"])
def test_words_and_phrases_add_up_to_the_scores_change(make_bundle, classes, kind, wide, pooling):
    text = TextSettings(kind=kind, vocabulary=40, min_frequency=1)
    bundle = make_bundle(classes, text, wide=wide, pooling=pooling)
    bundle = dataclasses.replace(bundle, config=dataclasses.replace(bundle.config, temperature=1.7))
    probabilities = open_predictor(bundle).probabilities([TEXT])[0]
    for against in (None, classes[int(probabilities.argmin())]):
        explanation = explainer_of(bundle).explain(TEXT, against)
        assert explanation.method == "contextual gradients"
        assert explanation.score == pytest.approx(explanation.f(probabilities), abs=1e-6)
        change = explanation.score - explanation.baseline_score
        for parts in (explanation.tokens, explanation.phrases):
            assert sum(part.attribution for part in parts) == pytest.approx(change, abs=1e-9)
        assert explanation.completeness_error == pytest.approx(0, abs=1e-9)


def test_models_of_several_labels_are_explained(make_bundle):
    bundle = make_bundle(("a", "b", "c"), thresholds=(0.5, 0.5, 0.5))
    explanation = explainer_of(bundle).explain(TEXT, label="b")
    assert explanation.method == "contextual gradients"
    assert explanation.score == pytest.approx(open_predictor(bundle).probabilities([TEXT])[0][1])


def test_a_words_ngrams_move_the_score_at_the_word(make_bundle):
    """Only features of "film" have weights, so no other word has an attribution."""
    bundle = make_bundle(("a", "b"), wide=True)
    weights = {n: 0 * a if n.startswith("output") else a for n, a in bundle.weights.items()}
    (film,) = bundle.tokenizer.encode(["film"])
    weights[WIDE] = np.zeros_like(bundle.weights[WIDE])
    weights[WIDE][film.features.ids] = 0.1
    bundle = dataclasses.replace(bundle, weights=weights)
    explanation = explainer_of(bundle).explain("a good film , not zq")
    moved = {token.text for token in explanation.tokens if abs(token.attribution) > 1e-6}
    assert moved == {"film"}
    assert explanation.baseline_score == 0.5
    assert explanation.score > 0.7


def test_function_words_are_the_neutral_text():
    words = "the a an of in on at by for with from to it is was this that and or you i we"
    bundle = random_bundle(["film good bad", words], ("no", "yes"))
    ids = bundle.tokenizer.encode([words])[0].ids
    expected = bundle.weights["embedding.weight"][ids].mean(axis=0)
    np.testing.assert_allclose(contextual._neutral_embedding(bundle), expected, atol=1e-6)


def test_attributions_do_not_depend_on_the_size_of_batches(bundle, monkeypatch):
    whole = explainer_of(bundle).explain(TEXT)
    monkeypatch.setattr(contextual, "_BATCH_TOKENS", 1)
    cut = explainer_of(bundle).explain(TEXT)
    for one, other in zip(whole.tokens, cut.tokens, strict=True):
        assert one.attribution == pytest.approx(other.attribution, abs=1e-5)


@pytest.mark.parametrize("text", ["", "\u200b", "good", "\ud800", "\U0001f600", ". . .", "a" * 90])
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_odd_texts_are_explained(make_bundle, classes, text):
    explanation = explainer_of(make_bundle(classes, wide=True)).explain(text)
    assert np.isfinite([token.attribution for token in explanation.tokens]).all()


@pytest.mark.parametrize("change", [0.4, -0.2, 0.0, 5.0, -5.0])
@pytest.mark.parametrize("values", [[0.3, -0.1, 0.0], [-0.2, -0.4], [0.5], [0.0, 0.0]])
def test_balanced_values_have_the_sum(values, change):
    result = balanced(np.array(values), change)
    assert result.sum() == pytest.approx(change)
    assert np.isfinite(result).all()


def test_balancing_keeps_the_sides_and_the_order_on_each():
    result = balanced(np.array([0.4, 0.1, -0.3, -0.05]), 0.5)
    assert result[0] > result[1] > 0 > result[3] > result[2]


@pytest.mark.parametrize(
    ("target", "units"),
    [
        (Target(1, None, 2, 1.3, False), 1),
        (Target(0, None, 2, 1.3, False), 1),
        (Target(1, None, 3, 1.3, False), 3),
        (Target(1, 2, 3, 1.3, False), 3),
        (Target(1, None, 3, 1.3, True), 3),
        (Target(1, 0, 3, 1.3, True), 3),
    ],
)
def test_the_gradient_is_the_slope_of_the_log_odds(target, units):
    logits = np.random.default_rng(0).normal(size=(4, units)).astype(np.float32)
    for unit in range(units):
        step = np.zeros_like(logits)
        step[:, unit] = 0.05
        slope = (target.g(logits + step) - target.g(logits - step)) / 0.1
        np.testing.assert_allclose(target.gradient(logits)[:, unit], slope, atol=1e-3)


def test_log_odds_are_those_of_the_probability():
    target = Target(1, None, 3, 1.3, False)
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    p = target.f(logits)
    np.testing.assert_allclose(target.g(logits), np.log(p / (1 - p)), atol=1e-6)
