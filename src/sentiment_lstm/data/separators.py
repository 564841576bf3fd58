"""Detects which character separates the columns of a csv file. It knows no bytes and no files."""

from __future__ import annotations

import csv
import io
import re

from sentiment_lstm.errors import UsageError

COMMA = ","
SEPARATORS = (COMMA, ";", "\t", "|")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": COMMA, "semicolon": ";", "pipe": "|"}
_STATED = re.compile(r'"?sep=([^"\r\n])"?[\r\n]+', re.IGNORECASE)
_SAMPLE_ROWS = 200
_LEAST_FRACTION = 0.5
"""A separator other than the comma needs this fraction of rows with the header's number of
fields."""


def check_separator(text: str) -> str:
    """The character that a user names: `;`, or `tab` for a tab.

    Raises:
        UsageError: it is not one character, or a quote or a line break.
    """
    separator = _NAMES.get(text.lower(), text)
    if len(separator) != 1 or separator in '"\r\n':
        raise UsageError(
            f"Expected one character between columns, such as ; or tab, found {text!r}; "
            "name another --separator."
        )
    return separator


def shown(separator: str) -> str:
    """A separator for messages: `tabs`, or the character."""
    return "tabs" if separator == "\t" else separator


def stated_separator(text: str) -> str | None:
    """The separator that Excel states in a file's first line, `sep=;`. None without such a line."""
    stated = _STATED.match(text)
    return stated[1] if stated else None


def judge_separator(text: str, *, whole: bool) -> str:
    """The separator that the header contains and that splits the rows like the header.

    Quoted fields are respected. The comma wins if another separator does not fit better.

    Args:
        text: the first characters of the file, from its header on.
        whole: whether this is the whole file. If not, its last row may be cut.
    """
    fractions = {separator: _fraction_that_fits(text, separator, whole) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: fractions[separator])
    return best if fractions[best] >= _LEAST_FRACTION else COMMA


def _fraction_that_fits(text: str, separator: str, whole: bool) -> float:
    """The fraction of rows with as many fields as the header; 0 if the header has one field."""
    rows = _first_rows(text, separator)
    if not whole and len(rows) <= _SAMPLE_ROWS:
        rows = rows[:-1] or rows
    if not rows or len(rows[0]) < 2:
        return 0.0
    fitting = sum(len(row) == len(rows[0]) for row in rows)
    return fitting / len(rows)


def _first_rows(text: str, separator: str) -> list[list[str]]:
    """At most `_SAMPLE_ROWS` rows after the header, without empty lines."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) > _SAMPLE_ROWS:
                break
    except csv.Error:  # for example a field that is too long
        pass
    return rows
