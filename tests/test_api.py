import huggingface_hub
import numpy as np
import pytest

import sentiment_lstm
from sentiment_lstm import finding
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.errors import BundleError, UsageError

TEXTS = ["a good film", "bad", "not bad at all"]


@pytest.fixture
def classifier(bundle):
    return SentimentClassifier(bundle)


@pytest.fixture
def three(make_bundle):
    return SentimentClassifier(make_bundle(("x", "y", "z")))


@pytest.fixture
def nothing_shipped(tmp_path, monkeypatch):
    """An empty working folder, and no model in the package."""
    monkeypatch.setattr(finding, "SHIPPED", tmp_path / "pretrained")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_same(ranked, expected):
    """Check for the same classes in the same order, with equal scores up to rounding."""
    assert [row["label"] for row in ranked] == [row["label"] for row in expected]
    assert [row["score"] for row in ranked] == pytest.approx([row["score"] for row in expected])


def test_one_text_gives_a_list_with_its_likeliest_class(classifier):
    (ranked,) = classifier(TEXTS[0])
    row = classifier.predict_proba(TEXTS[:1])[0]
    assert_same([ranked], [{"label": classifier.classes_[row.argmax()], "score": row.max()}])
    assert type(ranked["score"]) is float


def test_several_texts_give_one_class_each(classifier):
    assert_same(classifier(TEXTS), [classifier(text)[0] for text in TEXTS])
    assert classifier([]) == []
    assert len(classifier(TEXTS[:1])) == 1


def test_polarity_is_the_answer_of_two_classes(classifier, make_bundle):
    expected = classifier.predict_proba(TEXTS)[:, 1]
    np.testing.assert_array_equal(classifier.polarity(TEXTS), expected)
    sentiment = SentimentClassifier(make_bundle(("negative", "neutral", "positive")))
    negative, _, positive = sentiment.predict_proba(TEXTS).T
    np.testing.assert_allclose(sentiment.polarity(TEXTS), positive / (positive + negative))
    assert sentiment.polarity(["", " "]).tolist() == [0.5, 0.5]
    assert sentiment.polarity([]).shape == (0,)


def test_a_model_of_other_classes_has_no_polarity(three):
    with pytest.raises(UsageError, match=r"^Expected .* negative and positive, found x, y, z: "):
        three.polarity(TEXTS)


def test_evaluate_measures_two_classes_by_polarity(make_bundle, tmp_path):
    classifier = SentimentClassifier(make_bundle(("negative", "neutral", "positive")))
    path = tmp_path / "films.csv"
    labels = ("negative", "neutral", "positive")
    path.write_text("text,label\n" + "".join(f"film {n},{labels[n % 3]}\n" for n in range(30)))
    values = classifier.evaluate(str(path), polarity=True)
    assert (values["n"], values["set_aside"]) == (20, {"labelled neutral": 10})
    texts = [f"film {n}" for n in range(30) if n % 3 != 1]
    polarity = classifier.polarity(texts)
    is_positive = np.array([n % 3 == 2 for n in range(30) if n % 3 != 1])
    assert values["accuracy"] == ((polarity > 0.5) == is_positive).mean()
    loss = -np.log(np.where(is_positive, polarity, 1 - polarity)).mean()
    assert values["log_loss"] == pytest.approx(loss)
    assert {row["true"] for row in values["mistakes"]} <= {"negative", "positive"}
    assert classifier.evaluate(str(path))["n"] == 30


def test_top_k_none_gives_every_class_sorted(three):
    for text, ranked in zip(TEXTS, three(TEXTS, top_k=None), strict=True):
        assert_same(ranked, three(text, top_k=None))
        assert {row["label"] for row in ranked} == set(three.classes_)
        scores = [row["score"] for row in ranked]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) == pytest.approx(1.0)


def test_top_k_cuts_the_list(three):
    assert_same(three(TEXTS[0], top_k=2), three(TEXTS[0], top_k=None)[:2])
    for text, ranked in zip(TEXTS, three(TEXTS, top_k=2), strict=True):
        assert_same(ranked, three(text, top_k=2))
    assert len(three(TEXTS[0], top_k=9)) == 3


def test_top_k_below_one_is_refused(classifier):
    with pytest.raises(UsageError, match=r"Expected top_k .* found 0"):
        classifier(TEXTS, top_k=0)


