"""Makes a command fail if its standard output is closed, so that no result is lost silently."""

from __future__ import annotations

import io
import os
import sys

from sentiment_lstm.errors import StorageError


def check_output_when_printing() -> None:
    """If standard output is closed (`>&-`), let the first printed result raise an error.

    A command that prints no result, such as `train`, still works.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # else some libraries would take the next opened file for standard output
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
