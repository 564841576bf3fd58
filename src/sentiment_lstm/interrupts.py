"""Ctrl-C and SIGTERM end the program in an orderly way: a training saves its state first."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interrupted(BaseException):
    """A signal asked the program to end. `exit_code` is 128 plus its number: 130 or 143.

    It is not an `Exception`, so that no `except Exception` catches it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        """Pickle the signal's number, which `__init__` takes, rather than the message."""
        return type(self), (self.exit_code - 128,)


class Interrupts:
    """Inside the block SIGINT and SIGTERM raise `Interrupted`.

    They do so at once, or at the next `check` while `deferred` is true. In other threads than the
    main one nothing changes.
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
            # None: another language installed it, so Python cannot restore it.
            signal.signal(number, handler or signal.SIG_DFL)  # type: ignore[arg-type]
        if self._received is not None and not self.deferred and isinstance(error, Exception):
            # An import may turn the first one into an ImportError.
            raise Interrupted(self._received) from error

    def check(self) -> None:
        """Raise `Interrupted` if a signal arrived while `deferred` was true."""
        if self._received is not None:
            raise Interrupted(self._received)

    def forget(self) -> None:
        """Forget the signal that arrived. The next one raises `Interrupted` at once."""
        self._received, self.deferred = None, False

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = number
        if not self.deferred:
            raise Interrupted(number)
