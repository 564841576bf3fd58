"""TensorBoard's event files, in the folder `tensorboard` of a run."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from sentiment_lstm.training.listener import Listener, Numbers, Stage


class Tracker(Listener):
    """Plots every number over the updates.

    If the disk is full, it stops without an error, because the checkpoint will report it. It does
    not use the library's own writer, which puts the name of this machine into the file name.

    Args:
        folder: not used, because each stage has a folder of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._writer: Any = None

    def on_start(self, stage: Stage) -> None:
        """Open a file of events."""
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._writer = None  # if this file cannot be opened
        folder = stage.folder / "tensorboard"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            # If a stage is opened twice within a second, both write to the same file.
            file = (folder / f"events.out.tfevents.{time.time():.0f}").open("ab")
            self._writer = RecordWriter(file)
        self._write(file_version="brain.Event:2")

    def on_update(self, numbers: Numbers) -> None:
        """Plot each number."""
        self._plot("step", numbers)

    def on_epoch(self, numbers: Numbers) -> None:
        """Plot each number."""
        self._plot("epoch", numbers)
        if self._writer:
            with contextlib.suppress(OSError):
                self._writer.flush()

    def on_end(self) -> None:
        """Write the remaining numbers and close the file."""
        if self._writer:
            with contextlib.suppress(OSError):
                self._writer.close()
            self._writer = None

    def _plot(self, group: str, numbers: Numbers) -> None:
        values = [
            {"tag": f"{group}/{name}", "simple_value": float(numbers[name])}
            for name in sorted(numbers.keys() - {"step", "epoch"})
        ]
        self._write(step=int(numbers["step"]), summary={"value": values})

    def _write(self, **event: object) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        if not self._writer:
            return
        try:
            self._writer.write(Event(wall_time=time.time(), **event).SerializeToString())
        except OSError:
            self._writer = None
