"""The listener that shows progress to people: a bar on a terminal, else a line for each epoch.

A notebook shows one line for each stage, which is written anew while the stage runs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from sentiment_lstm.training.listener import Listener, Numbers, Stage
from sentiment_lstm.wording import printable

_SECONDS = 0.5
"""In a notebook, the line is written anew after this time."""
_DETAILS = ("auto: ", "race: ", "trial ", "last training")
"""Notes that begin like this say how a training goes. A brief display leaves them out."""


class Display(Listener):
    """Writes to standard error: a bar if it is a terminal, and a line for each epoch and note.

    In a notebook, each stage has one line instead of the bar and the lines of its epochs.

    Args:
        console: where to write instead.
        is_brief: write no lines for epochs and steps, but one when the training ends. The bar then
            disappears. A notebook has one line for all stages.
    """

    def __init__(self, console: Console | None = None, *, is_brief: bool = False) -> None:
        self._console = console or Console(stderr=True)
        self._is_brief = is_brief
        self._bar = Progress(disable=True)
        self._task = TaskID(0)
        self._total: int | None = None
        self._line = ""
        """The line of a notebook that the next one replaces."""
        self._written = 0.0
        """The time when it was written."""

    def on_note(self, sentence: str) -> None:
        """Print the sentence on one line."""
        if self._is_brief and sentence.startswith(_DETAILS):
            return
        if self._console.is_jupyter:
            self._end_line()
            print(printable(sentence), file=self._console.file, flush=True)
            return
        self._console.print(printable(sentence), highlight=False, markup=False, soft_wrap=True)

    def on_start(self, stage: Stage) -> None:
        """Draw the bar."""
        self._total = stage.total_updates
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=self._is_brief,
            disable=not self._console.is_terminal,
        )
        self._bar.start()
        self._task = self._bar.add_task(
            "", total=stage.total_updates, completed=stage.updates, epoch=1, numbers=""
        )

    def on_update(self, numbers: Numbers) -> None:
        """Move the bar."""
        if self._console.is_jupyter:
            if time.monotonic() - self._written >= _SECONDS:
                of_all = f" of {self._total:,}" if self._total else ""
                step, loss = int(numbers["step"]), numbers["loss"]
                self._rewrite(f"update {step:,}{of_all}: loss {loss:.3f}")
            return
        text = (
            f"loss {numbers['loss']:.3f}  accuracy {numbers['accuracy']:.3f}  "
            f"gradient {numbers['grad_norm']:.2f}  {numbers['tokens_per_second']:,.0f} tokens/s"
        )
        step, epoch = int(numbers["step"]), int(numbers["epoch"])
        self._bar.update(self._task, completed=step, epoch=epoch, numbers=text)

    def on_epoch(self, numbers: Numbers) -> None:
        """Print a line."""
        validation = ""
        if "validation_loss" in numbers:
            validation = (
                f"; validation loss {numbers['validation_loss']:.4f}, "
                f"accuracy {numbers['validation_accuracy']:.4f}"
            )
        self._show_epoch(
            f"epoch {numbers['epoch']:.0f}: train loss {numbers['train_loss']:.4f}, accuracy "
            f"{numbers['train_accuracy']:.4f}{validation}; {numbers['seconds']:.0f} s"
        )

    def on_end(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()
        if not self._is_brief:
            self._end_line()

    def on_saved(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Print a line with the accuracy, if the display is brief."""
        if self._is_brief:
            self.on_note(
                f"Trained in {metrics['train_seconds']:.0f} s: validation accuracy "
                f"{metrics['validation_accuracy']:.4f}, log-loss {metrics['validation_loss']:.4f}."
            )

    def _show_epoch(self, line: str) -> None:
        if self._console.is_jupyter:
            self._rewrite(line)
        elif not self._is_brief:
            self.on_note(line)

    def _rewrite(self, line: str) -> None:
        """Replace the last line of a notebook by another one."""
        print(f"\r{line:<{len(self._line)}}", end="", file=self._console.file, flush=True)
        self._line, self._written = line, time.monotonic()

    def _end_line(self) -> None:
        if self._line:
            print(file=self._console.file, flush=True)
        self._line = ""
