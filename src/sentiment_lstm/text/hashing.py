"""32-bit hashes of words, of pairs of words and of character n-grams, and their look-up.

The highest bit of a hash is 1 for n-grams, and 0 for words and pairs.

NumPy hashes the words of many parts at once. Shapes: P parts, K features of all parts together.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

SHORTEST, LONGEST = 2, 5
"""Lengths of a word's n-grams, in characters. The marks at both ends of the word count."""
_MOST_LETTERS = 500
"""Only this many characters of a word give n-grams. So a hostile text cannot exhaust memory."""
_PAIR = np.uint32(0x9E3779B1)
NGRAM = np.uint32(0x80000000)
"""The bit that tells n-grams from words and pairs."""
_ALL_BITS = np.uint32(0xFFFFFFFF)
_CRC_TABLE = np.array(
    [zlib.crc32(bytes([byte ^ 0xFF])) ^ 0xFF000000 for byte in range(256)], dtype=np.uint32
)
"""The table of CRC-32: the value to add for each value of the lowest byte."""
HEAD = np.dtype([("count", "i4"), ("has_words", "i4"), ("first", "u4"), ("last", "u4")])
"""The number of a part's features, and the hashes of its first and last word."""


@dataclass(frozen=True, slots=True)
class HashedParts:
    """`heads`: a `HEAD` for each part, [P]. `hashes`: the features, part after part, [K]."""

    heads: NDArray[np.void]
    hashes: Hashes


def hash_parts(parts: Sequence[Sequence[str]]) -> HashedParts:
    """Hash the words of parts, the pairs inside a part, and the character n-grams of each word.

    The n-grams of "no" are those of "<no>": "<n", "no", "o>", "<no", "no>" and "<no>". Marks have
    none. A word's hash differs from that of an n-gram with the same letters.

    Args:
        parts: the words and marks of each part.
    """
    lengths = np.array([len(words) for words in parts], dtype=np.int64)
    heads = np.zeros(len(parts), dtype=HEAD)
    words = list(chain.from_iterable(parts))
    if not words:
        return HashedParts(heads, np.zeros(0, dtype=np.uint32))
    own = np.array([zlib.crc32(word.encode(), 1) for word in words], dtype=np.uint32) & ~NGRAM
    ends = lengths.cumsum()
    at = np.flatnonzero(lengths)
    heads["has_words"][at] = 1
    heads["first"][at] = own[(ends - lengths)[at]]
    heads["last"][at] = own[ends[at] - 1]

    marked = [f"<{w[:_MOST_LETTERS]}>" if w[:1].isalnum() else "<" for w in words]
    sizes = np.array([len(word) for word in marked], dtype=np.int64)
    starts = sizes.cumsum() - sizes
    # Columns: the word, the pair with the word before, and n-grams by length. Rows: characters.
    hashes = np.empty((sizes.sum(), 2 + LONGEST - SHORTEST + 1), dtype=np.uint32)
    exists = np.zeros(hashes.shape, dtype=bool)
    hashes[starts, 0], exists[starts, 0] = own, True
    hashes[starts[1:], 1] = pair_hashes(own[:-1], own[1:])
    exists[starts, 1] = True
    exists[starts[(ends - lengths)[at]], 1] = False  # the first word of a part
    hashes[:, 2:] = _ngram_hashes("".join(marked)) | NGRAM
    left = np.repeat(starts + sizes, sizes) - np.arange(len(hashes))
    exists[:, 2:] = left[:, None] >= np.arange(SHORTEST, LONGEST + 1)

    of_words = np.add.reduceat(exists.sum(axis=1), starts)
    part_of = np.repeat(np.arange(len(parts)), lengths)
    heads["count"] = np.bincount(part_of, of_words, len(parts))
    return HashedParts(heads, hashes[exists])


def pair_hashes(before: Hashes, after: Hashes) -> Hashes:
    """Return the hashes of pairs of neighbouring words from the words' hashes."""
    return (before * _PAIR + after) & ~NGRAM


def _ngram_hashes(text: str) -> Hashes:
    """Return the CRC-32 of the n-grams that start at each character, [characters, lengths].

    Near the end, the longer n-grams do not exist; their values are arbitrary.
    """
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    starts = np.flatnonzero((data & 0xC0) != 0x80)
    sizes = np.diff(starts, append=len(data))
    hashes = np.zeros((len(starts), LONGEST - SHORTEST + 1), dtype=np.uint32)
    crc = np.full(len(starts), _ALL_BITS)
    for length in range(1, min(LONGEST, len(starts)) + 1):
        crc = crc[: len(starts) - length + 1]
        _feed(crc, data, starts[length - 1 :], sizes[length - 1 :])
        if length >= SHORTEST:
            hashes[: len(crc), length - SHORTEST] = crc ^ _ALL_BITS
    return hashes


def _feed(
    crc: Hashes, data: NDArray[np.uint8], starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> None:
    """Feed the UTF-8 bytes of a character to each state, in place."""
    for offset in range(int(sizes.max())):
        rows = slice(None) if offset == 0 else np.flatnonzero(sizes > offset)
        state = crc[rows]
        crc[rows] = _CRC_TABLE[(state ^ data[starts[rows] + offset]) & 0xFF] ^ (state >> 8)


class HashIndex:
    """Finds hashes in a rising array, ten times as fast as a binary search.

    Hashes are spread evenly, so their first bits lead to nearly the right position.

    Args:
        hashes: uint32 [F], rising.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        bits = max(1, len(hashes).bit_length())
        self._shift = np.uint32(32 - bits)
        firsts = np.arange(2**bits, dtype=np.uint32) << self._shift
        self._starts = np.searchsorted(hashes, firsts).astype(np.int32)
        self._ended = np.append(hashes, _ALL_BITS)

    def positions(self, hashes: Hashes) -> NDArray[np.int64]:
        """Return the position of each hash; -1 if it is not there."""
        positions = self._starts[hashes >> self._shift]
        behind = np.flatnonzero(self._ended[positions] < hashes)
        while len(behind):
            positions[behind] += 1
            behind = behind[self._ended[positions[behind]] < hashes[behind]]
        known = (self._ended[positions] == hashes) & (positions < len(self.hashes))
        return np.where(known, positions, np.int64(-1))
