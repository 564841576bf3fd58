"""Turns arrow's values into Python's. A value that Python cannot hold spoils no other value."""

from __future__ import annotations

from typing import Any

from sentiment_lstm.data.libraries import pyarrow


def python_values(array: Any) -> tuple[list[Any], list[int]]:  # noqa: ANN401
    """The values of an array, and the indices of those that Python cannot hold.

    Such a value is None. In a text, bytes that are not UTF-8 become lone surrogates.
    """
    library = pyarrow()
    # ValueError: bad UTF-8, struct fields of one name. OverflowError: times. ArrowException: zones.
    damage = (ValueError, OverflowError, library.ArrowException)
    try:
        return array.to_pylist(), []
    except damage:
        pass
    if library.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    values: list[Any] = []
    unreadable = []
    for index, cell in enumerate(array):
        try:
            values.append(_python_value(cell, library))
        except damage:
            values.append(None)
            unreadable.append(index)
    return values, unreadable


def _python_value(cell: Any, library: Any) -> Any:  # noqa: ANN401
    try:
        return cell.as_py()
    except UnicodeDecodeError:
        if not isinstance(cell, library.StringScalar):
            raise
        return bytes(cell.as_buffer()).decode(errors="surrogateescape")
