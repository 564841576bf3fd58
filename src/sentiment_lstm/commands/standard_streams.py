"""Standard output that is closed: a command fails, so that no result vanishes silently."""

from __future__ import annotations

import io
import os
import sys

from sentiment_lstm.errors import StorageError


def check_output_when_printing() -> None:
    """Let the first result that is printed fail if standard output is closed (`>&-`).

    A command that prints no result, such as `train`, still works.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # else the next file that is opened would be standard output to some libraries
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()


class _ClosedOutput(io.TextIOBase):
    """Standard output that is closed."""

    encoding = "utf-8"

    @property
    def buffer(self) -> _ClosedOutput:
        """The same for bytes."""
        return self

    def write(self, _: object) -> int:
        """Raise a `StorageError`."""
        raise StorageError(
            "Expected to print to standard output, found it closed: open it, or redirect it to a "
            "file."
        )
