"""Who watches a training: a bar on a terminal, lines elsewhere, `metrics.jsonl`, TensorBoard.

Knows numbers by name, nothing of models or files beyond its own.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sentiment_lstm.storage import one_sentence, write_atomically

METRICS_LOG = "metrics.jsonl"


class Display(Protocol):
    """Something that shows or keeps the numbers of a training."""

    def note(self, text: str) -> None:
        """One sentence about what happens now."""

    def step(self, facts: dict[str, float]) -> None:
        """The numbers of one update (`loop.Watcher.stepped`, and `tokens_per_second`)."""

    def epoch(self, facts: dict[str, float]) -> None:
        """The numbers of one epoch."""

    def close(self) -> None:
        """Training ended or was interrupted."""


class Screen:
    """Standard error: a bar where it is a terminal, else a line an epoch.

    Args:
        total: updates to come, those already done included; None where unknown.
        done: updates already done.
        console: where to write.
    """

    def __init__(self, total: int | None, done: int, console: Console) -> None:
        self.console = console
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.bar.start()
        self.task = self.bar.add_task("", total=total, completed=done, epoch=1, numbers="")

    def note(self, text: str) -> None:
        """Print the sentence."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def step(self, facts: dict[str, float]) -> None:
        """Move the bar."""
        numbers = (
            f"loss {facts['loss']:.3f}  accuracy {facts['accuracy']:.3f}  "
            f"gradient {facts['grad_norm']:.2f}  {facts['tokens_per_second']:,.0f} tokens/s"
        )
        done, epoch = int(facts["step"]), int(facts["epoch"])
        self.bar.update(self.task, completed=done, epoch=epoch, numbers=numbers)

    def epoch(self, facts: dict[str, float]) -> None:
        """Print a line."""
        self.note(
            f"epoch {facts['epoch']:.0f}: train loss {facts['train_loss']:.4f}, accuracy "
            f"{facts['train_accuracy']:.4f}; validation loss {facts['validation_loss']:.4f}, "
            f"accuracy {facts['validation_accuracy']:.4f}; {facts['seconds']:.0f} s"
        )

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.bar.stop()


class MetricsLog:
    """`metrics.jsonl`: a line an update and a line an epoch, each with its `step`.

    Lines later than `step` or `epochs`, left by a training that was killed, are dropped first: one
    killed in its last update but before its checkpoint will validate that epoch again.

    Args:
        folder: the run's.
        step: updates done.
        epochs: epochs finished.
    """

    def __init__(self, folder: Path, step: int, epochs: int) -> None:
        path = folder / METRICS_LOG
        lines = [line for line in read_metrics(folder) if line["step"] <= step]
        kept = [e for e in lines if "validation_loss" not in e or e["epoch"] <= epochs]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self.file = path.open("a", encoding="utf-8")

    def note(self, text: str) -> None:
        """Sentences are not numbers."""

    def step(self, facts: dict[str, float]) -> None:
        """Add a line."""
        self._write(facts)

    def epoch(self, facts: dict[str, float]) -> None:
        """Add a line."""
        self._write(facts)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _write(self, facts: dict[str, float]) -> None:
        with one_sentence(Path(self.file.name)):
            self.file.write(json.dumps(facts) + "\n")
            self.file.flush()


class Board:
    """TensorBoard's event files, in the run's folder `tensorboard`.

    They are an extra: where the disk is full they end in silence, and the checkpoint speaks.
    """

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._hook = threading.excepthook
        threading.excepthook = self._thread_failed
        self.writer: SummaryWriter | None = SummaryWriter(str(folder / "tensorboard"))

    def note(self, text: str) -> None:
        """Sentences are not numbers."""

    def step(self, facts: dict[str, float]) -> None:
        """Plot each number over the steps."""
        self._plot("step", facts)

    def epoch(self, facts: dict[str, float]) -> None:
        """Plot each number over the steps."""
        self._plot("epoch", facts)

    def close(self) -> None:
        """Flush and close."""
        if self.writer:
            with contextlib.suppress(OSError):
                self.writer.close()
        threading.excepthook = self._hook

    def _plot(self, group: str, facts: dict[str, float]) -> None:
        if not self.writer:
            return
        try:
            for name in facts.keys() - {"step", "epoch"}:
                self.writer.add_scalar(f"{group}/{name}", facts[name], int(facts["step"]))
        except OSError:
            self.writer = None

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        """The writer has a thread of its own, whose errors would print a traceback."""
        if not issubclass(failure.exc_type, OSError):
            self._hook(failure)


class Displays:
    """Several displays as one, with the clock: it adds tokens a second to every update."""

    def __init__(self, displays: Iterable[Display]) -> None:
        self.displays = list(displays)
        self.clock = time.monotonic()

    def note(self, text: str) -> None:
        """Pass on."""
        for display in self.displays:
            display.note(text)

    def step(self, facts: dict[str, float]) -> None:
        """Pass on, with `tokens_per_second` since the last call."""
        now = time.monotonic()
        facts = facts | {"tokens_per_second": round(facts["tokens"] / (now - self.clock), 1)}
        self.clock = now
        for display in self.displays:
            display.step(facts)

    def epoch(self, facts: dict[str, float]) -> None:
        """Pass on; the seconds of validation count for no update."""
        for display in self.displays:
            display.epoch(facts)
        self.clock = time.monotonic()

    def close(self) -> None:
        """Close all."""
        for display in self.displays:
            display.close()


def displays(folder: Path, total: int | None, done: int, epochs: int, console: Console) -> Displays:
    """The usual displays of a run, TensorBoard among them where it is installed.

    Args:
        folder: the run's.
        total: updates to come, those already done included; None where unknown.
        done: updates already done.
        epochs: epochs already finished.
        console: where people read.
    """
    parts: list[Display] = [MetricsLog(folder, done, epochs), Screen(total, done, console)]
    if importlib.util.find_spec("tensorboard"):
        parts.append(Board(folder))
    return Displays(parts)


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's `metrics.jsonl`; a last line cut short by a kill is left out."""
    path = folder / METRICS_LOG
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    whole = []
    for line in text.splitlines():
        try:
            whole.append(json.loads(line))
        except ValueError:
            break
    return [line for line in whole if isinstance(line, dict) and "step" in line]
