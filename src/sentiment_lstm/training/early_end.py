"""Ends a run early with the best model so far, if a signal interrupts it."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.self_training import Fit
from sentiment_lstm.training.stages import Finished

INTERRUPTED = "interrupted"
"""The name in `metrics.json` that says that the training was ended early."""

Stages = Callable[..., Finished]
"""`stages.train_stages`, called with corpus, settings, `fit` and unlabelled texts."""


class BestSoFar:
    """Remembers the trainings of a run, so that an interrupted run can end with the latest one.

    Args:
        is_kept: whether Ctrl-C ends the run with a model. Else it raises `Interrupted`, as SIGTERM
            always does.
    """

    def __init__(self, *, is_kept: bool) -> None:
        self.is_kept = is_kept
        # Two, because the latest training may not have finished an epoch.
        self._begun: deque[tuple[Corpus, Trainer]] = deque(maxlen=2 if is_kept else 0)

    def remember(self, part: Corpus, trainer: Trainer) -> None:
        """Remember a training that begins, and its texts."""
        self._begun.append((part, trainer))

    def train(
        self,
        stages: Stages,
        corpus: Corpus,
        settings: Settings,
        fit: Fit,
        unlabelled: Sequence[Example],
        interrupts: Interrupts,
    ) -> Finished:
        """Make all stages. After Ctrl-C, finish with the latest training that has an epoch.

        Signals that arrive later wait for `check`.

        Raises:
            Interrupted: by Ctrl-C before the end of the first epoch, a second one, or SIGTERM.
        """
        try:
            finished = stages(corpus, settings, fit=fit, unlabelled=unlabelled)
            interrupts.deferred = self.is_kept  # until `check`
            return finished
        except Interrupted as error:
            if not self._survives(error):
                raise
            latest = next((pair for pair in reversed(self._begun) if pair[1].best), None)
            if latest is None:
                raise
        interrupts.forget()
        finished = _finished(stages, corpus, settings, unlabelled, *latest)
        interrupts.deferred = True
        return replace(finished, metrics={**finished.metrics, INTERRUPTED: True})

    def check(self, interrupts: Interrupts) -> None:
        """Obey a signal that arrived when all weights were final. Ctrl-C changes nothing then.

        Raises:
            Interrupted: by another signal, or because the run can be resumed or read later.
        """
        try:
            interrupts.check()
        except Interrupted as error:
            if not self._survives(error):
                raise

    def _survives(self, error: Interrupted) -> bool:
        """Whether the run ends with a model in spite of a signal: only Ctrl-C is no command."""
        return self.is_kept and error.exit_code == 128 + signal.SIGINT


NOTHING_KEPT = BestSoFar(is_kept=False)


def _finished(
    stages: Stages,
    corpus: Corpus,
    settings: Settings,
    unlabelled: Sequence[Example],
    part: Corpus,
    trainer: Trainer,
) -> Finished:
    """Finish with the weights of a training, without more updates.

    If it has validation texts, they calibrate it, and no trial is needed. If it has none, it is the
    last training, and all trials are finished.
    """

    def fit(part: Corpus, stage: Path) -> Trainer:
        return trainer

    if not part.validation:
        return stages(corpus, settings, fit=fit, unlabelled=unlabelled)
    alone = replace(settings, training=replace(settings.training, trials=0))
    finished = stages(part, alone, fit=fit, unlabelled=())
    return replace(finished, metrics=finished.metrics | {"single_trial": True})
