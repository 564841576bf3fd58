"""The start that ships is whole, small and no classifier, and trainings can start from it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import QUIET, tiny

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import FILES, GRAPHS, STARTS, load_bundle
from sentiment_lstm.training.run import train

ENGLISH = STARTS / "english"
MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def start():
    return load_bundle(ENGLISH)


def test_the_folder_holds_a_small_bundle_and_nothing_else():
    files = [path for path in ENGLISH.iterdir() if path.is_file()]
    assert {path.name for path in files} == {*FILES} - {*GRAPHS}
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


def test_the_network_is_whole(start):
    assert start.half
    assert len(start.tokenizer) == len(start.weights["embedding.weight"]) == 12_000
    assert (start.config.model.embedding_size, start.config.model.hidden_size) == (128, 256)
    assert all(np.isfinite(weight).all() for weight in start.weights.values())
    learnt = {name: w for name, w in start.weights.items() if not name.startswith("output.")}
    assert all(weight.std() > 0 for weight in learnt.values())


def test_it_is_no_classifier_and_says_so(start):
    outputs = [w for name, w in start.weights.items() if name.startswith("output.")]
    assert outputs
    assert not any(weight.any() for weight in outputs)
    assert "It is not a classifier" in start.card
    assert "classes are not learnt" in start.config.provenance["stage"]
    scores = SentimentClassifier.from_pretrained(ENGLISH).predict_proba(["Superb!", "Awful."])
    np.testing.assert_array_equal(scores, 0.5)


def test_a_model_that_starts_from_it_states_its_data_sets(reviews: Path, tmp_path: Path, start):
    settings = tiny(reviews, training__init=str(ENGLISH), training__max_steps=1)
    model = replace(start.config.model, dropout=0.0)
    train(replace(settings, model=model, text=start.config.text), tmp_path / "run", QUIET)
    trained = load_bundle(tmp_path / "run")
    assert trained.config.provenance["started_from"]["name"] == "english"
    assert trained.config.provenance["data_sets"] == start.config.provenance["data_sets"]
    assert "For research, under the platform's terms" in trained.card
