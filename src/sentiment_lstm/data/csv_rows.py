"""Splits a csv file into rows. A row that cannot be read spoils no other row.

Quoted fields may hold line breaks. Two things can go wrong:

- A row is too long. It is left out up to its end, which may be far behind the limit.
- A quote never closes. Either the file ends first, or the next quote stands inside a field, because
  it was meant to open another field. Only the line with the quote is left out. The lines after it
  are rows of their own.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from typing import TextIO

from sentiment_lstm.data.quotes import QUOTE, QuoteScanner
from sentiment_lstm.data.record import TOO_LONG, Record
from sentiment_lstm.errors import DataError

UNCLOSED = "unreadable (a quote never closes)"


class _TooLongError(Exception):
    """A row goes on after the limit."""


class CsvRows:
    """The rows of a csv file, in order.

    Args:
        file: the text, opened with `newline=""`.
        separator: the character between two columns.
        longest_field: most characters of a field.
        longest_row: most characters of a row, more than `longest_field`. Memory holds a few rows.
    """

    def __init__(self, file: TextIO, separator: str, longest_field: int, longest_row: int) -> None:
        self._file, self._separator = file, separator
        self._longest_field, self._longest_row = longest_field, longest_row
        self._number = 0
        """The number of the last line that was read."""
        self._source = file
        """Where the next line comes from: the file, or lines that are read again."""
        self._last_alone = 0
        """Up to this line, each line is a row: a quote that is still open ends with its line."""
        self._line: str | None = None
        """The first line of a row, before the csv module takes it."""
        self._more: TextIO | None = None
        """The other lines of the row."""
        self._size = 0
        """The characters of the row."""
        # The limit of the csv module is global, and the usual one (131,072) refuses long texts.
        csv.field_size_limit(max(csv.field_size_limit(), longest_row))
        self._strict = csv.reader(self, delimiter=separator, strict=True)

    def skip_line(self) -> None:
        """Skip a line."""
        self._readline()
        self._number += 1

    def records(self) -> Iterator[Record[list[str]]]:
        """The rows from the next line on. Blank lines are skipped."""
        try:
            while line := self._source.readline(self._longest_row) or self._readline():
                self._number += 1
                if self._number == 1:  # `utf-16-le` and others keep the byte order mark
                    line = line.removeprefix("\ufeff")
                if QUOTE not in line and len(line) <= self._longest_field:
                    if content := line.rstrip("\r\n"):
                        yield Record(self._number, content.split(self._separator), line)
                elif record := self._read_row(line):
                    yield record
        finally:
            self._forget_more()
            self._source.close()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line of a row, for the csv module."""
        if self._line is not None:
            line, self._line = self._line, None
            return line
        line = "" if self._number < self._last_alone else self._readline()
        if not line:
            raise StopIteration
        self._number += 1
        self._keep(line)
        if self._size >= self._longest_row:
            raise _TooLongError
        return line

    def _readline(self) -> str:
        line = self._source.readline(self._longest_row)
        if not line and self._source is not self._file:
            self._source.close()
            self._source = self._file
            line = self._source.readline(self._longest_row)
        return line

    def _keep(self, text: str) -> None:
        """Keep text after the first line of the row. Long text is kept on the disk."""
        self._size += len(text)
        try:
            if self._more is None:
                self._more = io.StringIO(newline="")
            if self._size > self._longest_row and isinstance(self._more, io.StringIO):
                kept = self._more.getvalue()
                self._more = tempfile.TemporaryFile(  # noqa: SIM115 (closed with the row)
                    "w+", encoding="utf-8", errors="surrogatepass", newline=""
                )
                self._more.write(kept)
            self._more.write(text)
        except OSError as error:
            raise DataError(
                f"Expected room in {tempfile.gettempdir()} for the rows after an open quote, "
                f"found: {error.strerror}; set TMPDIR to another folder."
            ) from error

    def _read_row(self, line: str) -> Record[list[str]] | None:
        """The row that begins with this line; None if it has no fields."""
        if self._more is not None:
            self._forget_more()
        self._line, self._size, first = line, len(line), self._number
        try:
            if self._size >= self._longest_row:
                raise _TooLongError
            values = next(self._strict)
        except (_TooLongError, csv.Error):
            return self._read_odd_row(first, line)
        if self._more is None and self._size <= self._longest_field:
            return Record(first, values, line)
        return self._record(first, line, values)

    def _read_odd_row(self, first: int, line: str) -> Record[list[str]] | None:
        """The same for a row that is too long, or has a closing quote inside a field."""
        scanner = QuoteScanner(self._separator)
        self._finish_line(line, scanner)
        if not self._finish_row(scanner) or scanner.is_open:
            return self._unclosed(first, line)
        values: list[str] = []
        if self._size <= self._longest_row:
            lines = io.StringIO(line + self._read_more(), newline="")
            values = next(csv.reader(lines, delimiter=self._separator))
        return self._record(first, line, values)

    def _finish_line(self, line: str, scanner: QuoteScanner) -> None:
        """Scan the first line, and the rest of it if it was cut."""
        piece = line
        scanner.read(line, strict=False)
        while len(piece) == self._longest_row and not _ends_line(piece):
            piece = self._readline()
            self._size += len(piece)
            scanner.read(piece, strict=False)

    def _finish_row(self, scanner: QuoteScanner) -> bool:
        """Scan the other lines of the row.

        False if a quote stands inside a field: then an earlier quote never closes.
        """
        text = self._read_more()
        ends_line = not text or _ends_line(text)
        is_regular = scanner.read(text, strict=True)
        while (scanner.is_open and is_regular) or not ends_line:
            if ends_line and self._number < self._last_alone:
                break
            piece = self._readline()
            if not piece:
                break
            self._number += ends_line
            self._keep(piece)
            ends_line = _ends_line(piece)
            is_regular = is_regular and scanner.read(piece, strict=True)
        return is_regular

    def _record(self, first: int, line: str, values: list[str]) -> Record[list[str]] | None:
        if self._size > self._longest_row or (
            self._size > self._longest_field
            and max(map(len, values), default=0) > self._longest_field
        ):
            text = line + self._read_more(self._longest_field)
            return Record(first, None, text[: self._longest_field], TOO_LONG)
        return Record(first, values, line + self._read_more()) if values else None

    def _read_more(self, size: int = -1) -> str:
        """The other lines of the row; at most `size` characters if it is not negative."""
        if self._more is None:
            return ""
        self._more.seek(0)
        return self._more.read(size)

    def _forget_more(self) -> None:
        if self._more is not None:
            self._more.close()
        self._more = None

    def _unclosed(self, first: int, line: str) -> Record[list[str]]:
        """Set the first line aside, and go back to the line after it."""
        if self._more is not None:
            self._more.seek(0)
            self._source, self._more = self._more, None
            self._number, self._last_alone = first, self._number
        return Record(first, None, line[: self._longest_field], UNCLOSED)


def _ends_line(text: str) -> bool:
    return text[-1] in "\r\n"
