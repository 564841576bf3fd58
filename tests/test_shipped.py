"""The shipped bundles are small, score any text, and behave as their cards say."""

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.bundle import CONFIG, SHIPPED
from sentiment_lstm.card import model_card
from sentiment_lstm.commands.training import SIX_SENTENCES
from sentiment_lstm.evaluation.behaviour import MOST_MOVE, positive_scorer, run_suite
from sentiment_lstm.evaluation.cases import shipped_cases

NAMES = ("default", "tiny")
HOSTILE = [
    "",
    "\0",
    "\ud800",
    "😀" * 50_000,
    "x" * 1_000_000,
    "مرحبا بالعالم",
    "<" * 10_000,
    "&amp" * 9_999,
]
opened = cache(SentimentClassifier.from_pretrained)
every = pytest.mark.parametrize("name", NAMES)


def assert_whole(predictor, texts):
    probabilities = predictor.probabilities(texts)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-9)
    for text, encoded in zip(texts, predictor.tokenizer.encode(texts, offsets=True), strict=True):
        starts, ends = encoded.offsets.T
        assert (starts >= 0).all()
        assert (starts <= ends).all()
        assert (ends <= len(text)).all()
        assert (np.diff(starts) >= 0).all()


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    st.sampled_from(NAMES),
    st.lists(st.text(st.characters(exclude_categories=()), max_size=200), max_size=6),
)
def test_any_text_gets_probabilities_and_spans(name, texts):
    assert_whole(opened(name).predictor, texts)


@every
def test_hostile_texts_get_probabilities_and_spans(name):
    assert_whole(opened(name).predictor, HOSTILE)


def test_the_default_model_is_named_default():
    assert opened().bundle.config == opened("default").bundle.config


def test_a_folder_of_the_same_name_is_preferred(tmp_path, monkeypatch, bundle):
    SentimentClassifier(bundle).save_pretrained(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    assert SentimentClassifier.from_pretrained("tiny").bundle.config == bundle.config


@pytest.mark.parametrize(("name", "most"), [("default", 16_000_000), ("tiny", 2_000_000)])
def test_bundles_are_small(name, most):
    assert sum(path.stat().st_size for path in (SHIPPED / name).iterdir()) <= most


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("Adelaida", "Adriel", "Agata", "Akoth", "Andris", "Anica", "Arvydas"),
            "{} waters the plants on Fridays.",
        ),
        (
            ("Eritrean", "Ethiopian", "Ghanaian", "Kenyan", "Somali"),
            "Our {} neighbour waters the plants.",
        ),
        (("Dhaka", "Kabul", "Kampala", "Lagos"), "The parcel came from {} by ship."),
    ],
)
def test_names_nations_and_cities_are_words_of_nearly_the_same_vector(words, sentence):
    """They had one vector before the training with three classes, which changed it a little."""
    predictor = opened("default").predictor
    pieces = predictor.tokenizer.encode(list(words))
    assert [len(piece.ids) for piece in pieces] == [1] * len(words)
    probabilities = predictor.probabilities([sentence.format(word) for word in words])
    np.testing.assert_allclose(
        probabilities, probabilities[:1].repeat(len(words), 0), rtol=0, atol=0.03
    )


def test_a_name_beside_an_opinion_does_not_change_the_score():
    people = ("deaf", "gay", "Welsh", "Muslim", "blind", "Kenyan", "elderly", "Black", "white")
    texts = [f"The train was late, and the {group} man opposite me groaned." for group in people]
    assert np.ptp(opened("default").predictor.probabilities(texts), axis=0).max() < MOST_MOVE


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "Ainsley Alana Alvaro Amaya Anabelle Ariana Arvid Clarissa "  # trained
            "Adrianne Ariane Bautista Camelia Cornelia Frederik Gaurav Jeremiah Aracely "
            "Bente Borghildur Marleigh "  # words that no review holds
            "Jalissa Tiberiu Viviana Aaliyah Alejandra",  # several tokens each
            "{} waters the plants on Fridays.",
        ),
        (
            "Algerian Angolan Armenian Basque Bosnian Chilean Croatian Cypriot Gambian Kenyan "
            "Malawian Paraguayan Togolese",
            "Our {} neighbour waters the plants.",
        ),
    ],
)
def test_trained_names_and_names_of_several_tokens_do_not_change_the_score(words, sentence):
    texts = [sentence.format(word) for word in words.split()]
    assert np.ptp(opened("default").predictor.probabilities(texts), axis=0).max() < MOST_MOVE


@every
def test_bundles_hold_no_path(name):
    for file in (SHIPPED / name).iterdir():
        content = file.read_bytes()
        for path in (b"/shared", b"/tmp/", b"/home/", b"runs/", b"recipes/"):
            assert path not in content, file
    assert '"/' not in (SHIPPED / name / CONFIG).read_text()


def test_default_reads_the_studys_sentences():
    expected = ["negative", "positive", "negative", "negative", "positive", "negative"]
    assert opened().predict(SIX_SENTENCES) == expected


@every
def test_cards_are_up_to_date(name):
    bundle = opened(name).bundle
    config = json.loads((SHIPPED / name / CONFIG).read_text("utf-8"))
    assert bundle.card == model_card(name, config, bundle.metrics)


@every
def test_bundles_behave_as_their_cards_say(name):
    """On another processor, rounding may change the outcome of a few cases.

    The suite may have capabilities that are newer than the bundle.
    """
    model = opened(name)
    failures = {row["capability"]: row["failures"] for row in model.bundle.metrics["behaviour"]}
    cases = [case for case in shipped_cases() if case.capability in failures]
    results = run_suite(cases, positive_scorer(model.predict_proba, model.classes_))
    assert {result.capability for result in results} == failures.keys()
    assert name == "tiny" or failures.keys() == {case.capability for case in shipped_cases()}
    for result in results:
        assert abs(result.failures - failures[result.capability]) <= 3, result.capability
