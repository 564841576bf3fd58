"""Reads and writes tabular files by rows: csv, tsv, jsonl and parquet, each plain or packed.

A row that cannot be read is still a row, with its problem. Memory holds one row at a time (parquet:
one batch). This file does not know which columns hold texts or labels. `data/files.py` reads rows
for training, `scoring/records.py` for scoring, and each has its own rules for bad rows.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TextIO, TypeVar

from sentiment_lstm.data.dialect import Dialect
from sentiment_lstm.data.encodings import UTF_8, bad_bytes, decoded, shown
from sentiment_lstm.data.formats import DELIMITERS, Format
from sentiment_lstm.data.libraries import first_line, pyarrow
from sentiment_lstm.data.packing import pack_piece, packing_into
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.errors import DataError

_PARQUET_ROWS = 1024
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Values = TypeVar("Values", list[str], dict[str, Any])


@dataclass(frozen=True, slots=True)
class Record(Generic[Values]):
    """A row of a file: its fields in order (csv), or by column (jsonl, parquet).

    `line` is the number of the row's first line, from 1. For parquet and xlsx it is the row number.
    `values` is None if the row cannot be read; then `problem` says why. `raw_text` is the row as it
    is in the file, "" in parquet and xlsx.
    """

    line: int
    values: Values | None
    raw_text: str = ""
    problem: str | None = None


class LimitedLines:
    """The lines of a text file, counted, and cut after `limit` characters.

    A row may span several lines. These fields are about the lines since the last `begin_row`:
    - `first`: the number of the row's first line.
    - `text`: all that was read.
    - `cut`: whether a line was too long.
    - `ended_early`: whether the file ended while the reader asked for more of the row.
    """

    def __init__(self, file: TextIO, limit: int) -> None:
        self._file, self._limit = file, limit
        self.number = 0
        self.begin_row()

    def begin_row(self) -> None:
        """Start a row at the next line."""
        self.first, self.text, self.cut, self.ended_early = self.number + 1, "", False, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._limit)
        if not line:
            self.ended_early = bool(self.text)
            raise StopIteration
        self.number += 1
        if self.number == 1:  # `utf-16-le` and others keep the byte order mark
            line = line.removeprefix("\ufeff")
        self.text += line
        rest = line
        while len(rest) == self._limit and rest[-1] not in "\r\n":
            self.cut, rest = True, self._file.readline(self._limit)
        return line


def read_csv(
    stream: IO[bytes], name: str, dialect: Dialect, *, longest_field: int, longest_line: int
) -> tuple[list[str], Iterator[Record[list[str]]]]:
    """The column names of a csv file, and its rows; quoted fields may hold line breaks.

    Args:
        stream: the file's bytes, from `formats.open_table`.
        name: the file's name, for messages.
        dialect: its encoding and its separator.
        longest_field: most characters of a field; a row with a longer field is "too long".
        longest_line: most characters of a line; the rest of a longer line is skipped.

    Raises:
        DataError: the column names are not text in this encoding.
    """
    # The usual limit (131,072) would refuse long texts. The limit is global.
    csv.field_size_limit(max(csv.field_size_limit(), longest_field))
    lines = LimitedLines(decoded(stream, dialect.encoding), longest_line)
    if dialect.states_separator:
        next(lines)
    reader = csv.reader(lines, delimiter=dialect.separator)
    return _csv_header(reader, name, dialect), _csv_records(reader, lines)


def _csv_header(reader: Iterator[list[str]], name: str, dialect: Dialect) -> list[str]:
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error:
        header = []
    if not all(map(is_utf8, header)) or any("\0" in column for column in header):
        raise DataError(
            f"Expected {shown(dialect.encoding)} text in {name}, found another encoding; "
            "name it with --encoding, or save the file as UTF-8."
        )
    return header


def _csv_records(reader: Iterator[list[str]], lines: LimitedLines) -> Iterator[Record[list[str]]]:
    while True:
        lines.begin_row()
        problem = None
        values: list[str] = []
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = "too long" if "limit" in str(error) else "unreadable"
        if lines.cut:
            problem = problem or "too long"
        elif lines.ended_early:  # the reader asks for another line only inside quotes
            problem = problem or "unreadable (a quote never closes)"
        if problem:
            yield Record(lines.first, None, lines.text, problem)
        elif values:
            yield Record(lines.first, values, lines.text)


def read_json_lines(
    stream: IO[bytes], encoding: str = UTF_8, *, longest_line: int
) -> Iterator[Record[dict[str, Any]]]:
    """The rows of a file with one JSON object a line; blank lines are skipped."""
    lines = LimitedLines(decoded(stream, encoding), longest_line)
    for line in lines:
        if line.strip():
            yield _json_record(line, lines, encoding)
        lines.begin_row()


def _json_record(line: str, lines: LimitedLines, encoding: str) -> Record[dict[str, Any]]:
    if lines.cut:
        return Record(lines.first, None, line, "too long")
    if not is_utf8(line):
        return Record(lines.first, None, line, bad_bytes(encoding))
    values = _json_object(line)
    return Record(lines.first, values, line, "unreadable" if values is None else None)


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):  # deep nesting raises RecursionError
        return None
    return value if isinstance(value, dict) else None


def parquet_schema(stream: IO[bytes], name: str) -> Any:  # noqa: ANN401
    """The schema of a parquet file, a `pyarrow.Schema`.

    Raises:
        DataError: the file is damaged, or two columns have the same name.
        MissingExtraError: pyarrow is not installed.
    """
    with _open_parquet(stream, name) as table:
        schema = table.schema_arrow
    if len(set(schema.names)) < len(schema.names):
        raise DataError(
            f"Expected columns of different names in {name}, found {', '.join(schema.names)}: "
            "name every column once."
        )
    return schema


def read_parquet(
    stream: IO[bytes], name: str, columns: Sequence[str] | None = None
) -> Iterator[Record[dict[str, Any]]]:
    """The rows of a parquet file, with these columns or with all.

    Bytes that are not UTF-8 become lone surrogates.

    Raises:
        DataError: the file is damaged.
        MissingExtraError: pyarrow is not installed.
    """
    line = 0
    with _open_parquet(stream, name) as table:
        for batch in table.iter_batches(batch_size=_PARQUET_ROWS, columns=columns):
            arrays = zip(batch.schema.names, batch.columns, strict=True)
            values = {column: _python_values(array) for column, array in arrays}
            for i in range(batch.num_rows):
                line += 1
                yield Record(line, {column: values[column][i] for column in values})


@contextmanager
def _open_parquet(stream: IO[bytes], name: str) -> Iterator[Any]:
    library = pyarrow()
    try:
        with library.parquet.ParquetFile(stream) as table:
            yield table
    except (library.ArrowException, OSError) as error:
        raise DataError(
            f"Expected a whole parquet file at {name}, found: {first_line(error)}."
        ) from error


def _python_values(array: Any) -> list[Any]:  # noqa: ANN401
    try:
        values: list[Any] = array.to_pylist()
    except UnicodeDecodeError:
        raw = array.cast("large_binary").to_pylist()
        values = [None if v is None else v.decode(errors="surrogateescape") for v in raw]
    return values


def to_bytes(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    file_format: Format,
    header: Sequence[str] | None,
    separator: str | None = None,
) -> bytes:
    """Encode rows as one part of a text file. `join` combines parts.

    Args:
        rows: values by column.
        columns: all columns, in order.
        file_format: the file's format, any but parquet.
        header: column names of csv and tsv, written first; None if this is not the first part.
        separator: the character between two columns; None: the usual one.
    """
    text = io.StringIO(newline="")
    if file_format.kind in DELIMITERS:
        writer = csv.writer(text, delimiter=separator or DELIMITERS[file_format.kind])
        if header is not None:
            writer.writerow(header)
        writer.writerows([row[column] for column in columns] for row in rows)
    else:
        text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return pack_piece(text.getvalue().encode(), file_format.packing)


def to_parquet(rows: Sequence[Mapping[str, Any]], schema: Any) -> bytes:  # noqa: ANN401
    """Encode rows as a parquet file. `schema` is a `pyarrow.Schema`."""
    library = pyarrow()
    buffer = io.BytesIO()
    library.parquet.write_table(library.Table.from_pylist(list(rows), schema=schema), buffer)
    return buffer.getvalue()


def join(pieces: Sequence[Path], file_format: Format, file: IO[bytes]) -> None:
    """Join pieces into a file, in their order.

    Args:
        pieces: files that `to_bytes` or `to_parquet` made.
        file_format: the format of the file to write.
        file: the open file to write to.
    """
    if file_format.kind == ".parquet" and not file_format.packing:
        _join_parquet(pieces, file)
    elif file_format.kind == ".parquet":
        with tempfile.TemporaryFile() as whole:
            _join_parquet(pieces, whole)
            whole.seek(0)
            with packing_into(file, file_format.packing, file_format.member) as stream:
                shutil.copyfileobj(whole, stream)
    elif file_format.packing == ".zip":
        with packing_into(file, file_format.packing, file_format.member) as stream:
            _join_bytes(pieces, stream)
    else:
        _join_bytes(pieces, file)


def _join_parquet(pieces: Sequence[Path], file: IO[bytes]) -> None:
    parquet = pyarrow().parquet
    with parquet.ParquetWriter(file, parquet.read_schema(pieces[0])) as writer:
        for piece in pieces:
            writer.write_table(parquet.read_table(piece))


def _join_bytes(pieces: Sequence[Path], file: IO[bytes]) -> None:
    for piece in pieces:
        with piece.open("rb") as part:
            shutil.copyfileobj(part, file)


def without_formula(value: Any) -> Any:  # noqa: ANN401
    """The value; a text that a spreadsheet would take for a formula gets a ' before it."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value
