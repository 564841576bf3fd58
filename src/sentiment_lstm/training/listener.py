"""The interface of everything that follows a training: displays, files of numbers, trackers.

Training code calls this interface and knows nothing about who listens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that begins or continues.

    A run has one stage, and one more for a language model, for each trial and for each first model
    of self-training. `folder`: where its files are. `total_updates`: all updates of the stage, None
    if unknown (a stream). `updates` and `epochs`: those that are done already.
    """

    folder: Path
    total_updates: int | None
    updates: int = 0
    epochs: int = 0


class Listener:
    """Follows a training. A subclass overrides the methods that it needs; the others do nothing.

    Each stage calls `on_start`, then `on_update` after each update and `on_epoch` after each
    epoch, finally `on_end`. A note may come at any time, also before the first stage. `on_saved`
    comes once, at the end of the run. A method may raise an error to end the training; `on_end` is
    still called.
    """

    def on_note(self, sentence: str) -> None:
        """A message for the user."""

    def on_start(self, stage: Stage) -> None:
        """A stage begins or continues."""

    def on_update(self, numbers: Numbers) -> None:
        """An update of the weights was made.

        `step` (from 1), `epoch` (from 1), `loss` (nats a text, in the language stage a token),
        `accuracy`, `grad_norm` (L2, before clipping), `learning_rate`, `tokens` (of the batch),
        `tokens_per_second`. `extra`: the sum of the additional losses, in nats, if any.
        """

    def on_epoch(self, numbers: Numbers) -> None:
        """An epoch and its validation ended.

        `epoch` (from 1), `step`, `train_loss`, `train_accuracy`. With validation texts also
        `validation_loss`, `validation_accuracy`. `seconds`: training time without interruptions.
        """

    def on_end(self) -> None:
        """The stage ended, was interrupted or failed."""

    def on_saved(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """The run ended, and its model is in `folder`. `metrics`: as in `metrics.json`."""


class Listeners(Listener):
    """Passes every call to several listeners, in their order. `Listeners()` shows nothing."""

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners = tuple(listeners)

    def on_note(self, sentence: str) -> None:
        """Pass on."""
        for listener in self._listeners:
            listener.on_note(sentence)

    def on_start(self, stage: Stage) -> None:
        """Pass on."""
        for listener in self._listeners:
            listener.on_start(stage)

    def on_update(self, numbers: Numbers) -> None:
        """Pass on."""
        for listener in self._listeners:
            listener.on_update(numbers)

    def on_epoch(self, numbers: Numbers) -> None:
        """Pass on."""
        for listener in self._listeners:
            listener.on_epoch(numbers)

    def on_end(self) -> None:
        """Pass on."""
        for listener in self._listeners:
            listener.on_end()

    def on_saved(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Pass on."""
        for listener in self._listeners:
            listener.on_saved(folder, metrics)
