"""Reads files with one JSON object a line. A line that cannot be read spoils no other line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from sentiment_lstm.data.encodings import UTF_8, bad_bytes, decoded
from sentiment_lstm.data.record import TOO_LONG, Record
from sentiment_lstm.data.screening import is_utf8

UNREADABLE = "unreadable"
REPEATED_KEY = "a repeated key"

_MOST_DEPTH = 100
"""A deeper value is unreadable. Python's JSON encoder fails at about 1,000 levels."""


class _RepeatedKeyError(ValueError):
    """An object names a key twice."""


def read_json_lines(
    stream: IO[bytes], encoding: str = UTF_8, *, longest_line: int
) -> Iterator[Record[dict[str, Any]]]:
    """The rows of a file with one JSON object a line; blank lines are skipped.

    As in `json.loads`, numbers may be NaN or infinite.

    Args:
        stream: the file's bytes, from `formats.open_table`.
        encoding: its encoding.
        longest_line: most characters of a line; the end of a longer line is skipped.
    """
    file = decoded(stream, encoding)
    number = 0
    while line := file.readline(longest_line):
        number += 1
        if number == 1:  # `utf-16-le` and others keep the byte order mark
            line = line.removeprefix("\ufeff")
        is_cut, rest = False, line
        while len(rest) == longest_line and rest[-1] not in "\r\n":
            is_cut, rest = True, file.readline(longest_line)
        if is_cut:
            yield Record(number, None, line, TOO_LONG)
        elif line.strip():
            yield _record(line, number, encoding)


def _record(line: str, number: int, encoding: str) -> Record[dict[str, Any]]:
    problem = UNREADABLE
    if not is_utf8(line):
        problem = bad_bytes(encoding)
    else:
        try:
            values = _DECODER.decode(line)
        except _RepeatedKeyError:
            problem = REPEATED_KEY
        except (ValueError, RecursionError):
            pass
        else:
            deep = line.count("[") + line.count("{") > _MOST_DEPTH and _is_deep(values)
            if isinstance(values, dict) and not deep:
                return Record(number, values, line)
    return Record(number, None, line, problem)


def _is_deep(value: Any) -> bool:  # noqa: ANN401
    """Whether lists and objects are nested too deeply."""
    level = [value]
    for _ in range(_MOST_DEPTH):
        children = (each.values() if isinstance(each, dict) else each for each in level)
        level = [child for each in children for child in each if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _RepeatedKeyError
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
