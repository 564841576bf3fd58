"""Tabular files as sources of training texts: the text, label and group of each row.

A row that cannot be read is still a row, with its problem. This file knows nothing of classes or
screening.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from sentiment_lstm.data.dialect import Dialect, check_dialect_options, find_dialect
from sentiment_lstm.data.encodings import UTF_8, bad_bytes
from sentiment_lstm.data.formats import (
    DELIMITERS,
    ENDINGS,
    TEXT_KINDS,
    WORKBOOK,
    Format,
    is_table,
    open_path,
)
from sentiment_lstm.data.json_lines import read_json_lines
from sentiment_lstm.data.packing import usual_growth
from sentiment_lstm.data.record import Record
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import (
    ROWS_FOR_COLUMNS,
    Columns,
    Source,
    check_whole,
    choose_columns,
    choose_of_rows,
    joined_text,
    row_group,
    row_label,
)
from sentiment_lstm.data.source_names import SOURCES
from sentiment_lstm.data.tables import (
    parquet_schema,
    read_csv,
    read_parquet,
)
from sentiment_lstm.data.workbooks import read_workbook
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings


def open_file(path: Path, data: DataSettings, *, labelled: bool) -> Source:
    """A table of texts.

    Raises:
        DataError: the file is missing, empty, damaged, of an unknown kind or without the columns,
            or the settings name a split.
        UsageError: the settings name an encoding or a separator that does not fit.
    """
    file_format = table_format(path, data)
    check_whole(data)
    check_dialect_options(data.encoding, data.separator, file_format, path.name)
    return Source(partial(_file_rows, path, file_format, data, labelled))


def table_format(path: Path, data: DataSettings) -> Format:
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
    return Format.of_file(path, usual_growth(data.max_expansion))


def longest_line(data: DataSettings) -> int:
    """A line is cut after this many characters, so that memory stays bounded for any file."""
    return 16 * data.max_characters + 65_536


def _file_rows(
    path: Path, file_format: Format, data: DataSettings, labelled: bool
) -> Iterator[Row]:
    dialect, growth = Dialect(), usual_growth(data.max_expansion)
    if file_format.kind in TEXT_KINDS:
        dialect = find_dialect(path, file_format, data.encoding, data.separator, growth)
    with open_path(path, file_format, growth) as stream:
        if file_format.kind in DELIMITERS:
            yield from csv_rows(stream, path.name, data, labelled, dialect)
        elif file_format.kind == WORKBOOK:
            header, records = read_workbook(stream, path, growth)
            yield from _header_rows(header, records, path.name, data, labelled)
        elif file_format.kind == ".parquet":
            yield from _parquet_rows(stream, path.name, data, labelled)
        else:
            yield from _json_rows(stream, path.name, data, labelled, dialect.encoding)


def csv_rows(
    stream: IO[bytes],
    name: str,
    data: DataSettings,
    labelled: bool,
    dialect: Dialect = Dialect(),  # noqa: B008 (it is frozen)
) -> Iterator[Row]:
    """The rows of a csv file with a header line.

    Raises:
        DataError: there is no header, or it lacks the columns.
    """
    header, records = read_csv(
        stream,
        name,
        dialect,
        longest_field=data.max_characters,
        longest_line=longest_line(data),
    )
    yield from _header_rows(header, records, name, data, labelled, dialect)


def _header_rows(
    header: list[str],
    records: Iterator[Record[list[str]]],
    name: str,
    data: DataSettings,
    labelled: bool,
    dialect: Dialect = Dialect(),  # noqa: B008 (it is frozen)
) -> Iterator[Row]:
    """The rows of a file whose header names the columns."""
    columns = choose_columns(header, data, labelled=labelled, where=name)
    read = (*columns.texts, *columns.labels, columns.group, columns.weight)
    indices = [None if column is None else header.index(column) for column in read]
    for record in records:
        if record.values is None:
            yield _unread_row(record, name)
        else:
            yield _header_row(record, columns, indices, len(header), name, dialect)


def _header_row(
    record: Record[list[str]],
    columns: Columns,
    indices: Sequence[int | None],
    width: int,
    name: str,
    dialect: Dialect,
) -> Row:
    """A row of `width` fields. `indices`: of the texts, labels, group and weight, in this order."""
    fields = record.values or []
    picked = [fields[i] if i is not None and i < len(fields) else None for i in indices]
    ends = len(columns.texts), len(picked) - 2
    texts, labels, (group, weight) = picked[: ends[0]], picked[ends[0] : ends[1]], picked[-2:]
    text, problem = joined_text(texts), None
    if not all(value is None or is_utf8(value) for value in picked):
        problem = bad_bytes(dialect.encoding)
    elif len(fields) > width:
        # A text holds a separator without quotes. Where the text ends is not known.
        text, problem = dialect.separator.join(fields), "unreadable"
    label = row_label(columns.labels, labels)
    line = record.line
    row = Row(text, label, f"{name}:{line}", line, row_group(group), problem)
    return row if columns.weight is None else replace(row, weight=weight)


def _json_rows(
    stream: IO[bytes], name: str, data: DataSettings, labelled: bool, encoding: str
) -> Iterator[Row]:
    """The rows of a jsonl file. The first readable rows name the columns to choose from."""
    records = read_json_lines(stream, encoding, longest_line=longest_line(data))
    choose = partial(choose_columns, data=data, labelled=labelled, where=name)
    first = [*islice(records, ROWS_FOR_COLUMNS)]
    rows = [record.values for record in first if record.values]
    columns: Columns | None = None
    for record in chain(first, records):
        if record.values is None:
            yield _unread_row(record, name)
            continue
        rows = rows or [record.values]
        columns = columns or choose_of_rows(rows, choose)
        yield _row(record.values, columns, name, record.line)


def _parquet_rows(
    stream: IO[bytes], name: str, data: DataSettings, labelled: bool
) -> Iterator[Row]:
    names = parquet_schema(stream, name).names
    columns = choose_columns(names, data, labelled=labelled, where=name)
    for record in read_parquet(stream, name, columns.used):
        if record.values is None:
            yield _unread_row(record, name)
            continue
        texts = [value for value in record.values.values() if isinstance(value, str)]
        problem = None if all(map(is_utf8, texts)) else bad_bytes(UTF_8)
        yield _row(record.values, columns, name, record.line, problem)


def _row(
    values: Mapping[str, Any], columns: Columns, name: str, line: int, problem: str | None = None
) -> Row:
    text = joined_text([values.get(column) for column in columns.texts])
    label = row_label(columns.labels, [values.get(column) for column in columns.labels])
    group = row_group(values.get(columns.group)) if columns.group is not None else None
    weight = 1.0 if columns.weight is None else values.get(columns.weight)
    return Row(text, label, f"{name}:{line}", line, group, problem, weight)


def _unread_row(record: Record[Any], name: str) -> Row:
    return Row(record.raw_text, None, f"{name}:{record.line}", record.line, problem=record.problem)
