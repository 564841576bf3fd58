"""A warning about texts that look unlike those that trained the model, once in a run."""

import logging
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tiny_runs import QUIET, tiny

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import load_bundle, save_bundle
from sentiment_lstm.text.familiarity import KEY, TokenRates, measure_rates, stored_rates
from sentiment_lstm.training.run import train

GERMAN = "Das war leider ein sehr schlechter Abend ohne Witz"
WARNING = (
    "These texts look unlike those that trained the model: 100% of their words are unknown to the "
    "model, against 2% in training."
)


@pytest.fixture
def trained(bundle, tmp_path: Path) -> Path:
    """A model that knows how its vocabulary fitted its training texts."""
    provenance = {KEY: asdict(TokenRates(unknown=0.02, characters_per_token=5.0))}
    config = replace(bundle.config, provenance=provenance)
    save_bundle(tmp_path / "trained", replace(bundle, config=config))
    return tmp_path / "trained"


def test_predict_warns_once(run, trained):
    code, out, err = run("predict", "--model", "trained", "--json", GERMAN, GERMAN)
    assert code == 0
    assert len(out.splitlines()) == 2
    assert err.count(WARNING) == 1


def test_predict_does_not_warn_about_familiar_texts(run, trained):
    assert run("predict", "--model", "trained", *["a good film"] * 5)[2] == ""


def test_predict_does_not_warn_if_nothing_is_stored(run, model):
    assert run("predict", "--model", "model", GERMAN, GERMAN)[2] == ""


def test_scoring_a_file_warns_once(run, trained, tmp_path):
    rows = [f"{GERMAN} {n}" for n in range(12_000)]  # several chunks
    (tmp_path / "in.csv").write_text("\n".join(["text", *rows]))
    _, _, err = run("predict", "--model", "trained", "--input", "in.csv", "--output", "out.csv")
    assert err.count("look unlike") == 1


def test_evaluate_warns_once(run, trained, tmp_path):
    rows = [f"{GERMAN} {n},{('negative', 'positive')[n % 2]}" for n in range(20)]
    (tmp_path / "german.csv").write_text("\n".join(["text,label", *rows]))
    code, _, err = run("evaluate", "--model", "trained", "--data", "german.csv")
    assert code == 0
    assert err.count(WARNING) == 1


def test_the_python_interface_logs_the_warning(trained, caplog):
    with caplog.at_level(logging.WARNING, "sentiment_lstm"):
        SentimentClassifier.from_pretrained(trained).predict_proba([GERMAN, GERMAN])
    assert [record.getMessage().startswith(WARNING) for record in caplog.records] == [True]


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_a_training_stores_how_its_vocabulary_fits(reviews, tmp_path, kind):
    train(tiny(reviews, text__kind=kind, training__epochs=1), tmp_path / "run", QUIET)
    bundle = load_bundle(tmp_path / "run")
    rates = stored_rates(bundle.config.provenance)
    assert rates is not None
    # 4 of 40 texts validate, of three words each: the number of a film is new.
    assert rates.unknown == pytest.approx(1 / 3 if kind == "word" else 0)
    assert 1 < rates.characters_per_token < 6


def test_a_mixture_is_measured_on_its_training_texts(reviews, tmp_path):
    (tmp_path / "more.csv").write_text(
        "text,label\n" + "\n".join(f"{GERMAN} {n},bad" for n in range(40))
    )
    settings = tiny(reviews, training__epochs=1)
    settings = settings.updated({"mixture": [{"source": str(tmp_path / "more.csv")}]})
    train(settings, tmp_path / "run", QUIET)
    bundle = load_bundle(tmp_path / "run")
    rates = stored_rates(bundle.config.provenance)
    german = measure_rates(bundle.tokenizer, [GERMAN])
    assert rates is not None
    assert german is not None
    assert rates.unknown == german.unknown == 0
