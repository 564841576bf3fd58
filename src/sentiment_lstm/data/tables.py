"""Reads and writes tabular files by rows: csv, tsv, jsonl and parquet, each plain or packed.

A row that cannot be read is still a row, with its problem. Memory holds one row at a time (parquet:
one batch). This file does not know which columns hold texts or labels. `data/files.py` reads rows
for training, `scoring/records.py` for scoring, and each has its own rules for bad rows.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sentiment_lstm.data.cells import python_values
from sentiment_lstm.data.csv_rows import CsvRows
from sentiment_lstm.data.dialect import Dialect
from sentiment_lstm.data.encodings import decoded, shown
from sentiment_lstm.data.formats import DELIMITERS, Format
from sentiment_lstm.data.libraries import first_line, pyarrow
from sentiment_lstm.data.packing import pack_piece, packing_into
from sentiment_lstm.data.record import UNREADABLE_VALUE, Record
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import refuse_repeated
from sentiment_lstm.errors import DataError

_PARQUET_ROWS, _PARQUET_BYTES = 1024, 8_000_000
"""The most rows that are read at once, and about how many bytes they have if the rows are long."""
_FORMULA = re.compile(
    r"[\s\0-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
    r"|[\t\r\n]"
)
"""How a text begins that a spreadsheet may take for a formula: with one of `=+-@`, also in the full
or small width of East Asian scripts, after white space and invisible characters."""


def read_csv(
    stream: IO[bytes], name: str, dialect: Dialect, *, longest_field: int, longest_line: int
) -> tuple[list[str], Iterator[Record[list[str]]]]:
    """The column names of a csv file, and its rows; `csv_rows.py` has the rules.

    Args:
        stream: the file's bytes, from `formats.open_table`.
        name: the file's name, for messages.
        dialect: its encoding and its separator.
        longest_field: most characters of a field; a row with a longer field is "too long".
        longest_line: most characters of a row; a longer row is "too long".

    Raises:
        DataError: the column names are not text in this encoding, or cannot be read.
    """
    rows = CsvRows(
        decoded(stream, dialect.encoding), dialect.separator, longest_field, longest_line
    )
    if dialect.states_separator:
        rows.skip_line()
    records = rows.records()
    return _csv_header(next(records, None), name, dialect), records


def _csv_header(record: Record[list[str]] | None, name: str, dialect: Dialect) -> list[str]:
    if record is not None and record.values is None:
        raise DataError(
            f"Expected a line of column names at the start of {name}, found one that is "
            f"{record.problem}: correct it."
        )
    header = [column.strip() for column in record.values or ()] if record is not None else []
    if not all(map(is_utf8, header)) or any("\0" in column for column in header):
        raise DataError(
            f"Expected {shown(dialect.encoding)} text in {name}, found another encoding; "
            "name it with --encoding, or save the file as UTF-8."
        )
    return header


def parquet_schema(stream: IO[bytes], name: str) -> Any:  # noqa: ANN401
    """The schema of a parquet file, a `pyarrow.Schema`.

    Raises:
        DataError: the file is damaged, or two columns have the same name.
        MissingExtraError: pyarrow is not installed.
    """
    with _open_parquet(stream, name) as table:
        schema = table.schema_arrow
    refuse_repeated(schema.names, name)
    return schema


def read_parquet(
    stream: IO[bytes], name: str, columns: Sequence[str] | None = None
) -> Iterator[Record[dict[str, Any]]]:
    """The rows of a parquet file, with these columns or with all.

    In texts, bytes that are not UTF-8 become lone surrogates. A row with another value that Python
    cannot hold, such as a time after the year 9999, has no values.

    Raises:
        DataError: the file is damaged.
        MissingExtraError: pyarrow is not installed.
    """
    line = 0
    with _open_parquet(stream, name) as table:
        for batch in table.iter_batches(batch_size=_rows_at_once(table), columns=columns):
            arrays = zip(batch.schema.names, batch.columns, strict=True)
            cells = {column: python_values(array) for column, array in arrays}
            unreadable = {i for _, rows in cells.values() for i in rows}
            for i in range(batch.num_rows):
                line += 1
                values = {column: cells[column][0][i] for column in cells}
                if i in unreadable:
                    raw = json.dumps(values, default=str)
                    yield Record(line, None, raw, UNREADABLE_VALUE)
                else:
                    yield Record(line, values)


def _rows_at_once(table: Any) -> int:  # noqa: ANN401
    groups = [table.metadata.row_group(n) for n in range(table.num_row_groups)]
    most = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=0)
    return max(1, min(_PARQUET_ROWS, _PARQUET_BYTES // max(1, most)))


@contextmanager
def _open_parquet(stream: IO[bytes], name: str) -> Iterator[Any]:
    library = pyarrow()
    try:
        schema = library.parquet.read_schema(stream)
        # Otherwise one bad text in a column of categories would make the file unreadable.
        categories = [field.name for field in schema if library.types.is_dictionary(field.type)]
        stream.seek(0)
        with library.parquet.ParquetFile(stream, read_dictionary=categories) as table:
            yield table
    except (library.ArrowException, OSError, UnicodeDecodeError) as error:  # of column names
        raise DataError(
            f"Expected a whole parquet file at {name}, found: {first_line(error)}."
        ) from error


def to_bytes(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    file_format: Format,
    header: Sequence[str] | None,
    separator: str | None = None,
) -> bytes:
    """Encode rows as one part of a text file. `join` combines parts.

    Args:
        rows: values by column. A column that a row lacks is empty in csv and tsv. A list or an
            object becomes JSON there.
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
        writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    else:
        text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return pack_piece(text.getvalue().encode(), file_format.packing)


def _cell(value: Any) -> Any:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


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
    is_formula = isinstance(value, str) and _FORMULA.match(value)
    return f"'{value}" if is_formula else value
