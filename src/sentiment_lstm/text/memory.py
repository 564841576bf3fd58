"""Ids of what stands between white space, cut once and remembered: texts repeat their words.

No token crosses white space, so a text's ids are those of its parts, one after the other, but for
tags, which may hold white space and are taken out before. Knows no vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.text.cleaning import parts_of

_MOST_CHARACTERS = 2_000_000
_PART = 8
"""A part counts as its characters and this many more: of English some 120,000 parts are remembered,
about 25 MB; of parts of two characters 200,000, about 40 MB."""
_TOGETHER = 100
"""Parts cut as one text: three times as fast as each alone."""

Cut = Callable[[list[str]], list[tuple[list[int], list[int]]]]
"""From texts to the ids of each one's tokens and where in the text each token begins."""


class PartMemory:
    """Looks up the ids of texts, part by part.

    Args:
        cut: gives the ids of parts not met before.
    """

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._known: dict[str, bytes] = {}
        self._characters = 0

    def __getstate__(self) -> dict[str, object]:
        """A copy for another process begins with nothing."""
        return {"_cut": self._cut, "_known": {}, "_characters": 0}

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """The ids of every text, each int32 [T], read-only; none for a text without tokens."""
        parts = [parts_of(text) for text in texts]
        known = self._with(set(chain.from_iterable(parts)))
        return [np.frombuffer(b"".join([known[p] for p in one]), dtype=np.int32) for one in parts]

    def _with(self, parts: set[str]) -> dict[str, bytes]:
        """What is known, these parts included.

        A full memory is replaced rather than emptied: another thread may still read the old one.
        """
        known = self._known
        new = parts.difference(known)
        known.update(self._learnt(new))
        self._characters += sum(len(part) + _PART for part in new)
        if self._characters > _MOST_CHARACTERS:
            self._known, self._characters = {}, 0
        return known

    def _learnt(self, parts: set[str]) -> Iterator[tuple[str, bytes]]:
        """Each part with its ids."""
        groups = [[part] for part in parts if "<" in part]  # with the next it might look like a tag
        rest = [part for part in parts if "<" not in part]
        groups += [rest[i : i + _TOGETHER] for i in range(0, len(rest), _TOGETHER)]
        found = self._cut([" ".join(group) for group in groups])
        for group, (ids, begins) in zip(groups, found, strict=True):
            ends = np.cumsum([len(part) + 1 for part in group])
            pieces = np.split(np.array(ids, dtype=np.int32), np.searchsorted(begins, ends[:-1]))
            yield from zip(group, (piece.tobytes() for piece in pieces), strict=True)
