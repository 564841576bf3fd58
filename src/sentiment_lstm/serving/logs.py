"""Log lines in JSON. A separate thread writes them, so a slow or full disk delays no answer.

No line holds a text, a body, a query or an address.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

_MOST_WAITING = 10_000
"""Lines that wait to be written. Later ones are lost."""
_LAST_WAIT = 2.0
"""Seconds to write the last lines at the end."""
_LEVELS = {
    "sentiment_lstm": logging.INFO,
    "uvicorn": logging.ERROR,  # its warnings are about bad requests, which anyone can send
    "asyncio": logging.WARNING,
    "py.warnings": logging.WARNING,
}


class JsonLines:
    """Writes log lines to a file descriptor, in a thread that ends with the block.

    Args:
        descriptor: where to write.
        lost: called with the number of lines that could not be written.
    """

    def __init__(self, descriptor: int, lost: Callable[[int], None]) -> None:
        self._descriptor, self._lost = descriptor, lost
        self._lines: deque[dict[str, object]] = deque()
        self._wake = threading.Event()
        self._ended = False
        self._last = b"\n"
        """The last byte that was written."""
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, event: str, level: str = "info", **values: object) -> None:
        """Hand a line to the thread. It never waits and never fails."""
        if len(self._lines) >= _MOST_WAITING:
            self._lost(1)
            return
        self._lines.append({"time": time.time(), "level": level, "event": event, **values})
        if not self._wake.is_set():
            self._wake.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the last lines, but wait for at most `_LAST_WAIT` seconds."""
        self._ended = True
        self._wake.set()
        self._thread.join(_LAST_WAIT)

    def _write_all(self) -> None:
        while not self._ended or self._lines:
            self._wake.wait()
            self._wake.clear()
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            self._write(lines)
            time.sleep(0 if self._ended else 0.02)  # many lines are written at once

    def _write(self, lines: list[dict[str, object]]) -> None:
        data = "".join(map(_as_json, lines)).encode()
        if self._last != b"\n":  # the disk was full in the middle of a line
            data = b"\n" + data
        try:
            while data:
                written = os.write(self._descriptor, data)
                self._last, data = data[written - 1 : written], data[written:]
        except OSError:  # such as a full disk
            self._lost(len(lines))


def _as_json(line: dict[str, object]) -> str:
    seconds = line["time"]
    assert isinstance(seconds, float)
    line["time"] = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return json.dumps(line, default=str) + "\n"


@contextmanager
def json_logs(lines: JsonLines) -> Iterator[None]:
    """While the block runs, write the log messages of the package and its libraries as JSON."""
    handler = _Handler(lines)
    loggers = [logging.getLogger(name) for name in _LEVELS]
    before = [(each.handlers, each.level, each.propagate) for each in loggers]
    for each in loggers:
        each.handlers, each.propagate = [handler], False
        each.setLevel(_LEVELS[each.name])
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for each, (handlers, level, propagate) in zip(loggers, before, strict=True):
            each.handlers, each.propagate = handlers, propagate
            each.setLevel(level)


class _Handler(logging.Handler):
    def __init__(self, lines: JsonLines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. A traceback is written as functions and line numbers, without values."""
        values = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            values |= _trace(record.exc_info[1])
        self._lines.write("message", record.levelname.lower(), **values)


def _trace(error: BaseException) -> dict[str, str]:
    """Return an error's type and traceback. Its message may quote a text, so it is left out."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "trace": " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames[-8:])),
    }


def standard_error() -> int:
    """The file descriptor for log lines."""
    return sys.__stderr__.fileno() if sys.__stderr__ is not None else 2
