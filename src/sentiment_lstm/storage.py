"""Files written whole or not at all.

Bytes go to a temporary file beside the final name, reach the disk, and take the name in one step:
a crash or a full disk leaves the old file or none, never half of one. Knows nothing of what the
bytes mean.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sentiment_lstm.errors import SentimentError


def write_atomically(path: Path, data: bytes) -> None:
    """Write one file, replacing an old one.

    Raises:
        SentimentError: the disk is full, or the place cannot be written to.
    """
    write_together(path.parent, {path.name: data})


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files, by name, of which the last vouches for all.

    A folder that does not exist appears with all files in it. In one that does, nothing is touched
    before every byte is on the disk; then the last file goes first and comes back last, so that
    while it stands, the others belong to it.

    Raises:
        SentimentError: the disk is full, or the place cannot be written to.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (`.` has no name and no parent)
    with one_sentence(folder):
        if folder.exists():
            _write_into(folder, files)
        else:
            _write_new(folder, files)


@contextmanager
def appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write piece by piece, which takes its name when the block ends well.

    Raises:
        SentimentError: the disk is full, or the place cannot be written to.
    """
    staged = path.with_name(_temporary(path.name))
    with one_sentence(path):
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
    """Indented JSON; a number that is not finite has no form there and becomes null."""
    return (json.dumps(_finite(value), indent=2, allow_nan=False) + "\n").encode()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for it out of a folder; it ends with the process at the latest.

    Raises:
        SentimentError: another process is at work there.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows: nothing keeps two processes apart there
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise SentimentError(
            f"Expected no other process at work in {folder}, found one: wait for it, or end it."
        ) from error
    finally:
        os.close(descriptor)


@contextmanager
def one_sentence(place: Path) -> Iterator[None]:
    """Turn the system's refusal to write at `place` into a `SentimentError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise SentimentError(
            f"Expected to write to {place}, found: {reason}; "
            f"{'free some space there or ' if error.errno == errno.ENOSPC else ''}"
            "choose another folder."
        ) from error


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
    """A name of this process alone, hidden from listings."""
    return f".{name}.{os.getpid()}.tmp"


def _write_through(path: Path, data: bytes) -> None:
    """Write and wait for the disk. The mode is the user's own (`tempfile` would make it 0600)."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make new names last through a crash (Windows cannot open a folder, and need not)."""
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
