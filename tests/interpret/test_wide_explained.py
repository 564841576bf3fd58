"""Explanations of models with a wide path."""

import dataclasses

import numpy as np
import pytest

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.interpret.explain import Explainer
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.weights_file import WIDE

TEXT = "Not bad at all , a <br\n/> good-bad film &amp; not a bad one"


def explainer_of(bundle: Bundle, *, gradients: bool) -> Explainer:
    """Return an explainer by integrated gradients, or by occlusion."""
    explainer = Explainer(bundle, open_predictor(bundle))
    explainer.contextual = None
    if not gradients:
        explainer.gradients = None
    return explainer


def linear(bundle: Bundle) -> Bundle:
    """The bundle with a wide path alone: all scores of the LSTM are 0."""
    output = {n: 0 * a for n, a in bundle.weights.items() if n.startswith("output")}
    return dataclasses.replace(bundle, weights={**bundle.weights, **output})


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_attributions_add_up_to_the_scores_change(make_bundle, classes, bidirectional, kind):
    text = TextSettings(kind=kind, vocabulary=40, min_frequency=1)
    bundle = make_bundle(classes, text, wide=True, bidirectional=bidirectional)
    bundle = dataclasses.replace(bundle, config=dataclasses.replace(bundle.config, temperature=1.7))
    explainer = explainer_of(bundle, gradients=True)
    probabilities = open_predictor(bundle).probabilities([TEXT])[0]
    for against in (None, classes[int(probabilities.argmin())]):
        explanation = explainer.explain(TEXT, against)
        assert explanation.method == "integrated gradients"
        assert explanation.score == pytest.approx(explanation.f(probabilities), abs=1e-6)
        total = sum(token.attribution for token in explanation.tokens)
        change = explanation.score - explanation.baseline_score
        assert total == pytest.approx(change, abs=0.01 * max(0.1, abs(change)))


@pytest.mark.parametrize("kind", ["word", "bpe"])
@pytest.mark.parametrize("gradients", [False, True])
def test_a_words_ngrams_move_the_score_at_the_word(make_bundle, kind, gradients):
    """Only features of "film" have weights, so no other word has an attribution."""
    text = TextSettings(kind=kind, vocabulary=40, min_frequency=1)
    bundle = linear(make_bundle(("a", "b"), text, wide=True))
    (film,) = bundle.tokenizer.encode(["film"])
    wide = np.zeros_like(bundle.weights[WIDE])
    wide[film.features.ids] = 0.1
    bundle = dataclasses.replace(bundle, weights={**bundle.weights, WIDE: wide})
    explanation = explainer_of(bundle, gradients=gradients).explain("a good film , not zq")
    moved = {token.text for token in explanation.tokens if abs(token.attribution) > 1e-6}
    assert moved == {"film"}
    total = sum(token.attribution for token in explanation.tokens)
    assert total == pytest.approx(explanation.score - 0.5, abs=1e-3)
    assert explanation.score > 0.7


def test_attributions_of_a_linear_model_are_in_the_ratio_of_its_words(make_bundle):
    bundle = linear(make_bundle(("a", "b"), wide=True))
    explanation = explainer_of(bundle, gradients=True).explain("a good film not bad")
    (encoded,) = bundle.tokenizer.encode(["a good film not bad"], offsets=True)
    owners = np.repeat(np.arange(len(encoded.ids)), encoded.features.counts)
    logits = np.bincount(owners, bundle.weights[WIDE][encoded.features.ids, 0])
    attributions = np.array([token.attribution for token in explanation.tokens])
    expected = logits / logits.sum() * (explanation.score - explanation.baseline_score)
    np.testing.assert_allclose(attributions, expected, rtol=0, atol=1e-3)


def test_occlusion_leaves_out_a_words_features_too(make_bundle):
    """The pairs of the words around it are not new features."""
    bundle = make_bundle(("a", "b", "c"), wide=True)
    explanation = explainer_of(bundle, gradients=False).explain("a good bad film")
    (encoded,) = bundle.tokenizer.encode(["a good bad film"])
    predictor = open_predictor(bundle)
    texts = [encoded.kept(np.arange(4) != index) for index in range(4)]
    expected = (
        explanation.score
        - predictor.score(texts) @ np.eye(3)[bundle.config.classes.index(explanation.label)]
    )
    attributions = [token.attribution for token in explanation.tokens]
    np.testing.assert_allclose(attributions, expected, rtol=0, atol=1e-6)
    (unknown,) = predictor.probabilities(["\u200b"])  # a text without tokens and features
    assert explanation.baseline_score == pytest.approx(explanation.f(unknown), abs=1e-6)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("text", ["", "\u200b", "good", "\ud800", "😀"])
def test_odd_texts_are_explained(make_bundle, gradients, text):
    explanation = explainer_of(make_bundle(wide=True), gradients=gradients).explain(text)
    assert np.isfinite([token.attribution for token in explanation.tokens]).all()