def test_predict_gives_the_class_of_the_highest_probability(three):
    probabilities = three.predict_proba(TEXTS)
    assert probabilities.shape == (3, 3)
    assert three.predict(TEXTS) == [three.classes_[i] for i in probabilities.argmax(axis=1)]


def test_below_the_threshold_the_likeliest_class_has_no_name(three):
    scores = three.predict_proba(TEXTS).max(axis=1)
    least = float(sorted(scores)[1])
    expected = [
        None if s < least else name for s, name in zip(scores, three.predict(TEXTS), strict=True)
    ]
    assert three.predict(TEXTS, abstain_below=least) == expected
    assert None in expected
    assert len(set(expected)) > 1
    assert [row["label"] for row in three(TEXTS, abstain_below=least)] == expected
    for text, label in zip(TEXTS, expected, strict=True):
        winner, *others = three(text, top_k=None, abstain_below=least)
        assert winner["label"] == label
        assert_same(others, three(text, top_k=None)[1:])


def test_a_folder_without_a_name_is_refused(classifier):
    with pytest.raises(UsageError, match="Expected the name of a folder, found an empty string"):
        classifier.save_pretrained("")


@pytest.mark.parametrize("wrong", [-0.5, 1.0, float("nan"), "0.5", None])
def test_a_threshold_out_of_range_is_refused(classifier, wrong):
    for ask in (classifier, classifier.predict):
        with pytest.raises(UsageError, match="Expected the abstain threshold"):
            ask(TEXTS, abstain_below=wrong)


def test_a_stream_ends_with_the_texts_score(three):
    steps = list(three.stream(TEXTS[2]))
    np.testing.assert_allclose(
        steps[-1].probabilities, three.predict_proba(TEXTS[2:])[0], atol=1e-6
    )
    assert [step.text for step in three.stream(["not b", "ad"])] == ["not", "bad"]


def test_an_explanation_names_the_words(three):
    explanation = three.explain(TEXTS[2])
    assert [token.text for token in explanation.tokens] == TEXTS[2].split()
    assert explanation.label == three.predict([TEXTS[2]])[0]
    (other, *_) = set(three.classes_) - {explanation.label}
    assert three.explain(TEXTS[2], against=other).against == other
    assert three.explainer is three.explainer


def test_saved_classifier_scores_the_same(three, tmp_path):
    three.save_pretrained(tmp_path / "model")
    read = SentimentClassifier.from_pretrained(tmp_path / "model")
    assert read.classes_ == ["x", "y", "z"]
    np.testing.assert_array_equal(read.predict_proba(TEXTS), three.predict_proba(TEXTS))


def test_the_default_is_the_shipped_model_then_quickstarts(nothing_shipped, bundle, make_bundle):
    with pytest.raises(BundleError, match="run `sentiment-lstm quickstart`"):
        SentimentClassifier.from_pretrained()
    save_bundle(nothing_shipped / "runs" / "quickstart", bundle)
    assert SentimentClassifier.from_pretrained().classes_ == ["negative", "positive"]
    save_bundle(nothing_shipped / "pretrained" / "default", make_bundle(("x", "y", "z")))
    assert SentimentClassifier.from_pretrained().classes_ == ["x", "y", "z"]


def test_a_folder_is_preferred_to_a_hub_name(nothing_shipped, bundle, hub):
    save_bundle(nothing_shipped / "owner" / "name", bundle)
    assert SentimentClassifier.from_pretrained("owner/name").classes_ == ["negative", "positive"]
    assert not hub.requests


def test_an_unreachable_hub_is_one_sentence(nothing_shipped, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BundleError, match="folder owner/name or a model of that name on the hub"):
        SentimentClassifier.from_pretrained("owner/name")


@pytest.mark.parametrize("path", ["nowhere", "./no/where", "/no/where/at/all", "a/b/c"])
def test_missing_folder_is_not_looked_for_on_the_hub(nothing_shipped, path):
    with pytest.raises(BundleError, match="found no such folder"):
        SentimentClassifier.from_pretrained(path)


def test_the_package_offers_the_classifier():
    assert sentiment_lstm.SentimentClassifier is SentimentClassifier
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sentiment_lstm.nonsense
