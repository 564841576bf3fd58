"""Reads csv, tsv, jsonl and parquet files (or a zip of one of them) and aclImdb folders, by rows.

A row that cannot be read is still a row, with its problem. Memory holds one row at a time (parquet:
one row group). Knows nothing of classes, screening or splits beyond the folder's own.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, TextIO

from sentiment_lstm.data.archive import inner_name, open_bytes
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import Columns, Source, check_split, check_whole, choose_columns
from sentiment_lstm.errors import DataError, MissingExtraError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*DELIMITERS, ".jsonl", ".ndjson", ".parquet")
ACL_SPLITS = {"train": ("neg", "pos"), "test": ("neg", "pos"), "unsupervised": ("unsup",)}
_PARQUET_ROWS = 1024


def open_file(path: Path, data: DataSettings, *, labelled: bool) -> Source:
    """A file of reviews.

    Raises:
        DataError: missing, empty, damaged, of an unknown kind, without the columns, or a split was
            asked for.
    """
    name = inner_name(path, SUFFIXES)
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"Expected a file ending in {', '.join(SUFFIXES)} or .zip, found {path.name}."
        )
    check_whole(data)
    return Source(partial(_file_rows, path, name, data, labelled))


def _file_rows(path: Path, name: str, data: DataSettings, labelled: bool) -> Iterator[Row]:
    suffix = Path(name).suffix.lower()
    with open_bytes(path, name) as file:
        if suffix in DELIMITERS:
            yield from csv_rows(file, path.name, data, labelled, DELIMITERS[suffix])
        elif suffix == ".parquet":
            yield from _parquet_rows(file, path.name, data, labelled)
        else:
            yield from _json_rows(file, path.name, data, labelled)


class Lines:
    """The lines of a text file, counted and never longer than `limit` characters.

    What a line holds beyond the limit is skipped. Since the last `begin`: `first` is the number of
    the first line, `text` all that was read, `cut` whether a line was too long, `wanting` whether
    more was asked for after some lines than the file holds.
    """

    def __init__(self, file: TextIO, limit: int) -> None:
        self._file, self._limit = file, limit
        self.number = 0
        self.begin()

    def begin(self) -> None:
        """Start a row at the next line."""
        self.first, self.text, self.cut, self.wanting = self.number + 1, "", False, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._limit)
        if not line:
            self.wanting = bool(self.text)
            raise StopIteration
        self.number += 1
        self.text += line
        rest = line
        while len(rest) == self._limit and rest[-1] not in "\r\n":
            self.cut, rest = True, self._file.readline(self._limit)
        return line


def as_text(file: IO[bytes]) -> io.TextIOWrapper:
    """The file as UTF-8; bytes that are not become lone surrogates, found again row by row."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _most_characters(data: DataSettings) -> int:
    """Where even a text that is too long is cut, so that memory stays bounded."""
    return 16 * data.max_characters + 65_536


def csv_rows(
    file: IO[bytes], name: str, data: DataSettings, labelled: bool, delimiter: str = ","
) -> Iterator[Row]:
    """The rows of a file with a header line; quoted fields may hold line breaks.

    Raises:
        DataError: no header, or a header without the columns.
    """
    # The module's own limit (131,072) would refuse long reviews; it can only be set for all.
    csv.field_size_limit(max(csv.field_size_limit(), data.max_characters))
    with as_text(file) as text:
        lines = Lines(text, _most_characters(data))
        reader = csv.reader(lines, delimiter=delimiter)
        header = csv_header(reader, name)
        columns = choose_columns(header, data, labelled=labelled, where=name)
        places = [None if c is None else header.index(c) for c in _three(columns)]
        yield from _records(reader, lines, places, len(header), name)


def _records(
    reader: Iterator[list[str]],
    lines: Lines,
    places: Sequence[int | None],
    width: int,
    name: str,
) -> Iterator[Row]:
    """Rows from `width` fields each, of which `places` are text, label and group."""
    while True:
        lines.begin()
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _unread(lines, name, "too long" if "limit" in str(error) else "unreadable")
            continue
        if lines.cut:
            yield _unread(lines, name, "too long")
        elif lines.wanting:  # the reader goes on to another line only within quotes
            yield _unread(lines, name, "unreadable (a quote never closes)")
        elif values:
            yield _csv_row(values, places, width, name, lines.first)


def csv_header(reader: Iterator[list[str]], name: str) -> list[str]:
    """The names of the columns, by which a csv reader begins.

    Raises:
        DataError: they are no UTF-8 text.
    """
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error:
        header = []
    if not all(map(is_utf8, header)) or any("\0" in column for column in header):
        raise DataError(
            f"Expected UTF-8 text in {name}, found another encoding; save the file as UTF-8."
        )
    return header


def _csv_row(
    values: list[str], places: Sequence[int | None], width: int, name: str, line: int
) -> Row:
    picked = [values[p] if p is not None and p < len(values) else None for p in places]
    text, label, group = picked
    problem = None
    if not all(value is None or is_utf8(value) for value in picked):
        problem = "bad UTF-8"
    elif len(values) > width:
        # An unquoted delimiter inside a text: which part is the text can't be known.
        problem, text = "unreadable", ",".join(values)
    return Row(text, label, f"{name}:{line}", line, group, problem)


def _unread(lines: Lines, name: str, problem: str) -> Row:
    return Row(lines.text, None, f"{name}:{lines.first}", lines.first, problem=problem)


