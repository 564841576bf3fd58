"""Follows the quotes of a csv row that is too long for memory. This file reads no files."""

from __future__ import annotations

from enum import Enum, auto

QUOTE = '"'


class _State(Enum):
    START = auto()
    """At the start of a field."""
    FIELD = auto()
    """In a field without quotes. A quote there is an ordinary character."""
    QUOTED = auto()
    """Between quotes."""
    CLOSED = auto()
    """After a quote that closes a field, or is the first of two that stand for one quote."""
    PADDED = auto()
    """After a closing quote and spaces."""


class QuoteScanner:
    """Reads a row in pieces, cut anywhere, by the rules of `csv.reader`.

    Args:
        separator: the character between two columns.
    """

    def __init__(self, separator: str) -> None:
        self._separator, self._opening = separator, separator + QUOTE
        self._state = _State.START

    @property
    def is_open(self) -> bool:
        """Whether the text read so far ends between quotes."""
        return self._state is _State.QUOTED

    def read(self, text: str, *, strict: bool) -> bool:
        """Read a piece of the row.

        Args:
            text: the piece.
            strict: stop if a field goes on after its closing quote.

        Returns:
            False if it stopped.
        """
        at = 0
        while at < len(text):
            if self._state is _State.QUOTED:
                at = text.find(QUOTE, at) + 1
                if not at:
                    break
                self._state = _State.CLOSED
            elif self._state is _State.FIELD:
                at = text.find(self._opening, at) + len(self._opening)
                if at < len(self._opening):
                    if text[-1] == self._separator:
                        self._state = _State.START
                    break
                self._state = _State.QUOTED
            elif self._is_expected(text[at]):
                at += 1
            elif strict and self._state is not _State.START and text[at] not in "\r\n":
                return False
            else:
                self._state = _State.FIELD
        return True

    def _is_expected(self, character: str) -> bool:
        """Whether a quote, a separator or a space may stand here; then read it."""
        if character == QUOTE and self._state is not _State.PADDED:
            self._state = _State.QUOTED
        elif self._state is _State.START:
            return False
        elif character == self._separator:
            self._state = _State.START
        elif character == " ":
            self._state = _State.PADDED
        else:
            return False
        return True
