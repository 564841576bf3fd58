"""The bundle that ships: small, right about the study's sentences, and as its card says."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment_lstm import SentimentClassifier, api
from sentiment_lstm.bundle import CONFIG, INT8_GRAPH, WEIGHTS, load_bundle
from sentiment_lstm.commands.training import SIX_SENTENCES
from sentiment_lstm.evaluation.behaviour import positive_scorer, run_suite
from sentiment_lstm.evaluation.cases import shipped_cases

FOLDER = api.SHIPPED / "default"
_opened = cache(SentimentClassifier.from_pretrained)


@pytest.fixture
def shipped() -> SentimentClassifier:
    return _opened()


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


def assert_whole(predictor, texts):
    shares = predictor.probabilities(texts)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=0, atol=1e-9)
    for text, encoded in zip(texts, predictor.tokenizer.encode(texts, offsets=True), strict=True):
        starts, ends = encoded.offsets.T
        assert (starts >= 0).all()
        assert (starts <= ends).all()
        assert (ends <= len(text)).all()
        assert (np.diff(starts) >= 0).all()


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=200), max_size=6))
def test_any_text_gets_probabilities_and_spans(texts):
    assert_whole(_opened().predictor, texts)


def test_hostile_texts_get_probabilities_and_spans(shipped):
    assert_whole(shipped.predictor, HOSTILE)


def test_shipped_models_go_by_name_where_no_folder_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        SentimentClassifier.from_pretrained("default").bundle.config == load_bundle(FOLDER).config
    )


def test_it_is_small():
    assert sum((FOLDER / name).stat().st_size for name in (WEIGHTS, INT8_GRAPH)) <= 12_000_000


def test_it_names_no_place_of_the_machine_that_made_it():
    assert '"/' not in (FOLDER / CONFIG).read_text()


def test_it_reads_the_studys_sentences(shipped):
    wanted = ["negative", "positive", "negative", "negative", "positive", "negative"]
    assert shipped.predict(SIX_SENTENCES) == wanted


def test_it_behaves_as_its_card_says(shipped):
    """Another processor may round a score across a threshold, in a case or two."""
    results = run_suite(shipped_cases(), positive_scorer(shipped.predict_proba, shipped.classes_))
    told = {one["capability"]: one["failures"] for one in load_bundle(FOLDER).metrics["behaviour"]}
    assert {one.capability for one in results} == told.keys()
    for one in results:
        assert abs(one.failures - told[one.capability]) <= 3, one.capability
