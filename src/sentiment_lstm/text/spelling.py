"""Slips of the finger read as the words that were meant: "perfromance" as "performance".

A word with an inner letter too many, one too few or two swapped stands beside one frequent word of
the vocabulary, and its own subwords say little. Another letter in a letter's place is no such sign:
too many words differ by one ("hates", "hades"). Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from sentiment_lstm.records import UNKNOWN_ID

FREQUENT = 10_000
"""What was meant is among as many first ids of a vocabulary: they are its most frequent."""
_WORD = re.compile("[a-z]{5,40}")
"""Shorter words stand beside too many others; the work grows with the square of the length."""

Tokens = tuple[list[int], list[tuple[int, int]]]
"""The ids of a text's tokens and the span of each in the text."""


class Spelling:
    """Looks up which word was meant, by what each frequent one would be without a letter.

    One letter too few is found among those, one too many by leaving one out of what was typed:
    symmetric deletion (Garbe 2012), which needs no search through the vocabulary.

    Args:
        tokens: of a vocabulary, by id.
        mark: what a token begins with that begins a word; empty where every token does.
    """

    def __init__(self, tokens: Sequence[str], mark: str) -> None:
        self._begins = [token.startswith(mark) for token in tokens]
        self._words = {
            token.removeprefix(mark): id_
            for id_, token in enumerate(tokens[:FREQUENT])
            if self._begins[id_] and _WORD.fullmatch(token.removeprefix(mark))
        }
        self._lacking: dict[str, int] = {}
        for word, id_ in self._words.items():
            for lacking in _without_one(word):
                self._lacking.setdefault(lacking, id_)

    def meant(self, word: str) -> int | None:
        """The id of the most frequent word that is one slip away; None where there is none.

        First and last letter are taken as typed, and so are words with anything but small letters.
        """
        if not _WORD.fullmatch(word):
            return None
        found = [self._words.get(typed) for typed in chain(_without_one(word), _swapped(word))]
        known = [id_ for id_ in (*found, self._lacking.get(word)) if id_ is not None]
        return min(known, default=None)

    def corrected(self, text: str, tokens: Tokens) -> Tokens:
        """Put the token of what was meant for those of a word that the vocabulary lacks."""
        ids, spans = tokens
        starts = [place for place, id_ in enumerate(ids) if self._begins[id_]]
        kept: Tokens = ([], [])
        for start, end in pairwise([*starts, len(ids)]):
            whole = (spans[start][0], spans[end - 1][1])
            lacking = end - start > 1 or ids[start] == UNKNOWN_ID
            meant = self.meant(text[slice(*whole)].lower()) if lacking else None
            kept[0].extend(ids[start:end] if meant is None else [meant])
            kept[1].extend(spans[start:end] if meant is None else [whole])
        return kept


def _without_one(word: str) -> Iterator[str]:
    """A word without each of its inner letters: `evening` gives `eening`, `evning` and more."""
    return (word[:at] + word[at + 1 :] for at in range(1, len(word) - 1))


def _swapped(word: str) -> Iterator[str]:
    """A word with each two inner neighbours swapped: `evening` gives `eevning` and more."""
    inner = range(1, len(word) - 2)
    return (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in inner)
