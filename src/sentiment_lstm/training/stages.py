"""The stages of a run after its texts are read: trials, the last training, the wide path.

This file knows how the stages follow each other, not how one is trained or resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.evaluation.by_class import by_class
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.evaluation.metrics import confusion_matrix
from sentiment_lstm.evaluation.mixing import log_loss
from sentiment_lstm.evaluation.multi_label import measure_labels
from sentiment_lstm.evaluation.thresholds import choose_thresholds
from sentiment_lstm.model.weights import to_arrays
from sentiment_lstm.records import Example, Targets, class_indices, has_several
from sentiment_lstm.settings import Settings, TrainingSettings
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.combining import Weights, combine
from sentiment_lstm.training.feed import targets_of
from sentiment_lstm.training.linear_probe import LinearProbe, fit_linear_probe
from sentiment_lstm.training.listener import Listener
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.self_training import Fit, read_labels, with_labels_of_teacher
from sentiment_lstm.training.temperature import (
    FEWEST,
    calibrate,
    count_mistakes,
    validation_logits,
)
from sentiment_lstm.training.trials import (
    Trial,
    everything,
    folders_of_trials,
    logits_of_trials,
    run_trials,
)
from sentiment_lstm.training.wide import with_learnt_features
from sentiment_lstm.weights_file import WIDE

_OF_LABELS = ("accuracy", "micro_f1", "macro_f1", "per_class")
"""The measures of `measure_labels` that `metrics.json` holds."""
_PROBE_IS_BETTER = (
    "In the trials, fitting only a new output layer gives a lower loss ({:.4f}) than training all "
    "weights ({:.4f}), so the last training is skipped."
)
_UNCALIBRATED = (
    f"Fewer than {FEWEST} validation mistakes: too few to calibrate. The probabilities stay as "
    "they are."
)


@dataclass(frozen=True, slots=True)
class Network:
    """A network without its wide path, and its numbers for `metrics.json`."""

    weights: Weights
    numbers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """The result of a run's stages.

    `thresholds`: those of the labels, [C], if a text may have several of them; else None.
    `tokenizer`: with the features of the wide path. `texts`: how many texts the last training read.
    `held_out`: the parts of the texts that measured it. `metrics`: as `metrics.json` holds them,
    without the seconds.
    """

    weights: Weights
    thresholds: tuple[float, ...] | None
    tokenizer: TextTokenizer
    texts: int
    held_out: Sequence[Trial]
    metrics: dict[str, Any]


def train_stages(
    corpus: Corpus,
    settings: Settings,
    tokenizer: TextTokenizer,
    folder: Path,
    clock: Clock,
    listener: Listener,
    start: Bundle | None,
    fit: Fit,
    unlabelled: Sequence[Example] = (),
) -> Finished:
    """Make the trials if there are any, then the last training, then add the wide path.

    Without trials, the last training's validation texts give the weights and the temperature. If
    there are unlabelled texts, each of these trainings is self-training. `start`: the model that
    the trainings start from.
    """

    def fit_twice(part: Corpus, stage: Path) -> Trainer:
        if unlabelled:
            part = with_labels_of_teacher(part, unlabelled, stage, fit, tokenizer, settings)
        return fit(part, stage)

    def probe(trials: Sequence[Trial], targets: Targets) -> LinearProbe | None:
        if not start or unlabelled or len(trials) < 2 or not settings.training.linear_probe:
            return None
        if settings.model.bidirectional:  # its second direction cannot be read in pieces
            return None
        is_balanced = settings.training.class_weights
        return fit_linear_probe(start, corpus, trials, targets, is_balanced=is_balanced)

    network, trials, texts = _trained(
        corpus, settings.training, folder, clock, listener, fit_twice, probe
    )
    trials, self_labelled = _self_labelled(trials, unlabelled, corpus.classes, folder)
    if most := settings.model.wide_features:
        all_texts, private = [*texts, *self_labelled], settings.training.private
        tokenizer = with_learnt_features(tokenizer, all_texts, most, private=private)
    targets = _targets(trials, corpus)
    weights, tokenizer, logits, measured = _put_together(
        corpus, settings, tokenizer, trials, targets, self_labelled, network
    )
    if count_mistakes(logits, targets) < FEWEST:
        listener.on_note(_UNCALIBRATED)
    thresholds, by_label = _decided(targets, logits, measured["temperature"], corpus.classes)
    metrics = {
        **measured,
        "parameters": sum(array.size for array in weights.values()),
        **{f"validation_{name}": value for name, value in by_label.items()},
    }
    return Finished(weights, thresholds, tokenizer, len(texts), trials, metrics)


def _trained(
    corpus: Corpus,
    training: TrainingSettings,
    folder: Path,
    clock: Clock,
    listener: Listener,
    fit: Fit,
    probe: Callable[[Sequence[Trial], Targets], LinearProbe | None],
) -> tuple[Network, list[Trial], Sequence[Example]]:
    """The network of the last training, its trials, and the texts that it read.

    Without trials, the last training counts as the only one. If a linear probe is better in the
    trials, it replaces the last training.
    """
    if not training.trials:
        trainer = fit(corpus, folder)
        trial = Trial(corpus.sample, corpus.validation, validation_logits(trainer))
        return _network_of(trainer), [trial], corpus.sample

    def score(part: Corpus, stage: Path) -> NDArray[np.float32]:
        return validation_logits(fit(part, stage))

    trials = run_trials(corpus, training.trials, training.seed, folder, clock, listener, score)
    corpus_of_last = everything(corpus)
    targets = _targets(trials, corpus)
    if probed := probe(trials, targets):
        _, loss = calibrate(logits_of_trials(trials), targets)
        if probed.loss < loss:
            listener.on_note(_PROBE_IS_BETTER.format(probed.loss, loss))
            numbers = {"linear_probe": True, "best_epoch": 0, "epochs": 0, "steps": 0}
            return Network(probed.weights, numbers), probed.trials, corpus_of_last.sample
    listener.on_note(f"last training, on all {len(corpus_of_last.sample):,} texts")
    return _network_of(fit(corpus_of_last, folder)), trials, corpus_of_last.sample


def _targets(trials: Sequence[Trial], corpus: Corpus) -> Targets:
    """The labels of the texts that were left out, trial after trial."""
    return targets_of([e for trial in trials for e in trial.held_out], corpus.classes)


def _self_labelled(
    trials: list[Trial], unlabelled: Sequence[Example], classes: Sequence[str], run: Path
) -> tuple[list[Trial], list[Example]]:
    """The trials and the last training's texts, with the labels that their first models gave."""
    if not unlabelled:
        return trials, []
    folders = folders_of_trials(run) or [run]
    with_labels = [
        replace(trial, self_labelled=read_labels(unlabelled, classes, folder))
        for trial, folder in zip(trials, folders, strict=True)
    ]
    return with_labels, read_labels(unlabelled, classes, run)


