"""A cache of the token ids of words, because texts repeat their words.

No token crosses white space, so a text's ids are the ids of its parts in order. Tags may contain
white space; they are removed before. Knows no vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.text.cleaning import parts_of

_MOST_CHARACTERS = 2_000_000
_PART = 8
"""The cache counts each part as its characters plus this many. It holds about 120,000 English
parts (25 MB), or 200,000 parts of two characters (40 MB)."""
_TOGETHER = 100
"""Parts that are tokenised as one text, which is three times as fast as one by one."""
_ID_BYTES = 4

Cut = Callable[[list[str]], list[tuple[list[int], list[int]]]]
"""Turns texts into pairs of each text's token ids and each token's first character."""


class PartMemory:
    """Looks up the ids of texts part by part.

    Args:
        cut: tokenises parts that are not in the cache.
    """

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._known: dict[str, bytes] = {}
        self._characters = 0

    def __getstate__(self) -> dict[str, object]:
        """A copy for another process starts empty."""
        return {"_cut": self._cut, "_known": {}, "_characters": 0}

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return each text's ids, int32 [T], read-only; empty for a text without tokens."""
        return self.ids_and_lengths([parts_of(text) for text in texts])[0]

    def ids_and_lengths(
        self, texts: Sequence[Sequence[str]]
    ) -> tuple[list[NDArray[np.int32]], NDArray[np.int64]]:
        """Return each text's ids, and the number of tokens of each part of all texts, [P].

        Args:
            texts: the parts of each text.
        """
        known = self._known_with(set(chain.from_iterable(texts)))
        texts_data = [[known[part] for part in parts] for parts in texts]
        sizes = [len(data) for data in chain.from_iterable(texts_data)]
        ids = [np.frombuffer(b"".join(data), dtype=np.int32) for data in texts_data]
        return ids, np.array(sizes, dtype=np.int64) // _ID_BYTES

    def _known_with(self, parts: set[str]) -> dict[str, bytes]:
        """Return the cache after adding these parts.

        A full cache is replaced, not emptied: another thread may still read the old one.
        """
        known = self._known
        new = parts.difference(known)
        known.update(self._tokenise(new))
        self._characters += sum(len(part) + _PART for part in new)
        if self._characters > _MOST_CHARACTERS:
            self._known, self._characters = {}, 0
        return known

    def _tokenise(self, parts: set[str]) -> Iterator[tuple[str, bytes]]:
        """Yield each part with its ids."""
        groups = [[part] for part in parts if "<" in part]  # two of these could look like a tag
        rest = [part for part in parts if "<" not in part]
        groups += [rest[i : i + _TOGETHER] for i in range(0, len(rest), _TOGETHER)]
        tokenised = self._cut([" ".join(group) for group in groups])
        for group, (ids, starts) in zip(groups, tokenised, strict=True):
            data = np.array(ids, dtype=np.int32).tobytes()
            ends = np.cumsum([len(part) + 1 for part in group])
            bounds = (np.searchsorted(starts, ends) * _ID_BYTES).tolist()
            pieces = (data[start:end] for start, end in pairwise([0, *bounds]))
            yield from zip(group, pieces, strict=True)
