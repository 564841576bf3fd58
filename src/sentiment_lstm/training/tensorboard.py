"""TensorBoard's event files, in the folder `tensorboard` of a run."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from typing import TYPE_CHECKING

from sentiment_lstm.training.listener import Listener, Numbers, Stage

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def is_installed() -> bool:
    """Whether TensorBoard can be used."""
    return importlib.util.find_spec("tensorboard") is not None


class TensorBoard(Listener):
    """Plots every number over the updates.

    If the disk is full, it stops without an error, because the checkpoint will report it.
    """

    def on_start(self, stage: Stage) -> None:
        """Open a file of events."""
        from torch.utils.tensorboard import SummaryWriter

        self._excepthook = threading.excepthook
        threading.excepthook = self._thread_failed
        self._writer: SummaryWriter | None = SummaryWriter(str(stage.folder / "tensorboard"))

    def on_update(self, numbers: Numbers) -> None:
        """Plot each number."""
        self._plot("step", numbers)

    def on_epoch(self, numbers: Numbers) -> None:
        """Plot each number."""
        self._plot("epoch", numbers)

    def on_end(self) -> None:
        """Write the remaining numbers and close the file."""
        if self._writer:
            with contextlib.suppress(OSError):
                self._writer.close()
        threading.excepthook = self._excepthook

    def _plot(self, group: str, numbers: Numbers) -> None:
        if not self._writer:
            return
        try:
            for name in numbers.keys() - {"step", "epoch"}:
                self._writer.add_scalar(f"{group}/{name}", numbers[name], int(numbers["step"]))
        except OSError:
            self._writer = None

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        """Ignore disk errors of the writer's thread, which would print a traceback."""
        if not issubclass(failure.exc_type, OSError):
            self._excepthook(failure)
