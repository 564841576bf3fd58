"""Rows of a file with all their columns, and rows back into a file's bytes.

csv, tsv, jsonl and parquet, also as gz and zst. Memory holds one row (of parquet: one batch) at a
time. Knows no model; what a row's text is worth is not known here.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sentiment_lstm.data.files import (
    DELIMITERS,
    Lines,
    as_text,
    csv_header,
    first_line,
    json_object,
)
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.errors import DataError, MissingExtraError, UsageError
from sentiment_lstm.settings import DataSettings

KINDS = (".csv", ".tsv", ".jsonl", ".parquet")
PACKED = (".gz", ".zst")
_LIMIT = 16_000_000
"""Characters of a line beyond which it is cut: memory stays bounded."""
_BATCH = 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Format:
    """What a file's name says: its kind, one of `KINDS`, and how it is packed, or ""."""

    kind: str
    packed: str = ""

    @classmethod
    def of(cls, name: str) -> Format:
        """Read it off a name such as `reviews.csv.gz`.

        Raises:
            UsageError: another ending.
        """
        suffixes = [suffix.lower() for suffix in Path(name).suffixes]
        packed = suffixes.pop() if suffixes and suffixes[-1] in PACKED else ""
        kind = suffixes[-1].replace(".ndjson", ".jsonl") if suffixes else ""
        if kind not in KINDS or (packed and kind == ".parquet"):
            raise UsageError(
                f"Expected a file ending in {', '.join(KINDS)}, or the first three with "
                f"{' or '.join(PACKED)}, found {name}."
            )
        return cls(kind, packed)


@dataclass(frozen=True, slots=True)
class Record:
    """A row as found: `values` by column, None where it cannot be read (`problem` says why).

    `line` counts lines of text files and rows of others from 1; `raw` is the row as it stands.
    """

    line: int
    values: dict[str, Any] | None
    raw: str = ""
    problem: str | None = None


def read_records(file: IO[bytes], form: Format, name: str) -> Iterator[Record]:
    """Every row of an open file.

    Raises:
        DataError: no header, or a damaged file.
        MissingExtraError: a library that reads this kind of file is not installed.
    """
    unpacked = _unpacked(file, form.packed)
    damaged: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error)
    if form.packed == ".zst":
        damaged = (*damaged, zstandard().ZstdError)
    try:
        if form.kind in DELIMITERS:
            yield from _csv_records(unpacked, name, DELIMITERS[form.kind])
        elif form.kind == ".parquet":
            yield from _parquet_records(unpacked, name)
        else:
            yield from _json_records(unpacked)
    except damaged as error:
        raise DataError(f"Expected a whole file at {name}, found: {error}.") from error


def header_of(path: Path, form: Format) -> list[str]:
    """The names of the columns that a file has without a row; for one that `read_records` read."""
    if form.kind == ".parquet":
        names: list[str] = pyarrow().parquet.read_schema(path).names
        return names
    if form.kind not in DELIMITERS:
        return []
    with path.open("rb") as file, as_text(_unpacked(file, form.packed)) as text:
        return csv_header(csv.reader(text, delimiter=DELIMITERS[form.kind]), path.name)


def _unpacked(file: IO[bytes], packed: str) -> IO[bytes]:
    if packed == ".gz":
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    return io.BufferedReader(_Unpacking(file)) if packed == ".zst" else file


