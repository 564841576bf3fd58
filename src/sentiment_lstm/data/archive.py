"""Opens a file, or the one file inside a zip archive, as a stream of bytes.

Nothing is ever extracted by name. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from sentiment_lstm.errors import DataError

MOST_EXPANSION = 200
"""Text shrinks five- to tenfold; beyond this factor an archive is taken for a bomb."""
SMALL_BYTES = 1_000_000
"""Members smaller than this may shrink as they like."""

# All that zipfile and zlib raise for damaged, encrypted or exotic archives.
_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, OSError, RuntimeError, EOFError)


def inner_name(path: Path, suffixes: Sequence[str]) -> str:
    """The name that tells the format: the path's own, or that of the archive's one data file.

    Raises:
        DataError: missing, empty or damaged file; an archive with odd names or sizes, without a
            data file or with several.
    """
    if not path.is_file():
        raise DataError(
            f"Expected reviews at {path}, found nothing; "
            "a source is imdb, kaggle:OWNER/NAME, hf:NAME or the path of a file or folder."
        )
    if path.stat().st_size == 0:
        raise DataError(f"Expected reviews in {path}, found an empty file.")
    if path.suffix.lower() != ".zip":
        return path.name
    with _archive(path) as archive:
        return _member(path, archive, suffixes).filename


@contextmanager
def open_bytes(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of `path`, or of the member `name` if it is a zip archive.

    Raises:
        DataError: unreadable, or damaged somewhere on the way.
    """
    try:
        if path.suffix.lower() != ".zip":
            with path.open("rb") as file:
                yield file
        else:
            with _archive(path) as archive, archive.open(name) as file:
                yield file
    except OSError as error:
        raise DataError(f"Expected to read {path}, found: {error}.") from error


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _DAMAGE as error:
        raise DataError(f"Expected a readable zip archive at {path}, found: {error}.") from error


def _member(path: Path, archive: zipfile.ZipFile, suffixes: Sequence[str]) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir()]
    for member in members:
        _check_member(path, member)
    found = [m for m in members if _is_data(m.filename, suffixes)]
    if len(found) != 1:
        names = ", ".join(m.filename[:60] for m in found[:5]) or "none"
        raise DataError(
            f"Expected one file of reviews ({', '.join(suffixes)}) in {path}, found {names}; "
            "unpack the archive and name the file."
        )
    return found[0]


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or not member.filename.isprintable():
        raise DataError(
            f"Expected plain file names in {path}, found {member.filename[:60]!r}; "
            "unpack it by hand if you trust it."
        )
    if member.file_size > max(SMALL_BYTES, MOST_EXPANSION * member.compress_size):
        raise DataError(
            f"Expected text in {path}, found {name.name[:60]} growing from {member.compress_size} "
            f"to {member.file_size} bytes; unpack it by hand if you trust it."
        )


def _is_data(name: str, suffixes: Sequence[str]) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not hidden and path.suffix.lower() in suffixes
