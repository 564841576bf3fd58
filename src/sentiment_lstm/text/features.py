"""The features of the wide path: words, pairs of neighbouring words and character n-grams.

A feature is known by a 32-bit hash (`text.hashing`), so a table of features is a sorted array of
hashes. A part is a run of characters without white space. Its features are looked up once and
cached. This
file knows no weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.records import Features
from sentiment_lstm.text.hashing import HEAD, Hashes, HashIndex, hash_parts, pair_hashes

Words = Callable[[Sequence[str]], list[list[str]]]
"""Cleans parts and cuts each into words and marks."""
LookUp = Callable[[Hashes], NDArray[np.int64]]
"""Returns a number for each hash; negative: it is no feature."""

_MOST_CHARACTERS = 2_000_000
"""The cache is emptied at this size. A part adds its characters plus `_PART` to the size."""
_PART = 8
_TOGETHER = 50_000
"""Parts with this many characters in all are hashed together. This takes about 5 MB."""
_COUNTED_TOGETHER = 20_000
"""Features of this many parts are counted together."""
_MOST_COUNTS = 8_000_000
"""Counts are merged when there are this many."""


class _Part(NamedTuple):
    """A part in the cache, as bytes that are joined: a `HEAD`, and its features, int64."""

    head: bytes
    features: bytes


class PartFeatures:
    """Looks up the features of parts, once for each part.

    Args:
        words: cuts parts into words.
        look_up: turns hashes into features.
    """

    def __init__(self, words: Words, look_up: LookUp) -> None:
        self._words, self._look_up = words, look_up
        self._known: dict[str, _Part] = {}
        self._characters = 0

    def __getstate__(self) -> dict[str, object]:
        """A copy for another process starts with an empty cache."""
        return self.__dict__ | {"_known": {}, "_characters": 0}

    def of(self, texts: Sequence[Sequence[str]]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """Return a `HEAD` for each part of all texts, [P], and the features, part after part."""
        known = self._known_with(set(chain.from_iterable(texts)))
        parts = [known[part] for part in chain.from_iterable(texts)]
        heads = np.frombuffer(b"".join([part.head for part in parts]), dtype=HEAD)
        features = np.frombuffer(b"".join([part.features for part in parts]), dtype=np.int64)
        return heads, features

    def _known_with(self, parts: set[str]) -> dict[str, _Part]:
        """Return the cache after adding these parts.

        A full cache is replaced, not emptied: another thread may still read the old one.
        """
        known = self._known
        new = parts.difference(known)
        for group in _grouped(new):
            known.update(zip(group, self._looked_up(group), strict=True))
        self._characters += sum(len(part) + _PART for part in new)
        if self._characters > _MOST_CHARACTERS:
            self._known, self._characters = {}, 0
        return known

    def _looked_up(self, parts: Sequence[str]) -> list[_Part]:
        hashed = hash_parts(self._words(parts))
        features = self._look_up(hashed.hashes)
        part_of = np.repeat(np.arange(len(parts)), hashed.heads["count"])
        counts = np.bincount(part_of[features >= 0], minlength=len(parts))
        hashed.heads["count"] = counts
        heads, data = hashed.heads.tobytes(), features[features >= 0].tobytes()
        ends = (counts.cumsum() * features.itemsize).tolist()
        return [
            _Part(heads[i * HEAD.itemsize : (i + 1) * HEAD.itemsize], data[start:end])
            for i, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
        ]


class FeatureTable:
    """Looks up the features of texts.

    Args:
        hashes: the features' hashes, uint32 [F], rising. A feature's index is its position.
        words: cuts parts into words, as the tokenizer of the model does.
    """

    def __init__(self, hashes: Hashes, words: Words) -> None:
        self._index = HashIndex(hashes)
        self._parts = PartFeatures(words, self._index.positions)

    @property
    def hashes(self) -> Hashes:
        """The hashes of all features, uint32 [F]."""
        return self._index.hashes

    def __len__(self) -> int:
        """Return the number of features, F."""
        return len(self.hashes)

    def of(
        self,
        texts: Sequence[Sequence[str]],
        tokens: NDArray[np.int64] | None = None,
        last_word: int | None = None,
    ) -> list[Features]:
        """Return the features of N texts.

        Args:
            texts: the parts of each text.
            tokens: the number of tokens of each part of all texts, [P]; None: one token each. The
                features of a part belong to its last token. A text has at least one token.
            last_word: the hash of the word before each text, if the texts are pieces.
        """
        heads, ids = self._parts.of(texts)
        text_of = _text_of(texts)
        at, hashes = _pairs_of_parts(heads, text_of, last_word)
        pairs = self._index.positions(hashes)
        at, pairs = at[pairs >= 0], pairs[pairs >= 0]
        counts = heads["count"].astype(np.int64)
        ids = np.insert(ids, (counts.cumsum() - counts)[at], pairs)
        counts[at] += 1
        if tokens is None:
            tokens = np.ones(len(counts), dtype=np.int64)
        last_words = _last_words(heads, text_of, len(texts), last_word)
        return _by_text(ids.astype(np.int32), counts, tokens, text_of, last_words)


def learn_features(
    texts: Iterable[Sequence[str]], words: Words, most: int, min_texts: int = 2
) -> Hashes:
    """Return the hashes of the features that occur in the most texts, rising, uint32 [F].

    Args:
        texts: the parts of each training text.
        words: cuts parts into words.
        most: the largest number of features, F.
        min_texts: features that occur in fewer texts are left out.
    """
    parts = PartFeatures(words, lambda hashes: hashes.astype(np.int64))
    counted: list[tuple[Hashes, NDArray[np.int64]]] = []
    for group in _grouped_texts(texts):
        counted.append(_count_texts(parts, group))
        if sum(len(hashes) for hashes, _ in counted) > _MOST_COUNTS:
            counted = [_summed(counted)]
    hashes, counts = _summed(counted)
    order = np.argsort(-counts, kind="stable")[: int((counts >= min_texts).sum())][:most]
    return np.sort(hashes[order])


def _count_texts(
    parts: PartFeatures, texts: Sequence[Sequence[str]]
) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the hashes of the features of texts, and in how many of the texts each occurs."""
    heads, features = parts.of(texts)
    text_of = _text_of(texts)
    at, pairs = _pairs_of_parts(heads, text_of, None)
    owners = np.concatenate([np.repeat(text_of, heads["count"]), text_of[at]])
    keys = np.sort((owners << 32) | np.concatenate([features, pairs]))
    once = keys[np.diff(keys, prepend=-1) != 0]  # np.unique was 20 times slower
    return np.unique((once & 0xFFFFFFFF).astype(np.uint32), return_counts=True)


