"""The format of a tabular file: its kind and its packing, found from its name.

This file knows nothing of rows or columns.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sentiment_lstm.data.packing import PACKINGS, Growth, find_member, unpacked
from sentiment_lstm.errors import DataError, UsageError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""The usual character between two columns, by kind."""
TEXT_KINDS = (*DELIMITERS, ".jsonl")
WORKBOOK = ".xlsx"
SUFFIXES = (*TEXT_KINDS, ".ndjson", ".parquet", WORKBOOK)
_SEEKABLE = (".parquet", WORKBOOK)
"""Kinds that are not read from their start to their end."""
ENDINGS = (
    f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, plain or packed as "
    f"{', '.join(PACKINGS[:-1])} or {PACKINGS[-1]}"
)
"""The supported endings, for messages."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a file stores its rows.

    `kind` is `.csv`, `.tsv`, `.jsonl`, `.parquet` or `.xlsx`; `packing` one of `PACKINGS`, or ""
    for a plain file; `member` the name of the data file in a zip archive.
    """

    kind: str
    packing: str = ""
    member: str = ""

    @classmethod
    def of_name(cls, name: str, default_kind: str = "") -> Format:
        """The format that a file's name states, such as `reviews.csv.gz`.

        Args:
            name: the name of a file that may not exist yet.
            default_kind: the kind of the file in a zip archive whose name states none.

        Raises:
            UsageError: another ending.
        """
        kind, packing = _split_name(name)
        if packing == ".zip":
            stem = Path(name).stem
            member = stem if kind else stem + default_kind
            kind = kind or default_kind
        else:
            member = ""
        if not kind:
            raise UsageError(f"Expected a file ending in {ENDINGS}, found {name}.")
        return cls(kind, packing, member)

    @classmethod
    def of_file(cls, path: Path, growth: Growth | None = None) -> Format:
        """The format of a file that exists; for a zip archive, of the data file in it.

        Args:
            path: the file.
            growth: as for `packing.find_member`.

        Raises:
            UsageError: the name has another ending.
            DataError: a zip archive cannot be read, or does not hold exactly one data file.
        """
        if _split_name(path.name)[1] != ".zip":
            return cls.of_name(path.name)
        member = find_member(path, SUFFIXES, growth)
        return cls(_split_name(member)[0], ".zip", member)


def is_table(name: str) -> bool:
    """Whether a file's name has a supported ending."""
    kind, packing = _split_name(name)
    return bool(kind) or packing == ".zip"


def _split_name(name: str) -> tuple[str, str]:
    """Kind and packing from a file's name, "" for each that it does not state."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    packing = suffixes.pop() if suffixes and suffixes[-1] in PACKINGS else ""
    kind = suffixes[-1] if suffixes and suffixes[-1] in SUFFIXES else ""
    return kind.replace(".ndjson", ".jsonl"), packing


@contextmanager
def open_path(path: Path, file_format: Format, growth: Growth | None = None) -> Iterator[IO[bytes]]:
    """The bytes of a file, as `open_table` gives them.

    Raises:
        DataError: the file cannot be read; while reading, it is damaged or grows too much.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"Expected to read {path}, found: {error}.") from error
    with file, open_table(file, path, file_format, growth) as stream:
        yield stream


@contextmanager
def open_table(
    file: IO[bytes], path: Path, file_format: Format, growth: Growth | None = None
) -> Iterator[IO[bytes]]:
    """An open file as the bytes that its format's reader takes; arguments as `packing.unpacked`.

    Parquet and xlsx are read from their end, so a packed one is first unpacked to a temporary file.
    """
    seekable = file_format.kind in _SEEKABLE
    if seekable and not file_format.packing:
        yield file
        return
    with unpacked(file, path, file_format.packing, file_format.member, growth) as stream:
        if not seekable:
            yield stream
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy)
            copy.seek(0)
            yield copy