def _put_together(
    corpus: Corpus,
    settings: Settings,
    tokenizer: TextTokenizer,
    trials: Sequence[Trial],
    targets: Targets,
    self_labelled: Sequence[Example],
    network: Network,
) -> tuple[Weights, TextTokenizer, NDArray[np.float32], dict[str, Any]]:
    """Weights, tokenizer, logits of the texts held out, and their measures.

    The wide path is added if the tokenizer has features for it and it makes the model better.
    """
    weights, numbers = network.weights, network.numbers
    logits = logits_of_trials(trials)
    if tokenizer.features is None:
        return weights, tokenizer, logits, numbers | _calibrated(logits, targets)
    training = settings.training
    combination = combine(
        corpus,
        tokenizer,
        trials,
        targets,
        self_labelled=self_labelled,
        refit=bool(training.trials),
        is_balanced=training.class_weights,
    )
    weights = combination.weights(weights)
    if WIDE not in weights:
        tokenizer = tokenizer.with_features(None)
    return weights, tokenizer, combination.logits, {**numbers, **combination.metrics}


def _network_of(trainer: Trainer) -> Network:
    """The kept weights of a training; the training loss and accuracy of their epoch."""
    progress = trainer.progress
    of_epoch = {k: v for k, v in progress.best.items() if k.startswith("train_")}
    numbers = {
        **of_epoch,
        "best_epoch": progress.best["epoch"],
        "epochs": progress.epoch,
        "steps": progress.step,
    }
    return Network(to_arrays(trainer.best), numbers)


def _calibrated(logits: NDArray[np.float32], targets: Targets) -> dict[str, Any]:
    """The temperature of a network alone, and its numbers on the texts held out."""
    temperature, loss = calibrate(logits, targets)
    return {
        "validation_loss": log_loss(logits, targets, 1.0),
        "validation_accuracy": 1 - count_mistakes(logits, targets) / len(targets),
        "validation_calibrated_loss": loss,
        "temperature": 1.0 if temperature is None else temperature,
    }


def _decided(
    targets: Targets,
    logits: NDArray[np.float32],
    temperature: float,
    classes: tuple[str, ...],
) -> tuple[tuple[float, ...] | None, Mapping[str, Any]]:
    """The thresholds of several labels, and the measures of each class on the texts held out.

    Measures that do not apply are left out.
    """
    if has_several(targets):
        scores = probabilities(logits, temperature, multi_label=True)
        thresholds = tuple(choose_thresholds(scores, targets).tolist())
        measures = measure_labels(targets, scores, thresholds, classes)
        return thresholds, {name: measures[name] for name in _OF_LABELS}
    predicted = probabilities(logits).argmax(axis=1)
    confusion = confusion_matrix(class_indices(targets), predicted, len(classes))
    measures = by_class(confusion, classes)
    return None, {name: value for name, value in measures.items() if value is not None}
