"""Compares texts with those that trained a model, by how well its vocabulary fits them.

Texts in another language have more unknown words, or are cut into shorter tokens. Knows no labels
and no scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sentiment_lstm.records import UNKNOWN_ID, Encoded, is_empty
from sentiment_lstm.text.tokenizer import TextTokenizer

KEY = "tokens"
"""The key of the training texts' `TokenRates` in a bundle's provenance."""
_FEWEST_TOKENS = 8
"""Fewer tokens are not judged. The fewer there are, the larger a difference must be: chance alone
changes both rates by less than 1 / sqrt(tokens)."""
_MORE_UNKNOWN = 0.2
"""Texts look unlike the training texts if their fraction of unknown tokens is higher by this. It
rises by 0.01 to 0.25 for English texts of another kind, and by 0.5 for German ones."""
_SHORTER = 0.8
"""Texts also look unlike the training texts if their tokens are shorter by this factor. It is 0.8
to 1 for English texts of another kind, and 0.5 to 0.6 for German ones."""
_ADVICE = "They may be in another language or of another kind, and the scores may be wrong."


@dataclass(frozen=True, slots=True)
class TokenRates:
    """How a vocabulary fits texts.

    `unknown`: the fraction of tokens that are unknown. `characters_per_token`: the characters of
    the texts, white space included, per token.
    """

    unknown: float
    characters_per_token: float


@dataclass(slots=True)
class _Counts:
    """Running sums over texts."""

    tokens: int = 0
    unknown: int = 0
    characters: int = 0

    def add(self, texts: Sequence[str], encoded: Sequence[Encoded]) -> None:
        """Count texts and their tokens. A text without characters counts as nothing."""
        pairs = [
            (text, e.ids) for text, e in zip(texts, encoded, strict=True) if not is_empty(text)
        ]
        if pairs:
            ids = np.concatenate([ids for _, ids in pairs])
            self.tokens += len(ids)
            self.unknown += int((ids == UNKNOWN_ID).sum())
            self.characters += sum(len(text) for text, _ in pairs)

    def rates(self) -> TokenRates:
        return TokenRates(self.unknown / self.tokens, self.characters / self.tokens)


class Familiarity:
    """Compares the texts that are read, all together, with those that trained the model.

    Args:
        kind: whether the model's tokens are words or pieces.
        trained: the rates of the training texts; None: they are not known, nothing is compared.
    """

    def __init__(self, kind: Literal["word", "bpe"], trained: TokenRates | None) -> None:
        self._kind = kind
        self._trained = trained
        self._counts = _Counts()

    def read(self, texts: Sequence[str], encoded: Sequence[Encoded]) -> str:
        """Count texts. Return a warning if they look unlike the training texts, else "".

        After a warning, nothing is compared any more.
        """
        trained = self._trained  # another thread may warn, and so remove it, meanwhile
        if trained is None:
            return ""
        self._counts.add(texts, encoded)
        if self._counts.tokens < _FEWEST_TOKENS:
            return ""
        warning = self._warning(self._counts.rates(), trained)
        if warning:
            self._trained = None
        return warning

    def _warning(self, now: TokenRates, trained: TokenRates) -> str:
        chance = 1 / math.sqrt(self._counts.tokens)
        if self._kind == "word":
            if now.unknown < trained.unknown + _MORE_UNKNOWN + chance:
                return ""
            rates = (
                f"{now.unknown:.0%} of their words are unknown to the model, against "
                f"{trained.unknown:.0%} in training"
            )
        else:
            shortest = trained.characters_per_token * _SHORTER * (1 - chance)
            if now.characters_per_token > shortest:
                return ""
            rates = (
                f"their tokens have {now.characters_per_token:.1f} characters on average, against "
                f"{trained.characters_per_token:.1f} in training"
            )
        return f"These texts look unlike those that trained the model: {rates}. {_ADVICE}"


def measure_rates(tokenizer: TextTokenizer, texts: Sequence[str]) -> TokenRates | None:
    """Return how a tokenizer's vocabulary fits texts; None if all are blank."""
    counts = _Counts()
    counts.add(texts, tokenizer.with_features(None).encode(texts))
    return counts.rates() if counts.tokens else None


def stored_rates(provenance: Mapping[str, object]) -> TokenRates | None:
    """Read the rates from a bundle's provenance; None if it has none, as in older bundles."""
    values = provenance.get(KEY)
    try:
        return TokenRates(**{name: float(value) for name, value in values.items()})  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        return None
