"""Notices if a file changes while it is scored."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sentiment_lstm.errors import DataError
from sentiment_lstm.storage import file_sha256


class ChangedInputError(DataError):
    """The input changed while it was scored."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was before it was read. `stamp`: its size, and the time of its last change."""

    path: Path
    stamp: tuple[int, int]
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Original:
        """Hash a file.

        Raises:
            DataError: it cannot be read, or is no regular file.
            ChangedInputError: it changed meanwhile.
        """
        check_regular(path)
        try:
            original = cls(path, _stamp(path), file_sha256(path))
        except OSError as error:
            raise DataError(f"Expected a file at {path}, found: {error.strerror}.") from error
        original.check()
        return original

    def check(self) -> None:
        """Check the size and the time of the last change, which takes no time.

        Raises:
            ChangedInputError: the file changed, or is gone.
        """
        try:
            is_same = _stamp(self.path) == self.stamp
        except OSError:
            is_same = False
        if not is_same:
            raise self._changed()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Check at the end of the block that the file is the same, by its content too.

        Raises:
            ChangedInputError: the file changed, or is gone. This replaces an error of the block,
                such as that the file ends too early.
        """
        try:
            yield
        except (DataError, OSError):
            self.check()
            raise
        self.check()
        try:
            is_same = file_sha256(self.path) == self.sha256
        except OSError as error:
            raise self._changed() from error
        if not is_same:
            raise self._changed()

    def _changed(self) -> ChangedInputError:
        return ChangedInputError(
            f"Expected {self.path} to stay the same while it is scored, found that it changed: "
            "run the command again when no program writes to it."
        )


def check_regular(path: Path) -> None:
    """Refuse a named pipe or a device, whose reading may never end. A missing file passes.

    Raises:
        DataError: the path is one.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # reading it gives the message
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(
            f"Expected a file at {path}, found a pipe or a device: give --input - and send the "
            "rows to standard input."
        )


def _stamp(path: Path) -> tuple[int, int]:
    # Not the file's number: some network drives give a file another one at any time.
    status = path.stat()
    return status.st_size, status.st_mtime_ns
