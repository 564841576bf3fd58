"""Scores how familiar a text looks to a model: 0 is unlike the training texts, 1 is like them.

Each word of a text gives evidence. Words of the training texts speak for the text, and words of
unusual letters speak against it. `familiarity_learning` makes the table of evidence. This file
knows no labels and no probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.text.cleaning import WORD_START
from sentiment_lstm.text.tokenizer import TextTokenizer

KEY = "familiarity"
"""The key of the table in a bundle's provenance."""
UNFAMILIAR_BELOW = 0.5
"""A text with a lower familiarity is unfamiliar."""
STEPS = 10
"""Evidence is a whole number of tenths of a nat, so sums are exact in any order."""
LEAST, MOST = -2 * STEPS, 1 * STEPS
"""The bounds of a token's evidence."""
_LEAST_OF_WORD, _MOST_OF_WORD = -4 * STEPS, 1 * STEPS
"""The bounds of a word's evidence, so that one name of many pieces does not decide."""
_OF_EACH_WORD = -1
"""Added for each word, in tenths. Words of other languages often look like English ones."""
_ZERO = ord("0")


class TextFamiliarity:
    """Scores texts by the words that they are made of.

    Args:
        evidence: how much more often each token occurs in the training texts than in unfamiliar
            texts: the logarithm of the ratio, in tenths, int [V].
        starts: whether each token starts a word, bool [V].
        offset: added to the evidence of a text. Without other evidence, a text is familiar.
    """

    def __init__(
        self, evidence: NDArray[np.int64], starts: NDArray[np.bool_], offset: float
    ) -> None:
        self._evidence, self._starts, self._offset = evidence, starts, offset

    def of(self, texts: Sequence[NDArray[np.int32]]) -> NDArray[np.float64]:
        """Return the familiarity of N texts, from 0 to 1, float64 [N].

        Args:
            texts: the token ids of each text, at least one.
        """
        nats = (self.evidence_of(texts) + self._offset).clip(-50, 50)
        return np.asarray(1 / (1 + np.exp(-nats)))

    def evidence_of(self, texts: Sequence[NDArray[np.int32]]) -> NDArray[np.float64]:
        """Return the sum of each text's evidence, in nats, float64 [N]."""
        if not texts:
            return np.zeros(0)
        lengths = np.array([len(ids) for ids in texts])
        ids, first_tokens = np.concatenate(texts), lengths.cumsum() - lengths
        starts = self._starts[ids]
        starts[first_tokens] = True
        word_starts = np.flatnonzero(starts)
        words = np.add.reduceat(self._evidence[ids], word_starts)
        words = words.clip(_LEAST_OF_WORD, _MOST_OF_WORD) + _OF_EACH_WORD
        first_words = np.searchsorted(word_starts, first_tokens)
        return np.asarray(np.add.reduceat(words, first_words) / STEPS)

    def after_each(self, ids: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the familiarity of a text after each of its T tokens, [T].

        They are the numbers of `RunningFamiliarity`, computed at once.

        Args:
            ids: token ids, [T], at least one.
        """
        starts = self._starts[ids]
        starts[0] = True
        word_starts = np.flatnonzero(starts)
        word_of = starts.cumsum() - 1
        before = np.concatenate([[0], self._evidence[ids].cumsum()])
        words = (before[1:] - before[word_starts][word_of]).clip(_LEAST_OF_WORD, _MOST_OF_WORD)
        words += _OF_EACH_WORD
        ends = np.append(word_starts[1:], len(ids)) - 1
        earlier = np.concatenate([[0], words[ends].cumsum()])[word_of]
        nats = ((earlier + words) / STEPS + self._offset).clip(-50, 50)
        return np.asarray(1 / (1 + np.exp(-nats)))

    def read(self) -> RunningFamiliarity:
        """Start a text that is read token by token."""
        return RunningFamiliarity(self._evidence, self._starts, self._offset)


class RunningFamiliarity:
    """The familiarity of a text so far, in memory that does not grow with the text."""

    def __init__(
        self, evidence: NDArray[np.int64], starts: NDArray[np.bool_], offset: float
    ) -> None:
        self._evidence, self._starts, self._offset = evidence, starts, offset
        self._words_before = 0
        self._word: int | None = None

    def add(self, token: int) -> float:
        """Add a token id, and return the familiarity of the text so far."""
        if self._word is None or self._starts[token]:
            self._words_before = self._total()
            self._word = 0
        self._word += int(self._evidence[token])
        nats = self._total() / STEPS + self._offset
        return 1 / (1 + math.exp(-min(50.0, max(-50.0, nats))))

    def _total(self) -> int:
        if self._word is None:
            return 0
        word = min(_MOST_OF_WORD, max(_LEAST_OF_WORD, self._word))
        return self._words_before + word + _OF_EACH_WORD


def starts_of(tokenizer: TextTokenizer) -> NDArray[np.bool_]:
    """Return whether each token starts a word, bool [V]. Every token of a word model does."""
    starts = [tokenizer.token(id_).startswith(WORD_START) for id_ in range(len(tokenizer))]
    return np.array(starts) if any(starts) else np.ones(len(starts), dtype=bool)


def table_as_json(
    evidence: NDArray[np.int64], starts: NDArray[np.bool_], offset: float
) -> dict[str, object]:
    """Return a table in its form in a bundle's provenance.

    `evidence` has one character for each token. `starts` has one bit for each token, as hexadecimal
    digits. It is stored, because a bundle would open more slowly if it looked at every token.
    """
    characters = bytes((evidence - LEAST + _ZERO).tolist()).decode("ascii")
    bits = np.packbits(starts).tobytes().hex()
    return {"offset": round(offset, 3), "evidence": characters, "starts": bits}


def stored_familiarity(provenance: Mapping[str, object], tokens: int) -> TextFamiliarity | None:
    """Read the table of a bundle's provenance.

    Args:
        provenance: that of the bundle.
        tokens: the size of the vocabulary, V.

    Returns:
        None if there is no table, as in older bundles, or if it is damaged or has another size.
    """
    values = provenance.get(KEY)
    try:
        offset = float(values["offset"])  # type: ignore[index]
        characters = values["evidence"].encode("ascii")  # type: ignore[index]
        bits = bytes.fromhex(values["starts"])  # type: ignore[index]
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
    evidence = np.frombuffer(characters, dtype=np.uint8).astype(np.int64) + (LEAST - _ZERO)
    fits = len(evidence) == tokens and len(bits) == -(-tokens // 8) and math.isfinite(offset)
    if not fits or evidence.min() < LEAST or evidence.max() > MOST:
        return None
    starts = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=tokens).astype(bool)
    return TextFamiliarity(evidence, starts, offset)
