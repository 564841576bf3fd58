"""The language-model stage saves its own bundle, can be resumed, and improves the start."""

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import QUIET, interrupted_at, tiny

from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.errors import DataError, SentimentError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.metrics_log import read_metrics
from sentiment_lstm.training.pretraining import pieces
from sentiment_lstm.training.run import resume, train

LANGUAGE = {
    "model__pooling": "last",
    "training__learning_rate": 0.001,
    "training__batch_tokens": 300,
    "training__epochs": 1,
    "language__epochs": 2,
    "language__batch_tokens": 300,
    "language__negatives": 20,
}


def with_language(source: Path, **changes) -> Settings:
    return tiny(source, **LANGUAGE | changes)


def test_long_texts_are_read_in_pieces_and_single_words_not_at_all():
    texts = [np.array([1, 2, 3, 4, 5]), np.array([6]), np.array([7, 8])]
    assert [piece.tolist() for piece in pieces(texts, 2)] == [[1, 2], [3, 4], [7, 8]]


def test_the_stage_saves_a_bundle_that_cannot_classify(csv_file: Path, tmp_path: Path):
    more = tmp_path / "more.csv"
    more.write_text("text\n" + "\n".join(f"quokka number {n} and a film" for n in range(30)))
    fast = {"language__learning_rate": 0.02, "language__sources": (str(more),)}
    train(with_language(csv_file, **fast), tmp_path / "run", QUIET)
    language = load_bundle(tmp_path / "run" / "language")
    assert not (tmp_path / "run" / "language" / "checkpoint.safetensors").exists()
    assert language.config.provenance["texts"] == 360 + 30
    scores = open_predictor(language).probabilities(["the film", "quokka"])
    np.testing.assert_array_equal(scores, 0.5)
    epochs = [e for e in read_metrics(tmp_path / "run" / "language") if "validation_loss" in e]
    losses = [epoch["validation_loss"] for epoch in epochs]
    assert losses[1] < losses[0] < np.log(len(language.tokenizer))
    trained = load_bundle(tmp_path / "run")
    assert trained.tokenizer.to_json() == language.tokenizer.to_json()
    assert "quokka" in trained.tokenizer.to_json()


def test_training_starts_from_the_language_model(csv_file: Path, tmp_path: Path):
    train(with_language(csv_file), tmp_path / "run", QUIET)
    start = str(tmp_path / "run" / "language")
    frozen = {"training__init": start, "training__learning_rate": 1e-12, "language__epochs": 0}
    train(with_language(csv_file, **frozen), tmp_path / "second", QUIET)
    first, second = load_bundle(Path(start)), load_bundle(tmp_path / "second")
    for name, weight in first.weights.items():
        np.testing.assert_allclose(second.weights[name], weight, atol=1e-8)


def test_a_bidirectional_bundle_cannot_start_a_language_model(csv_file: Path, tmp_path: Path):
    both = {"model__bidirectional": True, "language__epochs": 0}
    train(with_language(csv_file, **both), tmp_path / "run", QUIET)
    with pytest.raises(SentimentError, match="one direction for a language model"):
        train(
            with_language(csv_file, training__init=str(tmp_path / "run")),
            tmp_path / "second",
            QUIET,
        )


def test_a_language_model_starts_from_a_bundle_and_keeps_its_words(csv_file: Path, tmp_path: Path):
    train(with_language(csv_file), tmp_path / "run", QUIET)
    start = load_bundle(tmp_path / "run")
    frozen = {"training__init": str(tmp_path / "run"), "language__learning_rate": 1e-12}
    train(with_language(csv_file, **frozen), tmp_path / "second", QUIET)
    more = load_bundle(tmp_path / "second" / "language")
    assert more.tokenizer.to_json() == start.tokenizer.to_json()
    for name, weight in more.weights.items():
        expected = 0.0 if "output." in name else start.weights[name]
        np.testing.assert_allclose(weight, expected, atol=1e-8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language__epochs": 0, "language__sources": ("more.csv",)}, "Expected a use for"),
        ({"model__bidirectional": True}, "one direction for a language model"),
        ({"language__sources": ("nowhere.csv",)}, r"nowhere\.csv"),
    ],
)
def test_wrong_settings_are_refused_and_leave_no_folder(
    csv_file: Path, tmp_path: Path, changes, message
):
    with pytest.raises(SentimentError, match=message):
        train(with_language(csv_file, **changes), tmp_path / "run", QUIET)
    assert not (tmp_path / "run").exists()


def test_texts_of_one_word_teach_no_language(tmp_path: Path):
    source = tmp_path / "words.csv"
    source.write_text("text,label\n" + "\n".join(f"w{n},{n % 2}" for n in range(99)))
    with pytest.raises(DataError, match="two tokens and more"):
        train(with_language(source), tmp_path / "run", QUIET)


@pytest.mark.parametrize("stage", [0, 1])
def test_a_run_resumes_exactly_in_both_stages(csv_file: Path, tmp_path: Path, monkeypatch, stage):
    more = tmp_path / "more.csv"
    more.write_text("text,label\na film without a label,\n,\n")
    settings = with_language(csv_file, language__sources=(str(more),))
    train(settings, tmp_path / "whole", QUIET)
    seen = []

    def at_step_5_of_the_stage(trainer: Trainer) -> bool:
        seen.append(trainer)
        return (trainer is not seen[0] or stage == 0) and trainer.progress.step == 5

    interrupted_at(
        monkeypatch,
        train=lambda: train(settings, tmp_path / "run", QUIET),
        when=at_step_5_of_the_stage,
    )
    assert (tmp_path / "run" / "language" / "config.json").exists() == (stage == 1)
    resume(tmp_path / "run", QUIET)
    aside = [(tmp_path / run / "set_aside.jsonl").read_text() for run in ("whole", "run")]
    assert aside[0] == aside[1] != ""
    for part in (".", "language"):
        whole, resumed = (
            load_bundle(tmp_path / "whole" / part),
            load_bundle(tmp_path / "run" / part),
        )
        for name, weight in whole.weights.items():
            np.testing.assert_array_equal(resumed.weights[name], weight)
