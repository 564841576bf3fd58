import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bundles import random_bundle

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference import runtime as runtime_module
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.interpret import explain as module
from sentiment_lstm.interpret import occlusion
from sentiment_lstm.interpret.explain import Explainer, direction, segments
from sentiment_lstm.interpret.words import join_neighbours, words_of
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.familiarity_scores import TextFamiliarity

TEXT = "Not bad at all , a <br\n/> good film &amp; not a bad one"


def explainer_of(bundle, gradients=False) -> Explainer:
    """Return an explainer by integrated gradients, or by occlusion."""
    explainer = Explainer(bundle, open_predictor(bundle))
    explainer.contextual = None
    if not gradients:
        explainer.gradients = None
    return explainer


@pytest.fixture(scope="module")
def subwords() -> Explainer:
    """Explains a model of so few subwords that most words are several."""
    text = TextSettings(kind="bpe", vocabulary=40, min_frequency=1)
    texts = ["a good film . . . not bad ' e\u0301"]
    return explainer_of(random_bundle(texts, ("no", "yes"), text, layers=1))


def test_a_words_attribution_is_the_change_when_it_is_left_out(bundle):
    explainer = explainer_of(bundle)
    predictor = open_predictor(bundle)
    explanation = explainer.explain("a good bad film")
    column = bundle.config.classes.index(explanation.label)
    assert [(t.text, t.start, t.end) for t in explanation.tokens] == [
        ("a", 0, 1), ("good", 2, 6), ("bad", 7, 10), ("film", 11, 15)
    ]  # fmt: skip
    texts = [
        "good bad film",
        "a bad film",
        "a good film",
        "a good bad",
        "a good bad film",
        "\u200b",
    ]
    *without, whole, unknown = predictor.probabilities(texts)[:, column]
    expected = [whole - probability for probability in without]
    np.testing.assert_allclose(
        [t.attribution for t in explanation.tokens], expected, rtol=0, atol=1e-6
    )
    assert explanation.score == pytest.approx(whole)
    assert explanation.baseline_score == pytest.approx(unknown, abs=1e-6)
    assert (explanation.method, explanation.completeness_error) == ("occlusion", None)
    assert explanation.label == predictor.predict(["a good bad film"])[0].label


@pytest.mark.parametrize("thresholds", [None, (0.5, 0.4)])
@pytest.mark.parametrize("against", [None, "b"])
@pytest.mark.parametrize("method", ["contextual gradients", "occlusion"])
def test_an_unfamiliar_text_has_the_low_score_of_its_prediction(method, against, thresholds):
    bundle = random_bundle([TEXT], ("a", "b"), thresholds=thresholds)
    explainer = Explainer(bundle, open_predictor(bundle))
    if method == "occlusion":
        explainer.contextual = explainer.gradients = None
    predictor = explainer._predictor
    usual = explainer.explain(TEXT, against, label="a")
    tokens = len(predictor.tokenizer)
    predictor.text_familiarity = TextFamiliarity(np.full(tokens, -1), np.ones(tokens, bool), 0.0)
    lower = explainer.explain(TEXT, against, label="a")
    (prediction,) = predictor.predict([TEXT])
    assert 0.01 < prediction.familiarity < 0.25
    first, second = prediction.probabilities
    assert lower.score == pytest.approx(first - second if against else first, abs=1e-9)
    kept = 2 * prediction.familiarity
    for parts, others in ((lower.tokens, usual.tokens), (lower.phrases, usual.phrases)):
        expected = [kept * other.attribution for other in others]
        assert [part.attribution for part in parts] == pytest.approx(expected)
    change = kept * (usual.score - usual.baseline_score)
    assert lower.score - lower.baseline_score == pytest.approx(change)
    assert lower.method == method


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("good films!", ["good", "films", "!"]),
        ("..\u2026 bad", ["..\u2026", "bad"]),  # two tokens that share a character
        ("caf\u0065\u0301s don't", ["cafe\u0301s", "don't"]),
        ("\u6f22\u5b57 \U0001f600\U0001f600", ["\u6f22\u5b57", "\U0001f600", "\U0001f600"]),
        ("", [""]),
        ("\x00", [""]),
    ],
)
def test_subwords_are_joined_to_words(subwords, text, words):
    explanation = subwords.explain(text)
    assert [t.text for t in explanation.tokens] == words
    assert [text[t.start : t.end] for t in explanation.tokens] == words