def _json_rows(file: IO[bytes], name: str, data: DataSettings, labelled: bool) -> Iterator[Row]:
    """One JSON object a line; the columns are chosen by the first that can be read."""
    columns: Columns | None = None
    with as_text(file) as text:
        lines = Lines(text, _most_characters(data))
        for line in lines:
            record = json_object(line) if line.strip() else None
            if record is not None and not lines.cut:
                found = list(record)
                columns = columns or choose_columns(found, data, labelled=labelled, where=name)
                yield _record_row(record, columns, f"{name}:{lines.first}", lines.first)
            elif line.strip():
                yield _unread_json(lines, name, line)
            lines.begin()


def json_object(line: str) -> dict[str, Any] | None:
    """The object on a line, None if it is broken. Nesting without end raises RecursionError."""
    try:
        value = json.loads(line) if is_utf8(line) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unread_json(lines: Lines, name: str, line: str) -> Row:
    if lines.cut:
        return _unread(lines, name, "too long")
    problem = "unreadable" if is_utf8(line) else "bad UTF-8"
    return Row(line, None, f"{name}:{lines.first}", lines.first, problem=problem)


def _record_row(record: dict[str, Any], columns: Columns, name: str, line: int) -> Row:
    text, label, group = (None if c is None else record.get(c) for c in _three(columns))
    return Row(text, label, name, line, None if group is None else str(group))


def _three(columns: Columns) -> tuple[str, str | None, str | None]:
    return columns.text, columns.label, columns.group


def _parquet_rows(file: IO[bytes], name: str, data: DataSettings, labelled: bool) -> Iterator[Row]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise missing_extra("parquet files") from error
    try:
        with _seekable(file) as whole, parquet.ParquetFile(whole) as table:
            found = table.schema_arrow.names
            columns = choose_columns(found, data, labelled=labelled, where=name)
            batches = table.iter_batches(batch_size=_PARQUET_ROWS, columns=columns.used)
            yield from _batch_rows(batches, columns, name)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"Expected a whole parquet file at {name}, found: {first_line(error)}."
        ) from error


@contextmanager
def _seekable(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Parquet is read from its end, which a member of a zip offers only through a copy."""
    if isinstance(file, io.BufferedReader):
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        yield copy


def _batch_rows(batches: Iterator[Any], columns: Columns, name: str) -> Iterator[Row]:
    line = 0
    for batch in batches:
        values = {column: _values(batch.column(column)) for column in columns.used}
        for i in range(batch.num_rows):
            line += 1
            record = {column: values[column][i] for column in columns.used}
            row = _record_row(record, columns, f"{name}:{line}", line)
            bad = any(isinstance(v, str) and not is_utf8(v) for v in record.values())
            yield Row(row.text, row.label, row.id, line, row.group, "bad UTF-8" if bad else None)


def _values(column: Any) -> list[Any]:  # noqa: ANN401
    """The values of a pyarrow array; bytes that are not UTF-8 become lone surrogates."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        raw = column.cast("large_binary").to_pylist()
        values = [None if v is None else v.decode(errors="surrogateescape") for v in raw]
    return values


def acl_splits(folder: Path) -> tuple[str, ...]:
    """The splits of an aclImdb folder, among `ACL_SPLITS`."""
    return tuple(split for split in ACL_SPLITS if any(_acl_folders(folder, split)))


def is_acl_imdb(folder: Path) -> bool:
    """Whether the folder is laid out as the original IMDb download."""
    return any(split in ("train", "test") for split in acl_splits(folder))


def open_acl_imdb(folder: Path, data: DataSettings) -> Source:
    """A folder with `train/neg/0_3.txt` and so on, one review a file; `train/unsup` has no labels.

    Raises:
        DataError: no such split, or a column was asked for; on the way, a text that cannot be read.
    """
    check_split(data, acl_splits(folder))
    if data.group_column or data.text_column or data.label_column:
        raise DataError(f"Expected no column names for {folder}, found some; text files have none.")
    return Source(partial(_acl_rows, folder, data), ("negative", "positive"))


def _acl_folders(folder: Path, split: str) -> Iterator[tuple[Path, str | None]]:
    for part in ACL_SPLITS[split]:
        place = folder / ("train" if part == "unsup" else split) / part
        if place.is_dir():
            yield place, {"neg": "negative", "pos": "positive"}.get(part)


def _acl_rows(folder: Path, data: DataSettings) -> Iterator[Row]:
    for place, label in _acl_folders(folder, data.split):
        for path in sorted(place.glob("*.txt"), key=lambda p: (len(p.stem.split("_")[0]), p.name)):
            text = _start_of(path, _most_characters(data))
            problem = None if is_utf8(text) else "bad UTF-8"
            yield Row(text, label, path.relative_to(folder).as_posix(), 1, problem=problem)


def _start_of(path: Path, characters: int) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            return file.read(characters)
    except OSError as error:
        raise DataError(
            f"Expected to read {path}, found: {error.strerror}; mend it or move it away."
        ) from error


def missing_extra(what: str) -> MissingExtraError:
    """The error for an import that the lean install does not have."""
    return MissingExtraError(
        f"Expected the packages that read {what}, found them missing; "
        "install them with: pip install 'sentiment-lstm[train]'."
    )


def first_line(error: BaseException) -> str:
    """The first line of another library's message, short enough for a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")
