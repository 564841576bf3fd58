"""One trainer at work in one folder: checkpoints by the clock, numbers on display, signals heeded.

Knows neither texts nor what is trained for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from sentiment_lstm.errors import TrainingError
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.display import Displays, displays
from sentiment_lstm.training.loop import Trainer


@dataclass(frozen=True, slots=True)
class Whole:
    """What a training is a part of, such as a search: `run` is the folder by which it is resumed.

    `epoch_ended` is told of each epoch once it is on display, and may raise to end the training.
    """

    run: Path
    epoch_ended: Callable[[], None]


@dataclass(slots=True)
class Session:
    """The loop's watcher: passes numbers to the displays, saves by the clock, heeds signals.

    `run` is the folder by which the training is resumed, `folder` where this trainer's files
    stand; `before` counts the seconds that the run took before `started`.
    """

    trainer: Trainer
    run: Path
    folder: Path
    interrupts: Interrupts
    started: float
    before: float = 0.0
    whole: Whole | None = None
    shown: Displays = field(init=False)
    facts: Mapping[str, object] = field(init=False)
    saved: float = field(init=False)

    @property
    def path(self) -> Path:
        """The checkpoint."""
        return self.folder / checkpoint.FILE

    @property
    def seconds(self) -> float:
        """Training time so far, that before interruptions included."""
        return self.before + time.monotonic() - self.started

    def train(self, console: Console) -> None:
        """Train to the end, from the checkpoint where there is one; the last one stays.

        Raises:
            TrainingError: the data or settings changed since, or the checkpoint is damaged.
            Interrupted: by a signal; the state is whole at that moment, and saved.
        """
        self.facts = {
            "data": self.trainer.feed.fingerprint(),
            "settings": asdict(self.trainer.settings),
        }
        if self.path.exists():
            self._restore()
        at = self.trainer.progress
        self.shown = displays(self.folder, self.trainer.total, at.step, at.epoch, console)
        self.saved = time.monotonic()
        self.interrupts.deferred = True
        try:
            self.trainer.run(self)
        except Interrupted:
            self.save()
            self.shown.note(
                f"Saved after {self.trainer.progress.step} updates; go on by "
                f"'sentiment-lstm train --resume {self.run}'."
            )
            raise
        finally:
            self.shown.close()

    def stepped(self, step: dict[str, float]) -> None:
        """Show the update; save where it is time to."""
        self.shown.step(step)
        self.interrupts.check()
        if time.monotonic() - self.saved >= self.trainer.settings.checkpoint_seconds:
            self.save()

    def validated(self) -> None:
        """Heed signals within validation too."""
        self.interrupts.check()

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        """Show the epoch."""
        self.shown.epoch(epoch | {"seconds": round(self.seconds, 1)})
        if self.whole:
            self.interrupts.check()  # an end by the whole would swallow a signal
            self.whole.epoch_ended()

    def save(self) -> None:
        """Write the checkpoint."""
        tensors, progress = self.trainer.state()
        facts = {**self.facts, "progress": progress, "seconds": self.seconds}
        checkpoint.save_checkpoint(self.path, tensors, facts)
        self.saved = time.monotonic()

    def _restore(self) -> None:
        tensors, facts = checkpoint.load_checkpoint(self.path)
        for name, told in (("data", "texts"), ("settings", "settings")):
            if facts.get(name) != self.facts[name]:
                raise TrainingError(
                    f"Expected the {told} that the run in {self.run} began with, found others: "
                    "restore them, or start a new run."
                )
        try:
            self.trainer.load_state(tensors, facts["progress"])
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise TrainingError(
                f"Expected a whole checkpoint of this run at {self.path}, found another "
                f"({error!s:.80}): delete it and resume to start the run again."
            ) from error
        self.before = float(facts["seconds"])