def _summed(
    counted: Sequence[tuple[Hashes, NDArray[np.int64]]],
) -> tuple[Hashes, NDArray[np.int64]]:
    """Sum several counts of hashes."""
    hashes = np.concatenate([np.zeros(0, dtype=np.uint32), *(each for each, _ in counted)])
    counts = np.concatenate([np.zeros(0, dtype=np.int64), *(each for _, each in counted)])
    hashes, index = np.unique(hashes, return_inverse=True)
    return hashes, np.bincount(index, counts, len(hashes)).astype(np.int64)


def _grouped(parts: Iterable[str]) -> Iterator[list[str]]:
    """Yield groups of at most `_TOGETHER` characters. A longer part is a group of its own."""
    group: list[str] = []
    characters = 0
    for part in parts:
        if group and characters + len(part) > _TOGETHER:
            yield group
            group, characters = [], 0
        group.append(part)
        characters += len(part)
    if group:
        yield group


def _grouped_texts(texts: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Yield groups of texts with at least `_COUNTED_TOGETHER` parts, and the rest."""
    group: list[Sequence[str]] = []
    parts = 0
    for text in texts:
        group.append(text)
        parts += len(text)
        if parts >= _COUNTED_TOGETHER:
            yield group
            group, parts = [], 0
    if group:
        yield group


def _text_of(texts: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return the index of each part's text, [P]."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    return np.repeat(np.arange(len(texts)), lengths)


def _pairs_of_parts(
    heads: NDArray[np.void], text_of: NDArray[np.int64], last_word: int | None
) -> tuple[NDArray[np.int64], Hashes]:
    """Pair the first word of each part with the word before.

    Returns:
        The index of each pair's second part, and the pair's hash.
    """
    at = np.flatnonzero(heads["has_words"])
    begins = np.diff(text_of[at], prepend=-1) != 0
    before = np.roll(heads["last"][at], 1)
    if last_word is None:
        at, before = at[~begins], before[~begins]
    else:
        before[begins] = last_word
    return at, pair_hashes(before, heads["first"][at])


def _last_words(
    heads: NDArray[np.void], text_of: NDArray[np.int64], texts: int, before: int | None
) -> list[int | None]:
    """Return the hash of the last word of each text; `before` for a text without words."""
    last_words: list[int | None] = [before] * texts
    at = np.flatnonzero(heads["has_words"])
    ends = at[np.diff(text_of[at], append=texts) != 0]
    for text, word in zip(text_of[ends].tolist(), heads["last"][ends].tolist(), strict=True):
        last_words[text] = word
    return last_words


def _by_text(
    ids: NDArray[np.int32],
    counts: NDArray[np.int64],
    tokens: NDArray[np.int64],
    text_of: NDArray[np.int64],
    last_words: Sequence[int | None],
) -> list[Features]:
    """Split features into texts, and count them by token.

    Args:
        ids: indices of all features, [K].
        counts: the number of features of each part, [P].
        tokens: the number of tokens of each part, [P].
        text_of: the index of each part's text, [P].
        last_words: of each text, [N].
    """
    texts = len(last_words)
    own = np.bincount(text_of, tokens, texts).astype(np.int64)
    sizes = own.clip(1)
    shift = (sizes - own).cumsum() - (sizes - own)  # by the texts without tokens
    last_tokens = (tokens.cumsum() + shift[text_of] - 1).clip(0)
    by_token = np.bincount(last_tokens, counts, sizes.sum()).astype(np.int64)
    token_ends = sizes.cumsum().tolist()
    feature_ends = np.bincount(text_of, counts, texts).astype(np.int64).cumsum().tolist()
    features, token_start, feature_start = [], 0, 0
    for token_end, feature_end, last in zip(token_ends, feature_ends, last_words, strict=True):
        own_ids = ids[feature_start:feature_end]
        features.append(Features(own_ids, by_token[token_start:token_end], last))
        token_start, feature_start = token_end, feature_end
    return features
