"""Slips of the finger read as the words that were meant: "perfromance" as "performance".

In a long word a letter that is missing, typed twice or swapped with its neighbour leaves a word of
the vocabulary near, while its own subwords say little. Shorter words and other changes are no such
sign: too many words differ by them ("barley" and "barely", "carping" and "caring"). A rare word
beside a frequent one may still be taken for a slip. Knows no model.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sentiment_lstm.records import UNKNOWN_ID

FREQUENT = 10_000
"""What was meant is among as many first ids of a vocabulary: of words the most frequent, of
subwords those that were merged first."""
LETTERS = 7
"""A word of fewer letters is taken as typed."""

Tokens = tuple[list[int], list[tuple[int, int]]]
"""The ids of a text's tokens and the span of each in the text."""


class Spelling:
    """Looks up which word was meant.

    Args:
        tokens: of a vocabulary, by id.
        mark: what a token begins with that begins a word; empty where every token does.
    """

    def __init__(self, tokens: Sequence[str], mark: str) -> None:
        self._begins = [token.startswith(mark) for token in tokens]
        self._meant: dict[str, int] = {}
        for id_, token in enumerate(tokens[:FREQUENT]):
            word = token.removeprefix(mark)
            if self._begins[id_] and word.isalpha() and word.isascii():
                for typed in _mistyped(word):
                    self._meant.setdefault(typed, id_)

    def meant(self, typed: str) -> int | None:
        """The id of the word that was meant, of several the first; None where none is near."""
        return self._meant.get(typed.lower())

    def corrected(self, text: str, tokens: Tokens) -> Tokens:
        """Put the token of what was meant for those of a word that the vocabulary lacks."""
        ids, spans = tokens
        starts = [at for at, id_ in enumerate(ids) if at == 0 or self._begins[id_]]
        kept_ids, kept_spans = [], []
        for start, end in pairwise([*starts, len(ids)]):
            part, whole = slice(start, end), (spans[start][0], spans[end - 1][1])
            known = end - start == 1 and ids[start] != UNKNOWN_ID
            meant = None if known or _accented(text, whole[1]) else self.meant(text[slice(*whole)])
            kept_ids += ids[part] if meant is None else [meant]
            kept_spans += spans[part] if meant is None else [whole]
        return kept_ids, kept_spans


def _accented(text: str, end: int) -> bool:
    """Whether the letter that ends there is composed with the next, which its span leaves out."""
    return end < len(text) and unicodedata.combining(text[end]) > 0


def _mistyped(word: str) -> Iterator[str]:
    """The word with one inner letter left out, typed twice, or swapped with the next inner one."""
    for at in range(1, len(word) - 1):
        before, letter, after = word[:at], word[at], word[at + 1 :]
        swapped = before + after[0] + letter + after[1:] if len(after) > 1 else word
        slips = (before + after, before + letter + letter + after, swapped)
        yield from (slip for slip in slips if len(slip) >= LETTERS)
