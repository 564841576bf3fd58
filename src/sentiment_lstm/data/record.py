"""A row of a tabular file, before its columns are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

TOO_LONG = "too long"
"""The problem of a row that is longer than its reader accepts."""
UNREADABLE_VALUE = "unreadable value"
"""The problem of a row of parquet or xlsx with a value that Python cannot hold."""

Values = TypeVar("Values", list[str], dict[str, Any])


@dataclass(frozen=True, slots=True)
class Record(Generic[Values]):
    """A row of a file: its fields in order (csv), or by column (jsonl, parquet).

    `line` is the number of the row's first line, from 1. For parquet and xlsx it is the row number.
    `values` is None if the row cannot be read; then `problem` says why. `raw_text` is the row as it
    is in the file, or only its beginning if it is too long. In parquet and xlsx it is "".
    """

    line: int
    values: Values | None
    raw_text: str = ""
    problem: str | None = None
