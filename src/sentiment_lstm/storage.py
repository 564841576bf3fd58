"""Writes files whole or not at all, locks folders, and hashes files.

Bytes go to a temporary file in the same folder. When they are on the disk, the file is renamed.
A crash or a full disk leaves the old file or none, never half a file. This module does not know
what the bytes mean.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sentiment_lstm.errors import SentimentError, StorageError


def write_atomically(path: Path, data: bytes) -> None:
    """Write one file, replacing an old one.

    Raises:
        StorageError: the disk is full, or the path cannot be written to.
    """
    write_together(path.parent, {path.name: data})


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files, by name. If the last file exists, the files belong together.

    A new folder appears with all files in it. In an existing folder nothing changes until every
    byte is on the disk. Then the old last file is removed first, and the new one is renamed last.

    Raises:
        StorageError: the disk is full, or the path cannot be written to.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (`.` has no name and no parent)
    with explain_write_errors(folder):
        if folder.exists():
            _write_into(folder, files)
        else:
            _write_new(folder, files)


@contextmanager
def open_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write in pieces. It gets its name if the block ends without an error.

    Raises:
        StorageError: the disk is full, or the path cannot be written to.
    """
    staged = path.with_name(_temporary(path.name))
    with explain_write_errors(path):
        try:
            with staged.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            staged.replace(path)
            _sync_folder(path.parent)
        finally:
            staged.unlink(missing_ok=True)


def as_json(value: object) -> bytes:
    """Indented JSON; a number that is not finite becomes null, as JSON cannot hold it."""
    return (json.dumps(_finite(value), indent=2, allow_nan=False) + "\n").encode()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder while the block runs, against other processes that lock it too.

    The lock is a file, which is removed after the block. If the process is killed, the file may
    remain, but it locks nothing any more.

    Raises:
        StorageError: another process is using the folder, or the lock file cannot be made or
            opened.
    """
    from filelock import FileLock, Timeout

    path = _lock_file(folder)
    # Every user may open the file, so that a killed process does not lock other users out.
    lock = FileLock(path, timeout=0, mode=0o666)
    with explain_write_errors(path):
        try:
            lock.acquire()
        except Timeout as error:
            raise StorageError(
                f"Expected no other process at work in {folder}, found one: wait for it, or end it."
            ) from error
        except OSError as error:
            if os.path.lexists(path):
                raise _lock_in_the_way(path, folder, error) from error
            raise
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes the file when the lock is released
            path.unlink()
        lock.release()


@contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turn a system error while `path` is written into a `StorageError`."""
    try:
        yield
    except SentimentError:  # our own errors are sentences already, and some are an OSError
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"Expected to write to {path}, found: {reason}; "
            f"{'free some space there or ' if error.errno == errno.ENOSPC else ''}"
            "choose another folder."
        ) from error


def _lock_file(folder: Path) -> Path:
    """The lock file: beside the folder, or inside it if only the folder can be written to."""
    folder = folder.resolve()
    if os.access(folder.parent, os.W_OK):
        return folder.with_name(f".{folder.name}.lock")
    return folder / ".lock"


def _lock_in_the_way(path: Path, folder: Path, error: OSError) -> StorageError:
    """The error for a file, folder or link that cannot be used as the lock file."""
    return StorageError(
        f"Expected a lock file at {path} that can be opened, found: "
        f"{error.strerror or error}; if no other process is at work in {folder}, remove it."
    )


def _write_into(folder: Path, files: Mapping[str, bytes]) -> None:
    staged = {name: folder / _temporary(name) for name in files}
    try:
        for name, path in staged.items():
            _write_through(path, files[name])
        if len(files) > 1:
            (folder / list(files)[-1]).unlink(missing_ok=True)
            _sync_folder(folder)
        for name, path in staged.items():
            path.replace(folder / name)
        _sync_folder(folder)
    finally:
        for path in staged.values():
            with suppress(OSError):
                path.unlink()


def _write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = folder.parent / _temporary(folder.name)
    shutil.rmtree(staged, ignore_errors=True)  # left by a process that was killed
    try:
        staged.mkdir()
        for name, data in files.items():
            _write_through(staged / name, data)
        _sync_folder(staged)
        staged.rename(folder)
        _sync_folder(folder.parent)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _temporary(name: str) -> str:
    """A name that only this process uses, hidden from listings."""
    return f".{name}.{os.getpid()}.tmp"


def _write_through(path: Path, data: bytes) -> None:
    """Write and wait for the disk. The file has the user's own mode (`tempfile` would set 0600)."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make new names survive a crash (Windows cannot open a folder, and does not need to)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
