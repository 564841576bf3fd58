"""A new output layer on a start as it is: its scores, and when it replaces the last training."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_bundles import random_bundle
from tiny_runs import QUIET, Heard, tiny_auto

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.data.corpus import Corpus, load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.model.weights import classifier_from
from sentiment_lstm.records import Targets
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.training import linear_probe, stages
from sentiment_lstm.training.feed import encode, targets_of
from sentiment_lstm.training.linear_probe import fit_linear_probe, pooled_states
from sentiment_lstm.training.run import resume, train
from sentiment_lstm.training.temperature import calibrate
from sentiment_lstm.training.trials import Trial, logits_of_trials, split_for_trials


@pytest.fixture
def corpus(csv_file: Path) -> Corpus:
    return load_corpus(DataSettings(source=str(csv_file)), 0, SetAside(None))


def _trials(corpus: Corpus) -> list[Trial]:
    parts = split_for_trials(corpus, 3, seed=0)
    return [Trial(training, held_out, np.zeros(len(held_out))) for training, held_out in parts]


def _start(corpus: Corpus, **model):
    texts = [example.text for example in corpus.sample]
    return random_bundle(texts, hidden_size=16, layers=1, pooling="max+mean+last", **model)


def _probe(corpus: Corpus, trials: list[Trial]) -> linear_probe.LinearProbe:
    start = _start(corpus)
    targets = _targets(trials, corpus)
    return fit_linear_probe(start, corpus, trials, targets, is_balanced=False)


def _targets(trials: list[Trial], corpus: Corpus) -> Targets:
    return targets_of([e for trial in trials for e in trial.held_out], corpus.classes)


def test_only_the_output_layer_changes_and_it_knows_the_classes(corpus: Corpus):
    start, probe = _start(corpus), _probe(corpus, _trials(corpus))
    changed = {
        name
        for name in start.weights
        if not np.array_equal(probe.weights[name], start.weights[name])
    }
    assert changed == {"output.weight", "output.bias"}
    assert {name: array.shape for name, array in probe.weights.items()} == {
        name: array.shape for name, array in start.weights.items()
    }
    network = classifier_from(start.config.model, 2, probe.weights).eval()
    window = encode(corpus.sample, start.tokenizer, corpus.classes, 100)
    states = pooled_states(start, window)
    logits = states @ network.output.weight.detach().numpy()[0] + network.output.bias.item()
    assert ((logits > 0) == window.labels).mean() > 0.6


def test_the_logits_of_a_trial_do_not_depend_on_the_labels_it_left_out(corpus: Corpus):
    trials = _trials(corpus)
    others = {"good": "bad", "bad": "good"}
    turned = [replace(e, label=others[str(e.label)]) for e in trials[0].held_out]
    with_turned = [replace(trials[0], held_out=turned), *trials[1:]]
    # The same penalty for both, because the labels of all trials choose it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_probe, "_INVERSE_PENALTIES", (1e-3,))
        first, second = _probe(corpus, trials), _probe(corpus, with_turned)
    np.testing.assert_array_equal(first.trials[0].logits, second.trials[0].logits)
    assert first.loss < second.loss


def test_the_loss_is_that_of_its_trials(corpus: Corpus):
    probe = _probe(corpus, _trials(corpus))
    logits = logits_of_trials(probe.trials)
    assert probe.loss == pytest.approx(calibrate(logits, _targets(probe.trials, corpus))[1])


def _from_start(csv_file: Path, folder: Path, heard=QUIET, **changes):
    first, init = folder / "first", {"training__init": str(folder / "first")}
    train(tiny_auto(csv_file, training__trials=0), first, QUIET)
    settings = tiny_auto(csv_file, training__trials=3, **init, **changes)
    return train(settings, folder / "second", heard)


@pytest.mark.parametrize("is_better", [True, False])
def test_it_replaces_the_last_training_if_it_is_better(
    csv_file: Path, tmp_path: Path, monkeypatch, is_better
):
    fit = stages.fit_linear_probe

    def fitted(*arguments, **options):
        loss = 0.0 if is_better else 9.0
        return replace(fit(*arguments, **options), loss=loss)

    monkeypatch.setattr(stages, "fit_linear_probe", fitted)
    heard = Heard()
    metrics = _from_start(csv_file, tmp_path, heard)
    assert metrics.get("linear_probe", False) == is_better
    assert (metrics["steps"] == 0) == is_better
    assert any("only a new output layer" in sentence for sentence in heard.sentences) == is_better
    assert any("last training, on" in sentence for sentence in heard.sentences) != is_better
    first, second = (load_bundle(tmp_path / name).weights for name in ("first", "second"))
    same = np.array_equal(first["ahead.0.weight_hh_l0"], second["ahead.0.weight_hh_l0"])
    assert same == is_better
    classifier = SentimentClassifier.from_pretrained(tmp_path / "second")
    assert classifier.predict(["a lovely film", "an awful film"]) == ["good", "bad"]


def test_a_start_of_several_labels_has_states_too(corpus: Corpus):
    start = random_bundle(["a good film"], ("joy", "love"), thresholds=(0.5, 0.5))
    window = encode(corpus.sample, start.tokenizer, corpus.classes, 100)
    states = pooled_states(start, window)
    assert len(states) == len(corpus.sample)
    assert np.isfinite(states).all()


def test_it_is_not_tried_on_a_start_that_reads_in_two_directions(
    csv_file: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(stages, "fit_linear_probe", None)
    changes = {"model__bidirectional": True, "model__pooling": "max+mean"}
    train(tiny_auto(csv_file, training__trials=0, **changes), tmp_path / "first", QUIET)
    settings = tiny_auto(csv_file, training__trials=3, training__init=str(tmp_path / "first"))
    assert "linear_probe" not in train(settings, tmp_path / "second", QUIET)


def test_it_is_not_tried_without_being_asked_for(csv_file: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(stages, "fit_linear_probe", None)
    metrics = _from_start(csv_file, tmp_path, training__linear_probe=False)
    assert "linear_probe" not in metrics


def test_a_run_that_ends_before_the_probe_is_resumed(csv_file: Path, tmp_path: Path, monkeypatch):
    whole, again = tmp_path / "whole", tmp_path / "again"
    for folder in (whole, again):
        folder.mkdir()
    monkeypatch.setattr(linear_probe, "calibrate", lambda logits, targets: (1.0, 0.0))
    _from_start(csv_file, whole)
    with monkeypatch.context() as patch:
        patch.setattr(stages, "fit_linear_probe", _interrupted)
        with pytest.raises(Interrupted):
            _from_start(csv_file, again)
    assert resume(again / "second", QUIET)["linear_probe"]
    expected, resumed = (
        (folder / "second" / "model.safetensors").read_bytes() for folder in (whole, again)
    )
    assert resumed == expected


def _interrupted(*_arguments, **_options):
    raise Interrupted(signal.SIGTERM)
