"""Corrects typing slips: "perfromance" is read as "performance".

A long word with a letter missing, doubled or swapped with the next is close to one word of the
vocabulary. Short words and other changes are left alone, because too many real words differ that
way ("barley" and "barely", "carping" and "caring"). A rare word that is close to a frequent one may
still be taken for a slip. Knows no model.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sentiment_lstm.records import UNKNOWN_ID

FREQUENT = 10_000
"""A correction is one of the first ids of the vocabulary: the most frequent words, or the subwords
that were merged first."""
LETTERS = 7
"""A shorter word is never corrected."""
LONGEST = 40
"""Longer words are never corrections, because their slips would take too much memory."""

Tokens = tuple[list[int], list[tuple[int, int]]]
"""The ids of a text's tokens and the span of each in the text."""


class Spelling:
    """Looks up the correction of a word.

    Args:
        tokens: the vocabulary, by id.
        mark: the prefix of a token that starts a word; empty if every token does.
    """

    def __init__(self, tokens: Sequence[str], mark: str) -> None:
        self._begins = [token.startswith(mark) for token in tokens]
        self._meant: dict[str, int] = {}
        for id_, token in enumerate(tokens[:FREQUENT]):
            word = token.removeprefix(mark)
            fits = len(word) <= LONGEST and word.isalpha() and word.isascii()
            if self._begins[id_] and fits:
                for typed in _mistyped(word):
                    self._meant.setdefault(typed, id_)

    def meant(self, typed: str) -> int | None:
        """Return the id of the correction, or None. Of several, the first in the vocabulary."""
        return self._meant.get(typed.lower())

    def corrected(self, text: str, tokens: Tokens) -> Tokens:
        """Replace the tokens of a word that the vocabulary lacks by its correction."""
        ids, spans = tokens
        starts = [index for index, id_ in enumerate(ids) if index == 0 or self._begins[id_]]
        kept_ids, kept_spans = [], []
        for start, end in pairwise([*starts, len(ids)]):
            part, whole = slice(start, end), (spans[start][0], spans[end - 1][1])
            known = end - start == 1 and ids[start] != UNKNOWN_ID
            meant = None if known or _accented(text, whole[1]) else self.meant(text[slice(*whole)])
            kept_ids += ids[part] if meant is None else [meant]
            kept_spans += spans[part] if meant is None else [whole]
        return kept_ids, kept_spans


def _accented(text: str, end: int) -> bool:
    """Whether a combining character follows. The span of a composed letter leaves it out."""
    return end < len(text) and unicodedata.combining(text[end]) > 0


def _mistyped(word: str) -> Iterator[str]:
    """Yield the word with one inner letter missing, doubled, or swapped with the next one."""
    for index in range(1, len(word) - 1):
        before, letter, after = word[:index], word[index], word[index + 1 :]
        swapped = before + after[0] + letter + after[1:] if len(after) > 1 else word
        slips = (before + after, before + letter + letter + after, swapped)
        yield from (slip for slip in slips if len(slip) >= LETTERS)
