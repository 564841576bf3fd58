"""Rows of a file to score, with all their columns.

Scoring writes every column back, so it is stricter than training: all names differ, every row has
as many fields as the header, and all of it is UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from sentiment_lstm.data.dialect import Dialect, find_dialect
from sentiment_lstm.data.encodings import UTF_8, bad_bytes
from sentiment_lstm.data.formats import DELIMITERS, TEXT_KINDS, WORKBOOK, Format, open_table
from sentiment_lstm.data.json_lines import UNREADABLE, read_json_lines
from sentiment_lstm.data.packing import GROWTH_IN_SCORING
from sentiment_lstm.data.record import Record
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import refuse_repeated
from sentiment_lstm.data.tables import (
    parquet_schema,
    read_csv,
    read_parquet,
)
from sentiment_lstm.data.workbooks import read_workbook
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

LONGEST_LINE = 16_000_000
"""A line is cut after this many characters, so that memory stays bounded."""

ScoringRecord = Record[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Input:
    """An open file to score.

    `records` are its rows. `header` holds the column names. It is empty for jsonl, where each row
    names its own columns. `schema` is a `pyarrow.Schema`, None unless the file is parquet.
    `file_format` is the file's format, `dialect` that of a text file.
    """

    records: Iterator[ScoringRecord]
    header: list[str]
    schema: Any
    file_format: Format
    dialect: Dialect
    _file: IO[bytes]
    _size: int

    @property
    def fraction(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(1.0, self._file.tell() / max(1, self._size))


@contextmanager
def open_input(
    path: Path, file_format: Format, encoding: str | None = None, separator: str | None = None
) -> Iterator[Input]:
    """Open a file to score.

    Args:
        path: the file.
        file_format: its format.
        encoding: the encoding of a text file; None: it is detected.
        separator: the separator of a csv file; None: it is detected.

    Raises:
        DataError: here or while `records` are read: there is no header, or the file is damaged.
        MissingExtraError: a library that reads this kind of file is not installed.
    """
    dialect = Dialect()
    # A bomb of any other kind would fill the disk, because such a file is unpacked as a whole.
    growth = GROWTH_IN_SCORING if file_format.kind in TEXT_KINDS else None
    if file_format.kind in TEXT_KINDS:
        dialect = find_dialect(path, file_format, encoding, separator, growth)
    with path.open("rb") as file, open_table(file, path, file_format, growth) as stream:
        header: list[str] = []
        schema = None
        if file_format.kind in DELIMITERS:
            header, records = _read_csv(stream, path.name, dialect)
        elif file_format.kind == WORKBOOK:
            header, records = _with_header(*read_workbook(stream, path), path.name, dialect)
        elif file_format.kind == ".parquet":
            schema = parquet_schema(stream, path.name)
            header, records = list(schema.names), _parquet_records(stream, path.name)
        else:
            lines = read_json_lines(stream, dialect.encoding, longest_line=LONGEST_LINE)
            records = map(_json_record, lines)
        yield Input(records, header, schema, file_format, dialect, file, path.stat().st_size)


def characters_of(record: ScoringRecord) -> int:
    """The number of characters of a row, in its fields and in the text that it was read from."""
    values = record.values or {}
    return len(record.raw_text) + sum(map(_characters, values.values()))


def _characters(value: object) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + _characters(each) for key, each in value.items())
    if isinstance(value, list):
        return sum(map(_characters, value))
    return 1


def _read_csv(
    stream: IO[bytes], name: str, dialect: Dialect
) -> tuple[list[str], Iterator[ScoringRecord]]:
    header, records = read_csv(
        stream,
        name,
        dialect,
        longest_field=DataSettings().max_characters,
        longest_line=LONGEST_LINE,
    )
    return _with_header(header, records, name, dialect)


def _with_header(
    header: list[str], records: Iterator[Record[list[str]]], name: str, dialect: Dialect
) -> tuple[list[str], Iterator[ScoringRecord]]:
    """Check the column names, and give each row its values by column."""
    if not header:
        raise DataError(
            f"Expected a line of column names at the start of {name}, found none: "
            "name a file that holds rows."
        )
    refuse_repeated(header, name)
    return header, (_named_record(record, header, dialect.encoding) for record in records)


def _named_record(record: Record[list[str]], header: list[str], encoding: str) -> ScoringRecord:
    values, problem = record.values, record.problem
    if values is not None and len(values) != len(header):
        problem = "another number of fields"
    elif values is not None and not all(map(is_utf8, values)):
        problem = bad_bytes(encoding)
    if values is None or problem:
        return Record(record.line, None, record.raw_text, problem)
    return Record(record.line, dict(zip(header, values, strict=True)))


def _json_record(record: ScoringRecord) -> ScoringRecord:
    if record.values is None:
        # Files of bad rows have always called bad UTF-8 "unreadable".
        is_bad_text = record.problem == bad_bytes(UTF_8)
        return replace(record, problem=UNREADABLE) if is_bad_text else record
    problem = None
    try:
        if not is_utf8(_STRICT_ENCODER.encode(record.values)):
            problem = "lone surrogate"
    except ValueError:
        problem = "NaN or an infinite number"
    if problem:
        return Record(record.line, None, record.raw_text, problem)
    return Record(record.line, record.values)


def _parquet_records(stream: IO[bytes], name: str) -> Iterator[ScoringRecord]:
    for record in read_parquet(stream, name):
        if record.values is None or is_utf8(_ENCODER.encode(record.values)):
            yield record
        else:
            raw = json.dumps(record.values, default=str)
            yield Record(record.line, None, raw, bad_bytes(UTF_8))


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
_STRICT_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
