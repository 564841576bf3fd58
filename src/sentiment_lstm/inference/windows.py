"""Cuts a stream of texts into windows of bounded size. Knows no model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sentiment_lstm.errors import UsageError
from sentiment_lstm.records import is_missing

_WINDOW_TEXTS = 2048
_WINDOW_CHARACTERS = 2_000_000
"""A window closes at either limit: about 1,500 reviews, enough for batches with little padding."""


def with_next(
    windows: Iterator[list[str]],
) -> Iterator[tuple[list[str], list[str] | None]]:
    """Yield each window with its successor. An error is raised after the windows before it."""
    window = next(windows, None)
    while window is not None:
        try:
            next_window = next(windows, None)
        except Exception:
            yield window, None
            raise
        yield window, next_window
        window = next_window


def windows_of(texts: Iterable[str]) -> Iterator[list[str]]:
    """Check each text of a stream, and yield lists of texts of bounded size.

    Raises:
        UsageError: `texts` is one string or a table, or holds something that is not a string.
    """
    window: list[str] = []
    characters = 0
    for text in _checked(texts):
        window.append(text)
        characters += len(text)
        if len(window) == _WINDOW_TEXTS or characters >= _WINDOW_CHARACTERS:
            yield window
            window, characters = [], 0
    if window:
        yield window


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, str):
        raise UsageError("Expected a list of texts, found one text: put it in a list.")
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):  # they give their columns' names
        raise UsageError(
            f"Expected a list of texts, found {type(texts).__name__}: give one column, such as "
            "table['text']."
        )
    if hasattr(texts, "to_pylist"):  # the elements of an Arrow array are no strings
        texts = texts.to_pylist()
    try:
        numbered = enumerate(texts)
    except TypeError:
        raise UsageError(
            f"Expected a list of texts, found {type(texts).__name__}: put the texts in a list."
        ) from None
    for index, text in numbered:
        if not isinstance(text, str):
            raise not_a_string(text, index)
        yield text


def not_a_string(value: object, index: int) -> UsageError:
    """The error for a value among texts; `index` is its position, from 0."""
    kind = type(value).__name__
    if is_missing(value):
        return UsageError(
            f"Expected every text to be a string, found a missing value ({value}) at index "
            f"{index}: leave such rows out, or put an empty text there."
        )
    return UsageError(
        f"Expected every text to be a string, found {kind} at index {index}: convert the texts to "
        "strings."
    )
