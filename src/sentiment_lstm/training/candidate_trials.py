"""Measures a candidate of a race: its trials, and the wide path beside its LSTM.

This file knows trainings and scores, not the clock that decides what is raced.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.evaluation.mixing import log_losses
from sentiment_lstm.settings import Settings
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.combining import mix, wide_logits
from sentiment_lstm.training.feed import targets_of
from sentiment_lstm.training.listener import Listeners
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.metrics_log import METRICS_LOG, read_metrics
from sentiment_lstm.training.preparation import (
    adapt_initial_model,
    choose_tokenizer,
    load_initial_model,
    make_trainer,
    resolve,
)
from sentiment_lstm.training.temperature import count_mistakes, validation_logits
from sentiment_lstm.training.trials import (
    FOLDER,
    everything,
    folders_of_trials,
    run_trials,
    split_for_trials,
)
from sentiment_lstm.training.wide import with_learnt_features

_PROBED = 30
"""Updates that measure the speed; the first `_SLOW` of them are slower than the others."""
_SLOW = 5
_VALIDATION = 1.2
"""A training takes this many times as long as its updates, because it also validates."""

RunSession = Callable[[Trainer, Path], None]
"""Trains to the end, with the files in a folder."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How good a candidate is on the texts that its trials left out.

    `losses`: the calibrated log-loss of each text in nats, [N], of LSTM and wide path together.
    `accuracy`: the fraction of texts whose label, or set of labels, is right.
    """

    losses: NDArray[np.floating]
    accuracy: float

    @property
    def log_loss(self) -> float:
        """The mean over the texts."""
        return float(self.losses.mean())

    def is_better_than(self, other: Outcome) -> bool:
        """Whether the loss is lower by more than one standard error of the difference."""
        gains = other.losses - self.losses
        return bool(gains.mean() > gains.std() / np.sqrt(max(1, len(gains) - 1)))


@dataclass(frozen=True, slots=True)
class Speed:
    """`updates`: number of updates of a whole training. `seconds`: for one update.

    `wide_seconds`: for the wide paths of all trials.
    """

    updates: int
    seconds: float
    wide_seconds: float


@dataclass(slots=True)
class CandidateTrials:
    """Trains candidates on a corpus. All of them are measured on the same texts.

    `clock`: counts the seconds of the run. `run_session`: makes one training.
    """

    corpus: Corpus
    clock: Clock
    run_session: RunSession
    _starts: dict[str | None, tuple[Bundle | None, TextTokenizer]] = field(default_factory=dict)
    _wide: dict[str | None, NDArray[np.float32] | None] = field(default_factory=dict)

    def probe(self, settings: Settings, folder: Path) -> Speed:
        """Measure the speed of a candidate's first updates. Its folder is deleted again."""
        settings, start, tokenizer = self._prepared(settings, folder)
        begin = self.clock.seconds
        self._wide_logits(settings, tokenizer)
        wide_seconds = self.clock.seconds - begin
        (training, held_out), *_ = split_for_trials(
            self.corpus, _count(settings), settings.training.seed
        )
        part = replace(self.corpus, sample=list(training), validation=list(held_out))
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
        folder.mkdir(parents=True)
        trainer = make_trainer(settings, part, tokenizer, start, folder)
        updates = trainer.total or 1
        few = replace(settings.training, max_steps=min(_PROBED, updates))
        self.run_session(Trainer(trainer.model, few, trainer.feed, trainer.objective), folder)
        lines = [line for line in read_metrics(folder) if "tokens_per_second" in line]
        seconds = [line["tokens"] / line["tokens_per_second"] for line in lines]
        shutil.rmtree(folder)
        return Speed(
            updates, _VALIDATION * float(np.mean(seconds[_SLOW:] or seconds)), wide_seconds
        )

    def measure(self, settings: Settings, folder: Path) -> Outcome:
        """Make the trials of a candidate in a folder, and compare their scores with the labels.

        Finished trials are not repeated.

        Raises:
            TrainingError: a loss is not finite, or the texts changed since a finished trial.
            Interrupted: by a signal.
        """
        settings, start, tokenizer = self._prepared(settings, folder)

        def score(part: Corpus, stage: Path) -> NDArray[np.float32]:
            trainer = make_trainer(settings, part, tokenizer, start, stage)
            self.run_session(trainer, stage)
            return validation_logits(trainer)

        seed = settings.training.seed
        trials = run_trials(
            self.corpus, _count(settings), seed, folder, self.clock, Listeners(), score
        )
        if settings.training.trials:  # else the run may take over the whole training
            for stage in folders_of_trials(folder):
                (stage / checkpoint.FILE).unlink(missing_ok=True)
        deep = np.concatenate([trial.logits for trial in trials])
        wide = self._wide_logits(settings, tokenizer)
        held_out = [example for trial in trials for example in trial.held_out]
        targets = targets_of(held_out, self.corpus.classes)
        mixture, logits = mix(deep, deep if wide is None else wide, targets)
        accuracy = 1 - count_mistakes(logits, targets) / len(targets)
        return Outcome(log_losses(logits, targets, mixture.temperature), accuracy)

    def _prepared(
        self, settings: Settings, folder: Path
    ) -> tuple[Settings, Bundle | None, TextTokenizer]:
        """The resolved settings, the model to start from, and the tokenizer.

        Candidates with one start share the tokenizer, which remembers the words it has read.
        """
        initial_model = load_initial_model(settings, folder)
        settings = resolve(settings, initial_model)
        init = settings.training.init
        if init not in self._starts:
            start = adapt_initial_model(initial_model, settings, self.corpus, folder, Listeners())
            self._starts[init] = start, choose_tokenizer(start, self.corpus.sample, settings)
        return settings, *self._starts[init]

    def _wide_logits(
        self, settings: Settings, tokenizer: TextTokenizer
    ) -> NDArray[np.float32] | None:
        """The wide path's logits of the texts held out, which candidates with one start share."""
        init = settings.training.init
        if init not in self._wide:
            self._wide[init] = self._fitted_wide_logits(settings, tokenizer)
        return self._wide[init]

    def _fitted_wide_logits(
        self, settings: Settings, tokenizer: TextTokenizer
    ) -> NDArray[np.float32] | None:
        if not settings.model.wide_features:
            return None
        training = settings.training
        corpus = everything(self.corpus) if training.trials else self.corpus
        most = settings.model.wide_features
        tokenizer = with_learnt_features(tokenizer, corpus.sample, most, private=training.private)
        if tokenizer.features is None:
            return None
        parts = split_for_trials(self.corpus, _count(settings), training.seed)
        return wide_logits(self.corpus, tokenizer, parts, is_balanced=training.class_weights)


def hand_over(folder: Path, run: Path, settings: Settings) -> None:
    """Move the finished trials of a candidate to the run, which then does not repeat them.

    If the run has no trials, move the training itself.
    """
    if settings.training.trials:
        (folder / FOLDER).rename(run / FOLDER)
        return
    (stage,) = folders_of_trials(folder)
    for name in (METRICS_LOG, checkpoint.FILE):
        (stage / name).replace(run / name)


def _count(settings: Settings) -> int:
    """The number of trials; a run without trials is measured like one trial."""
    return max(1, settings.training.trials)
