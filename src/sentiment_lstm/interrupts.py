"""Ctrl-C and SIGTERM end the program in order: a training first saves what it has."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interrupted(BaseException):
    """A signal asked the program to end; `exit_code` is 128 + its number (130, 143).

    No `Exception`, so that nothing on the way takes it for a failure of its own.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Interrupts:
    """Inside the block SIGINT and SIGTERM raise `Interrupted`: at once, or, while `deferred` is
    set, at the next `check`. Outside the main thread signals are left alone.
    """

    def __init__(self) -> None:
        self.deferred = False
        self._received: int | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if self._received is not None and not self.deferred and isinstance(error, Exception):
            raise Interrupted(self._received) from error  # what an import makes of the signal

    def check(self) -> None:
        """Raise what came in since deferring began."""
        if self._received is not None:
            raise Interrupted(self._received)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = number
        if not self.deferred:
            raise Interrupted(number)
