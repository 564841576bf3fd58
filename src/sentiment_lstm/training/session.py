"""Runs one stage of a training in its folder: timed checkpoints, listeners, signals.

This file knows neither texts nor the objective.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.settings import Settings, TrainingSettings
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.distributed import require_same_texts
from sentiment_lstm.training.listener import Listener, Listeners, Stage
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.metrics_log import MetricsLog
from sentiment_lstm.training.ranks import rank, rank_count


@dataclass(slots=True)
class Session:
    """Trains, reports numbers, saves checkpoints by the clock, and ends cleanly on a signal.

    `run`: the folder that messages about `--resume` name. `folder`: where this stage's files are.
    `listener`: follows the progress, and so does `metrics.jsonl`. `clock`: counts the seconds of
    the run.
    """

    trainer: Trainer
    run: Path
    folder: Path
    interrupts: Interrupts
    listener: Listener
    clock: Clock
    listeners: Listener = field(init=False)
    facts: Mapping[str, object] = field(init=False)
    saved: float = field(init=False)
    counted: float = field(init=False)
    """The time at which the tokens of the last update were counted."""

    @property
    def path(self) -> Path:
        """The path of the checkpoint."""
        return self.folder / checkpoint.FILE

    def train(self) -> None:
        """Train to the end, from the checkpoint if there is one.

        The last checkpoint stays, so that the next stages can be interrupted too. Signals are
        then no longer deferred.

        Raises:
            TrainingError: data or settings changed since the checkpoint, or it is damaged.
            Interrupted: by a signal; the state at that moment is saved.
        """
        self.facts = {
            "data": self.trainer.feed.fingerprint(),
            "settings": asdict(self.trainer.settings),
        }
        require_same_texts(str(self.facts["data"]))
        if self.path.exists():
            self._restore()
        at = self.trainer.progress
        self.listeners = Listeners([MetricsLog(), self.listener])
        self.trainer.has_signal = self._has_signal
        try:
            self.listeners.on_start(Stage(self.folder, self.trainer.total, at.step, at.epoch))
            self.saved = self.counted = time.monotonic()
            self.interrupts.deferred = True
            self.trainer.run(self)
            self._end_if_interrupted()
        except Interrupted:
            self.save()
            self.listeners.on_note(f"Saved after {self.trainer.progress.step} updates.")
            raise
        finally:
            self.listeners.on_end()
        self.save()
        self.interrupts.deferred = False
        self.interrupts.check()

    def stepped(self, step: dict[str, float]) -> None:
        """Report the numbers of an update; save if it is time."""
        now = time.monotonic()
        speed = round(step["tokens"] / max(now - self.counted, 1e-9), 1)
        self.counted = now
        self.listeners.on_update(step | {"tokens_per_second": speed})
        self._end_if_interrupted()
        if time.monotonic() - self.saved >= self.trainer.settings.checkpoint_seconds:
            self.save()

    def validated(self) -> None:
        """End on a signal during validation too. Several ranks first finish it together."""
        if rank_count() == 1:
            self.interrupts.check()

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        """Report the numbers of an epoch."""
        try:
            self.listeners.on_epoch(epoch | {"seconds": round(self.clock.seconds, 1)})
        except Exception:
            self.interrupts.check()  # a listener that ends the training must not hide a signal
            raise
        self.counted = time.monotonic()  # the seconds of validation belong to no update

    def save(self) -> None:
        """Write the checkpoint. The other ranks have the same state, so they need none."""
        if rank():
            return
        tensors, progress = self.trainer.state()
        facts = {**self.facts, "progress": progress, "seconds": self.clock.seconds}
        checkpoint.save_checkpoint(self.path, tensors, facts)
        self.saved = time.monotonic()

    def _end_if_interrupted(self) -> None:
        """End if a signal arrived. All ranks end after the same update, whichever of them got it.

        Raises:
            Interrupted: a signal arrived.
        """
        if rank_count() == 1:
            self.interrupts.check()
        elif self.trainer.ranks_have_signal:
            self.interrupts.check()
            raise Interrupted(signal.SIGTERM)

    def _has_signal(self) -> bool:
        try:
            self.interrupts.check()
        except Interrupted:
            return True
        return False

    def _restore(self) -> None:
        tensors, facts = checkpoint.load_checkpoint(self.path)
        same = {
            "texts": facts.get("data") == self.facts["data"],
            "settings": _settings_of(facts) == self.trainer.settings,
        }
        for noun, is_same in same.items():
            if not is_same:
                raise TrainingError(
                    f"Expected the {noun} that the run in {self.run} began with, found others: "
                    "restore them, or start a new run."
                )
        try:
            self.trainer.load_state(tensors, facts["progress"])
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise TrainingError(
                f"Expected a whole checkpoint of this run at {self.path}, found another "
                f"({error!s:.80}): delete it and resume to start the run again."
            ) from error
        self.clock.add_before(float(facts["seconds"]))


def _settings_of(facts: Mapping[str, Any]) -> TrainingSettings | None:
    """The settings in a checkpoint; those that an older version lacks have their defaults."""
    try:
        return Settings.from_dict({"training": facts["settings"]}).training
    except (KeyError, UsageError):
        return None
