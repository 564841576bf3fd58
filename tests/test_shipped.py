"""The bundle that ships: small, right about the study's sentences, and as its card says."""

import pytest

from sentiment_lstm import SentimentClassifier, api
from sentiment_lstm.bundle import CONFIG, INT8_GRAPH, WEIGHTS, load_bundle
from sentiment_lstm.commands.training import SIX_SENTENCES
from sentiment_lstm.evaluation.behaviour import positive_scorer, run_suite
from sentiment_lstm.evaluation.cases import shipped_cases

FOLDER = api.SHIPPED / "default"


@pytest.fixture(scope="module")
def shipped() -> SentimentClassifier:
    return SentimentClassifier.from_pretrained()


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