def test_each_token_of_a_word_tokenizer_is_a_word(bundle):
    (encoded,) = bundle.tokenizer.encode(["bad!good"], offsets=True)
    assert words_of(bundle, encoded) == [range(0, 1), range(1, 2), range(2, 3)]


@settings(deadline=None, max_examples=80, derandomize=True)
@given(st.text(st.sampled_from("ae\u0301<>/b&mp;.\u2026!?\n \t\x85\x00'\U0001f600 g\u05d0\ud800")))
def test_segments_are_the_raw_text(subwords, text):
    explanation = subwords.explain(text)
    parts = segments(explanation)
    assert "".join(part["text"] for part in parts) == text
    assert all(part["text"] and 0 <= part["strength"] <= 1 for part in parts)
    ends = [(t.start, t.end) for t in explanation.tokens]
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))


def test_segments_shade_the_words_that_moved_the_score(bundle):
    explanation = explainer_of(bundle).explain(TEXT)
    strongest = explanation.strongest(1)[0]
    shown = {part["text"]: part for part in segments(explanation) if part["strength"] == 1}
    assert list(shown) == [strongest.text]
    (side,) = {part["towards"] for part in shown.values()}
    speaks = explanation.sides[("first", "second").index(side)]
    assert (speaks == explanation.label) == (strongest.attribution > 0)
    faint = [part for part in segments(explanation) if part["strength"] < 0.1]
    assert {part["towards"] for part in faint} == {""}


def test_contrast_doubles_with_two_classes(bundle):
    explainer = explainer_of(bundle)
    plain = explainer.explain(TEXT)
    (other,) = set(bundle.config.classes) - {plain.label}
    explanation = explainer.explain(TEXT, against=other)
    assert explanation.score == pytest.approx(2 * plain.score - 1)
    np.testing.assert_allclose(
        [t.attribution for t in explanation.tokens],
        [2 * t.attribution for t in plain.tokens],
        atol=1e-12,
    )
    assert explanation.sides == plain.sides == bundle.config.classes


def test_contrast_is_with_the_named_class(make_bundle):
    bundle = make_bundle(("x", "y", "z"))
    explainer, probabilities = explainer_of(bundle), open_predictor(bundle).probabilities([TEXT])[0]
    label, other, _ = (bundle.config.classes[i] for i in np.argsort(-probabilities))
    explanation = explainer.explain(TEXT, against=other)
    assert explanation.score == pytest.approx(
        np.sort(probabilities)[-1] - np.sort(probabilities)[-2]
    )
    assert explanation.f(probabilities) == pytest.approx(explanation.score)
    assert explanation.sides == (other, label)
    assert [explanation.side(1.0), explanation.side(-1.0)] == [1, 0]
    assert explainer.explain(TEXT).sides == ("other classes", "the verdict")


def test_sides_of_an_explanation_of_the_first_class():
    explanation = module.Explanation("", "no", None, ("no", "yes"), 1.0, 0.5, None, "occlusion", ())
    assert explanation.sides[explanation.side(0.1)] == "no"
    assert explanation.sides[explanation.side(-0.1)] == "yes"


@pytest.mark.parametrize("against", ["a", "nonsense", ""])
def test_contrast_needs_another_class_of_the_model(against):
    with pytest.raises(UsageError, match=r"Expected a class to compare a with among b, c, found"):
        direction(("a", "b", "c"), "a", against)


