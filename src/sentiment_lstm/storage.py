"""Writes files whole or not at all, locks folders, and hashes files.

Bytes go to a temporary file in the same folder. When they are on the disk, the file is renamed.
A crash or a full disk leaves the old file or none, never half a file. Temporary files of a killed
process are deleted by the next one that writes the same file. This module does not know what the
bytes mean.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from sentiment_lstm.errors import SentimentError, StorageError, UsageError
from sentiment_lstm.staging import holding, make_file, make_folder, staging


def checked_folder(folder: str | os.PathLike[str]) -> Path:
    """A folder to write to, as a program names it.

    Raises:
        UsageError: the name is empty, which `Path` would read as the working folder.
    """
    if not os.fspath(folder):
        raise UsageError("Expected the name of a folder, found an empty string: name one.")
    return Path(folder)


def write_atomically(path: Path, data: bytes) -> None:
    """Write one file, replacing an old one. A missing folder is made.

    Raises:
        StorageError: the disk is full, or the path cannot be written to.
    """
    write_together(path.parent, {path.name: data})


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files, by name. If the last file exists, the files belong together.

    A new folder appears with all files in it. In an existing folder nothing changes until every
    byte is on the disk. Then the old last file is removed first, and the new one is renamed last.
    If the process is killed in between, `finish_replacing` or the next call completes the work.

    Raises:
        StorageError: the disk is full, or the path cannot be written to.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (`.` has no name and no parent)
    with explain_write_errors(folder):
        if not folder.exists():
            _write_new(folder, files)
        elif len(files) > 1:
            _replace_together(folder, files)
        else:
            ((name, data),) = files.items()
            with _replacing(folder / name) as file:
                file.write(data)


def finish_replacing(last: Path) -> None:
    """Complete a call of `write_together` that was killed while it replaced files.

    It does nothing if there is no such call, or if it has replaced nothing yet.

    Args:
        last: the last file of that call.
    """
    ready = _ready(last)
    is_whole = last.exists() and (ready / last.name).exists()
    if ready.is_dir() and not is_whole:
        with suppress(OSError):  # in a folder that cannot be written to, the files stay incomplete
            _take_over(ready, last)


@contextmanager
def open_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write in pieces. It gets its name if the block ends without an error.

    Raises:
        StorageError: the disk is full, or the path cannot be written to.
    """
    with explain_write_errors(path), _replacing(path) as file:
        yield file


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


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    with staging(path, make_file) as staged:
        # By its descriptor, so that no other file can take its place; libraries ask for its name.
        opener = partial(_same_file, staged.descriptor)
        with open(staged.path, "wb", opener=opener) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.name == "nt":  # which does not rename open files
            staged.close()
        staged.path.replace(path)
        _sync_folder(path.parent)


def _write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with staging(folder, make_folder) as staged:
        _fill(staged.path, files)
        staged.path.rename(folder)
        _sync_folder(folder.parent)


def _replace_together(folder: Path, files: Mapping[str, bytes]) -> None:
    last = folder / list(files)[-1]
    with staging(last, make_folder) as staged:
        _fill(staged.path, files)
        _get_ready(staged.path, last)
        _move_files(_ready(last), last)


def _ready(last: Path) -> Path:
    """The folder of new files that are on the disk, and are going to replace the old ones."""
    return last.with_name(f".{last.name}.sentiment-lstm.ready")


def _get_ready(staged: Path, last: Path) -> None:
    """Rename the folder of new files. From then on the replacement is completed, not undone."""
    ready = _ready(last)
    while True:
        try:
            staged.rename(ready)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            _take_over(ready, last)
    try:
        _sync_folder(last.parent)
    except OSError:
        ready.rename(staged)
        raise


def _take_over(ready: Path, last: Path) -> None:
    """Wait for the process that moves these files. If it was killed, move the rest."""
    with suppress(FileNotFoundError), holding(ready) as is_there:
        if is_there:
            _move_files(ready, last)


def _move_files(ready: Path, last: Path) -> None:
    """Move all new files out of the folder, the last one last."""
    names = sorted(path.name for path in ready.iterdir())
    if last.name in names:
        last.unlink(missing_ok=True)
        _sync_folder(last.parent)
    for name in sorted(names, key=last.name.__eq__):
        if name == last.name:
            _sync_folder(last.parent)
        (ready / name).replace(last.with_name(name))
    _sync_folder(last.parent)
    with suppress(OSError):  # another process may have put its own files there by now
        ready.rmdir()


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a new folder, and wait for the disk."""
    for name, data in files.items():
        with (folder / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    _sync_folder(folder)


def _same_file(descriptor: int, _path: str, _flags: int) -> int:
    """An opener that opens nothing."""
    return os.dup(descriptor)


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
