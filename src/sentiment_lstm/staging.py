"""Temporary files and folders, recognised and deleted after the process that made them has ended.

A temporary file of `o.csv` has a name such as `.o.csv.1f0c99ab.sentiment-lstm.tmp`. The process
locks it while it writes, and the lock ends with the process. So the next writer of `o.csv` knows
which of them a killed process has left, and deletes only those. On Windows they stay.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_END = "sentiment-lstm.tmp"
_SAFE = (
    getattr(os, "O_NOFOLLOW", 0)  # a planted link must not lead elsewhere
    | getattr(os, "O_NONBLOCK", 0)  # and a planted pipe must not block
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_DESCRIPTOR = -1
"""Windows cannot open folders."""


@dataclass(slots=True)
class Staged:
    """A temporary file or folder: its path, and its open descriptor, which holds the lock."""

    path: Path
    descriptor: int

    def close(self) -> None:
        """Close the descriptor, which ends the lock."""
        if self.descriptor != _NO_DESCRIPTOR:
            os.close(self.descriptor)
        self.descriptor = _NO_DESCRIPTOR


@contextmanager
def staging(target: Path, make: Callable[[Path], int]) -> Iterator[Staged]:
    """A temporary file or folder beside `target`. It is deleted at the end if it is still there.

    Those that ended processes have left for this target are deleted first.

    Args:
        target: the file or folder that will be replaced.
        make: `make_file`, `make_folder` or `make_private_folder`.

    Raises:
        OSError: it cannot be made.
    """
    _remove_abandoned(target)
    staged = _make_locked(target, make)
    try:
        yield staged
    finally:
        with suppress(OSError):
            _remove(staged.path)
        staged.close()


def make_file(path: Path) -> int:
    """Make a file, and return its descriptor. The file has the user's own mode.

    Raises:
        FileExistsError: there is a file, a folder or a link already.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE, 0o666)


def make_folder(path: Path) -> int:
    """Make a folder, and return its descriptor.

    Raises:
        FileExistsError: there is a file, a folder or a link already.
    """
    return _make_folder(path, 0o777)


def make_private_folder(path: Path) -> int:
    """As `make_folder`, for this user alone."""
    return _make_folder(path, 0o700)


def _make_folder(path: Path, mode: int) -> int:
    path.mkdir(mode)
    return _NO_DESCRIPTOR if sys.platform == "win32" else os.open(path, os.O_RDONLY | _SAFE)


def _remove_abandoned(target: Path) -> None:
    """Delete the temporary files and folders of ended processes for this target."""
    if sys.platform == "win32":  # where no lock tells which processes have ended
        return
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.{re.escape(_END)}")
    with suppress(OSError):  # then writing gives the message
        for name in os.listdir(target.parent):  # noqa: PTH208 (it is faster)
            if pattern.fullmatch(name):
                _remove_if_abandoned(target.with_name(name))


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Lock a file or folder while the block runs. Waits for a process that holds it.

    Yields whether `path` is still the same afterwards.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    if sys.platform == "win32":
        yield path.exists()
        return
    descriptor = os.open(path, os.O_RDONLY | _SAFE)
    try:
        with suppress(OSError):  # some file systems have no locks
            _lock(descriptor)
        yield _is_at(descriptor, path)
    finally:
        os.close(descriptor)


def _make_locked(target: Path, make: Callable[[Path], int]) -> Staged:
    while True:
        path = target.with_name(f".{target.name}.{secrets.token_hex(4)}.{_END}")
        try:
            staged = Staged(path, make(path))
        except FileExistsError:
            continue
        with suppress(OSError):  # some file systems have no locks; then nobody deletes the file
            _lock(staged.descriptor)
        # Before it was locked, another process may have taken it for an abandoned one.
        if staged.descriptor == _NO_DESCRIPTOR or _is_at(staged.descriptor, path):
            return staged
        staged.close()


def _remove_if_abandoned(path: Path) -> None:
    with suppress(OSError):  # it is locked, or another user's, or another process deleted it
        descriptor = os.open(path, os.O_RDONLY | _SAFE)
        try:
            _lock(descriptor, wait=False)
            _remove(path)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, *, wait: bool = True) -> None:
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file or folder is the one at the path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
