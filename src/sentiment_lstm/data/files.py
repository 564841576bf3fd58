"""Tabular files as sources of training texts: the text, label and group of each row.

A row that cannot be read is still a row, with its problem. This file knows nothing of classes or
screening.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from sentiment_lstm.data.formats import DELIMITERS, ENDINGS, Format, is_table, open_table
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import Columns, Source, check_whole, choose_columns
from sentiment_lstm.data.source_names import SOURCES
from sentiment_lstm.data.tables import (
    Record,
    parquet_schema,
    read_csv,
    read_json_lines,
    read_parquet,
)
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings


def open_file(path: Path, data: DataSettings, *, labelled: bool) -> Source:
    """A table of texts.

    Raises:
        DataError: the file is missing, empty, damaged, of an unknown kind or without the columns,
            or the settings name a split.
    """
    file_format = table_format(path)
    check_whole(data)
    return Source(partial(_file_rows, path, file_format, data, labelled))


def table_format(path: Path) -> Format:
    """The format of a table of texts.

    Raises:
        DataError: the file is missing, empty, of an unknown kind, or an unusable zip archive.
    """
    if not path.is_file():
        raise DataError(f"Expected texts at {path}, found nothing; a source is {SOURCES}.")
    if path.stat().st_size == 0:
        raise DataError(f"Expected texts in {path}, found an empty file.")
    if not is_table(path.name):
        raise DataError(f"Expected a file ending in {ENDINGS}, found {path.name}.")
    return Format.of_file(path)


@contextmanager
def open_bytes(path: Path, file_format: Format) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked.

    Raises:
        DataError: the file cannot be read; while reading, it is damaged or grows too much.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"Expected to read {path}, found: {error}.") from error
    with file, open_table(file, path, file_format) as stream:
        yield stream


def longest_line(data: DataSettings) -> int:
    """A line is cut after this many characters, so that memory stays bounded for any file."""
    return 16 * data.max_characters + 65_536


def _file_rows(
    path: Path, file_format: Format, data: DataSettings, labelled: bool
) -> Iterator[Row]:
    with open_bytes(path, file_format) as stream:
        if file_format.kind in DELIMITERS:
            yield from csv_rows(stream, path.name, data, labelled, DELIMITERS[file_format.kind])
        elif file_format.kind == ".parquet":
            yield from _parquet_rows(stream, path.name, data, labelled)
        else:
            yield from _json_rows(stream, path.name, data, labelled)


def csv_rows(
    stream: IO[bytes], name: str, data: DataSettings, labelled: bool, delimiter: str = ","
) -> Iterator[Row]:
    """The rows of a csv file with a header line.

    Raises:
        DataError: there is no header, or it lacks the columns.
    """
    header, records = read_csv(
        stream,
        name,
        delimiter,
        longest_field=data.max_characters,
        longest_line=longest_line(data),
    )
    columns = choose_columns(header, data, labelled=labelled, where=name)
    indices = [None if column is None else header.index(column) for column in _roles(columns)]
    for record in records:
        if record.values is None:
            yield _unread_row(record, name)
        else:
            yield _csv_row(record.values, indices, len(header), name, record.line)


def _csv_row(
    values: list[str], indices: Sequence[int | None], width: int, name: str, line: int
) -> Row:
    """A row of `width` fields; `indices` says which are the text, the label and the group."""
    picked = [values[i] if i is not None and i < len(values) else None for i in indices]
    text, label, group = picked
    problem = None
    if not all(value is None or is_utf8(value) for value in picked):
        problem = "bad UTF-8"
    elif len(values) > width:
        # A text holds a delimiter without quotes. Where the text ends is not known.
        problem, text = "unreadable", ",".join(values)
    return Row(text, label, f"{name}:{line}", line, group, problem)


def _json_rows(stream: IO[bytes], name: str, data: DataSettings, labelled: bool) -> Iterator[Row]:
    """The rows of a jsonl file. The first readable row names the columns to choose from."""
    columns: Columns | None = None
    for record in read_json_lines(stream, longest_line=longest_line(data)):
        if record.values is None:
            yield _unread_row(record, name)
            continue
        names = list(record.values)
        columns = columns or choose_columns(names, data, labelled=labelled, where=name)
        yield _row(record.values, columns, name, record.line)


def _parquet_rows(
    stream: IO[bytes], name: str, data: DataSettings, labelled: bool
) -> Iterator[Row]:
    names = parquet_schema(stream, name).names
    columns = choose_columns(names, data, labelled=labelled, where=name)
    for record in read_parquet(stream, name, columns.used):
        assert record.values is not None
        texts = [value for value in record.values.values() if isinstance(value, str)]
        problem = None if all(map(is_utf8, texts)) else "bad UTF-8"
        yield _row(record.values, columns, name, record.line, problem)


def _row(
    values: dict[str, Any], columns: Columns, name: str, line: int, problem: str | None = None
) -> Row:
    text, label, group = (None if c is None else values.get(c) for c in _roles(columns))
    group = None if group is None else str(group)
    return Row(text, label, f"{name}:{line}", line, group, problem)


def _roles(columns: Columns) -> tuple[str, str | None, str | None]:
    return columns.text, columns.label, columns.group


def _unread_row(record: Record[Any], name: str) -> Row:
    return Row(record.raw_text, None, f"{name}:{record.line}", record.line, problem=record.problem)