def test_spans_of_long_texts_are_left_out_together(bundle, monkeypatch):
    monkeypatch.setattr(occlusion, "_READ", 40)
    monkeypatch.setattr(occlusion, "_SPANS", 4)
    explanation = explainer_of(bundle).explain("a good film not bad at all , good film")
    assert [t.text for t in explanation.tokens] == [
        "a good film",
        "not bad at",
        "all , good",
        "film",
    ]


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_has_no_phrases(bundle, text):
    assert Explainer(bundle, open_predictor(bundle)).explain(text).phrases == ()
    assert explainer_of(bundle).explain(text).phrases == ()


def test_an_empty_label_is_no_class(bundle):
    with pytest.raises(UsageError, match="Expected a class to explain among"):
        explainer_of(bundle).explain("good", label="")


def test_neighbours_are_joined():
    words = [range(0, 1), range(1, 3), range(3, 4)]
    assert join_neighbours(words, 2) == [range(0, 3), range(3, 4)]
    assert join_neighbours(words, 3) == join_neighbours(words, 9) == words
    assert join_neighbours(words, 1) == [range(0, 4)]


def test_too_long_texts_are_refused(bundle, monkeypatch):
    monkeypatch.setattr(module, "MOST_TOKENS", 3)
    with pytest.raises(UsageError, match="at most 3 tokens to explain, found 4: give a part"):
        explainer_of(bundle).explain("a good bad film")


def test_other_types_than_text_are_refused(bundle):
    with pytest.raises(UsageError, match="Expected one text to explain, found list"):
        explainer_of(bundle).explain(["good"])


def test_batches_are_bounded(bundle, monkeypatch):
    explainer, sizes = explainer_of(bundle), []
    whole = explainer.explain(TEXT)
    score = explainer._predictor.runtime.score

    def watched(ids):
        sizes.append(len(ids))
        return score(ids)

    monkeypatch.setattr(explainer._predictor.runtime, "score", watched)
    monkeypatch.setattr(runtime_module, "_BATCH_TOKENS", 20)
    explanation = explainer.explain(TEXT)
    assert max(sizes) <= 3
    np.testing.assert_allclose(
        [t.attribution for t in explanation.tokens],
        [t.attribution for t in whole.tokens],
        atol=1e-6,
    )


def test_bidirectional_models_are_explained_too(make_bundle):
    explainer = explainer_of(make_bundle(bidirectional=True), gradients=True)
    by_gradients = explainer.explain(TEXT)
    explainer.gradients = None
    explanation = explainer.explain(TEXT)
    assert [by_gradients.method, explanation.method] == ["integrated gradients", "occlusion"]
    assert [t.start for t in explanation.tokens] == [t.start for t in by_gradients.tokens]
    assert explanation.score == pytest.approx(by_gradients.score, abs=1e-6)


def test_long_texts_have_no_gradients(bundle, monkeypatch):
    monkeypatch.setattr(module, "GRADIENT_TOKENS", 3)
    explainer = explainer_of(bundle, gradients=True)
    assert explainer.explain("a good film").method == "integrated gradients"
    assert explainer.explain("a good bad film").method == "occlusion"


@pytest.mark.parametrize("missing", ["torch", "captum.attr"])
def test_without_torch_or_captum_occlusion_is_used(bundle, monkeypatch, missing):
    predictor = open_predictor(bundle)  # has no graph: its runtime is torch's
    monkeypatch.delitem(sys.modules, "sentiment_lstm.interpret.integrated_gradients", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    assert Explainer(bundle, predictor).gradients is None


def test_an_explanation_becomes_json(bundle):
    explanation = explainer_of(bundle).explain("a good film")
    values = explanation.to_dict()
    assert list(values) == [
        "text", "label", "against", "score", "baseline_score", "completeness_error", "method",
        "tokens", "phrases",
    ]  # fmt: skip
    assert [list(token) for token in values["tokens"]] == [
        ["text", "start", "end", "attribution"]
    ] * 3
