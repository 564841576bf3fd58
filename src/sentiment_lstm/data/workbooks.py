"""Reads the first sheet of an xlsx workbook by rows, as csv is read: each cell is a text.

Rows are streamed. Memory holds one row and the workbook's table of different texts. This file does
not know which columns hold texts or labels.
"""

from __future__ import annotations

import logging
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from sentiment_lstm.data.libraries import first_line, openpyxl
from sentiment_lstm.data.packing import Growth, check_sizes
from sentiment_lstm.data.record import UNREADABLE_VALUE, Record
from sentiment_lstm.errors import DataError

# The errors of zipfile, zlib, the XML parser and openpyxl for damaged or unusual workbooks.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, ParseError, OSError, EOFError, KeyError, IndexError, ValueError,
    TypeError, AttributeError, NotImplementedError,
)  # fmt: skip
_BAD_CELL = (ValueError, OverflowError, IndexError, KeyError, TypeError, AttributeError)
"""The errors of openpyxl for a cell whose value does not fit its kind."""
_UNREADABLE = object()
"""The value of such a cell."""
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""How a workbook writes characters that XML cannot hold: `_x000D_`."""

_logger = logging.getLogger(__name__)


def read_workbook(
    stream: IO[bytes], path: Path, growth: Growth | None = None
) -> tuple[list[str], Iterator[Record[list[str]]]]:
    """The column names of a workbook's first visible sheet, and its rows.

    The first row with a value holds the column names. Empty rows are left out. Numbers, dates and
    truth values are written as a spreadsheet shows them; a formula is read as its last result. A
    row with a cell that cannot be read, such as a date of month 13, has no values.

    Args:
        stream: the file's bytes, from `formats.open_table`.
        path: its path, for messages.
        growth: how much each file in it may grow; see `packing.check_sizes`.

    Raises:
        DataError: here or while rows are read: the file is damaged, or it has no sheet.
        MissingExtraError: openpyxl is not installed.
    """
    library = openpyxl()
    check_sizes(stream, path, growth)
    with _explained(path):
        workbook = library.load_workbook(stream, read_only=True, data_only=True)
        rows = _rows(_first_sheet(workbook, path.name), path)
        _, header = next(rows, (0, []))
    if header is None:
        raise DataError(
            f"Expected column names in the first row of {path.name}, found a cell that cannot be "
            "read: correct it in a spreadsheet, and save the file again."
        )
    header = [name.strip() for name in header]
    return header, _records(rows, len(header))


def _first_sheet(workbook: Any, name: str) -> Any:  # noqa: ANN401
    sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    if not sheets:
        raise DataError(f"Expected a sheet of rows in {name}, found none; save it with one.")
    if len(sheets) > 1:
        others = ", ".join(sheet.title for sheet in sheets[1:6])
        _say_once(
            f"Read the first sheet of {name}, {sheets[0].title}; for another ({others}), "
            "save it as a file of its own."
        )
    return sheets[0]


@cache
def _say_once(sentence: str) -> None:
    _logger.warning("%s", sentence)


def _rows(sheet: Any, path: Path) -> Iterator[tuple[int, list[str] | None]]:  # noqa: ANN401
    """The number and the cells of each row that is not empty, without empty cells at its end.

    None in place of cells if one of them cannot be read.
    """
    last = 0
    with _explained(path):
        for number, cells in _parsed(sheet):
            values = {cell["column"]: cell["value"] for cell in cells}
            is_readable = all(cell["value"] is not _UNREADABLE for cell in cells)
            if number <= last or (is_readable and len(values) < len(cells)):
                raise DataError(
                    f"Expected rows and cells in different places in {path.name}, found row "
                    f"{number} after row {last}, or two cells in one column: open it in a "
                    "spreadsheet and save it again."
                )
            last = number
            if not is_readable:
                yield number, None
                continue
            texts = [_text(values.get(column)) for column in range(1, max(values, default=0) + 1)]
            while texts and not texts[-1]:
                texts.pop()
            if texts:
                yield number, texts


def _parsed(sheet: Any) -> Iterator[tuple[int, list[dict[str, Any]]]]:  # noqa: ANN401
    """The rows as they are in the file.

    openpyxl's own `iter_rows` leaves out rows and cells that are not in rising order. It gives an
    empty row for each missing number, so one very large number would take for ever.
    """
    from openpyxl.worksheet._reader import WorkSheetParser

    book = sheet.parent
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source, sheet._shared_strings, data_only=book.data_only, epoch=book.epoch,
            date_formats=book._date_formats, timedelta_formats=book._timedelta_formats,
        )  # fmt: skip
        parser.parse_cell = partial(_parse_cell, parser.parse_cell)
        yield from parser.parse()


def _parse_cell(parse: Callable[[Any], dict[str, Any]], element: Any) -> dict[str, Any]:  # noqa: ANN401
    try:
        return parse(element)
    except _BAD_CELL:
        return {"column": 0, "value": _UNREADABLE}


def _records(
    rows: Iterator[tuple[int, list[str] | None]], width: int
) -> Iterator[Record[list[str]]]:
    for number, texts in rows:
        if texts is None:
            yield Record(number, None, "", UNREADABLE_VALUE)
        else:
            yield Record(number, texts + [""] * (width - len(texts)))


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), cell)
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.isoformat(" ").removesuffix(" 00:00:00")
    return str(cell)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn damage into a `DataError`."""
    try:
        yield
    except DataError:  # it is a `ValueError` too
        raise
    except _DAMAGE as error:
        raise DataError(
            f"Expected a whole xlsx workbook at {path.name}, found: {first_line(error)}."
        ) from error