class _Unpacking(io.RawIOBase):
    """A zst file read as what it holds; unlike the library's reader it misses a missing end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._packed, self._found = file, b"", b""
        self._frame = zstandard().ZstdDecompressor().decompressobj()

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        """Fill a buffer.

        Raises:
            EOFError: the file ends within a frame.
        """
        while not self._found:
            self._packed = self._packed or self._file.read(1 << 16)
            if not self._packed:
                if not self._frame.eof:
                    raise EOFError("it ends too early")
                return 0
            if self._frame.eof:
                self._frame = zstandard().ZstdDecompressor().decompressobj()
            self._found = self._frame.decompress(self._packed)
            self._packed = self._frame.unused_data
        number = min(len(buffer), len(self._found))
        buffer[:number], self._found = self._found[:number], self._found[number:]
        return number


def _csv_records(file: IO[bytes], name: str, delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(max(csv.field_size_limit(), DataSettings().max_characters))
    with as_text(file) as text:
        lines = Lines(text, _LIMIT)
        reader = csv.reader(lines, delimiter=delimiter)
        header = csv_header(reader, name)
        if not header:
            raise DataError(
                f"Expected a line of column names at the start of {name}, found none: "
                "name a file that holds rows."
            )
        if len(set(header)) < len(header):
            raise DataError(
                f"Expected a header of different names in {name}, found {header}: "
                "name every column once."
            )
        while True:
            lines.begin()
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = "too long" if "limit" in str(error) else "unreadable"
                yield Record(lines.first, None, lines.text, problem)
                continue
            if values:
                yield _csv_record(values, header, lines)


def _csv_record(values: list[str], header: Sequence[str], lines: Lines) -> Record:
    problem = None
    if lines.cut:
        problem = "too long"
    elif lines.wanting:
        problem = "unreadable (a quote never closes)"
    elif len(values) != len(header):
        problem = "another number of fields"
    elif not all(map(is_utf8, values)):
        problem = "bad UTF-8"
    if problem:
        return Record(lines.first, None, lines.text, problem)
    return Record(lines.first, dict(zip(header, values, strict=True)))


def _json_records(file: IO[bytes]) -> Iterator[Record]:
    with as_text(file) as text:
        lines = Lines(text, _LIMIT)
        for line in lines:
            if line.strip():
                yield _json_record(line, lines)
            lines.begin()


def _json_record(line: str, lines: Lines) -> Record:
    values = None if lines.cut else json_object(line)
    if values is None:
        return Record(lines.first, None, line, "too long" if lines.cut else "unreadable")
    if not is_utf8(json.dumps(values, ensure_ascii=False)):
        return Record(lines.first, None, line, "lone surrogate")
    return Record(lines.first, values)


def _parquet_records(file: IO[bytes], name: str) -> Iterator[Record]:
    pa = pyarrow()
    try:
        with pa.parquet.ParquetFile(file) as table:
            line = 0
            for batch in table.iter_batches(batch_size=_BATCH):
                for values in batch.to_pylist():
                    line += 1
                    yield Record(line, values)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"Expected a parquet file that can be read at {name}, found: {first_line(error)}."
        ) from error


def as_bytes(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    form: Format,
    header: Sequence[str] | None,
) -> bytes:
    """Some rows as the next bytes of a text file, packed so that they can be joined.

    Args:
        rows: values by column.
        columns: all columns, in order.
        form: any but parquet.
        header: what stands above the columns of csv and tsv, where the file begins with these rows.
    """
    text = io.StringIO(newline="")
    if form.kind in DELIMITERS:
        writer = csv.writer(text, delimiter=DELIMITERS[form.kind])
        if header is not None:
            writer.writerow(header)
        writer.writerows([row[column] for column in columns] for row in rows)
    else:
        text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    data = text.getvalue().encode()
    if form.packed == ".gz":
        return gzip.compress(data, mtime=0)
    if form.packed == ".zst":
        packed: bytes = zstandard().ZstdCompressor().compress(data)
        return packed
    return data


def as_parquet(rows: Sequence[Mapping[str, Any]], source: Path, added: Mapping[str, str]) -> bytes:
    """A parquet file of the columns of another one, and of further ones with these types."""
    pa = pyarrow()
    schema = pa.parquet.read_schema(source)
    for name, kind in added.items():
        schema = schema.append(pa.field(name, pa.type_for_alias(kind)))
    buffer = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), buffer)
    return buffer.getvalue()


def join(pieces: Sequence[Path], form: Format, file: IO[bytes]) -> None:
    """Write pieces of one format, one after the other, into one file."""
    if form.kind == ".parquet":
        parquet = pyarrow().parquet
        with parquet.ParquetWriter(file, parquet.read_schema(pieces[0])) as writer:
            for piece in pieces:
                writer.write_table(parquet.read_table(piece))
        return
    for piece in pieces:
        with piece.open("rb") as part:
            shutil.copyfileobj(part, file)


def without_formula(value: Any) -> Any:  # noqa: ANN401
    """The value, with a ' before a text that a spreadsheet would take for a formula."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if is_formula else value


def pyarrow() -> Any:  # noqa: ANN401
    """The library that reads parquet.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise _missing("pyarrow", "parquet files") from error
    return pyarrow


def zstandard() -> Any:  # noqa: ANN401
    """The library that reads zst.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import zstandard
    except ModuleNotFoundError as error:
        raise _missing("zstandard", "zst files") from error
    return zstandard


def _missing(library: str, what: str) -> MissingExtraError:
    return MissingExtraError(
        f"Expected {library} to read and write {what}, found it is not installed: "
        "pip install 'sentiment-lstm[files]'."
    )
