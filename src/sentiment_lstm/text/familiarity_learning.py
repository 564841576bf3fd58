"""Learns a model's table of familiarity (`familiarity_scores`) from its training texts alone.

The table compares the training texts with the same texts in disguise: each letter is replaced by
another one, so the words look like those of an unknown language. A token is evidence that a text is
familiar if it is common in the training texts and rare in disguised ones.
"""

from __future__ import annotations

import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.records import UNKNOWN_ID, is_empty
from sentiment_lstm.text.cleaning import WORD_START
from sentiment_lstm.text.familiarity_scores import (
    KEY,
    LEAST,
    MOST,
    STEPS,
    TextFamiliarity,
    starts_of,
    table_as_json,
)
from sentiment_lstm.text.tokenizer import TextTokenizer

_FEWEST_TOKENS = 10_000
"""Fewer tokens say too little about the words of a language."""
_MOST_CHARACTERS = 10_000_000
_MOST_DISGUISED = 1_000_000
"""If there are more characters, only some texts are read, so that this takes a few seconds."""
_DISGUISES = 5
"""The number of alphabets. Each disguises a part of the texts."""
_RAREST_LETTER = 1 / 2000
"""Rarer letters are not replaced, nor do they replace others."""
_OF_UNKNOWN = 0.1
"""We assume that every tenth token of an unfamiliar text is unknown."""
_OF_CHARACTERS = 0.1
_OF_ONE_CHARACTER = 0.0004
"""We assume that every tenth token of an unfamiliar text is a single character, as in other
scripts. Each character is at most `_OF_ONE_CHARACTER` of the tokens."""
_OF_MARK_OF_CODE = 0.005
"""We assume that each mark of code is this fraction of the tokens."""
_MARKS_OF_CODE = frozenset("{}[]()=;<>_/\\|+*^~`")
_RARE = 2e-5
"""Tokens below this fraction are weak evidence. In the training texts, names from other languages
are as rare."""
_FALSE_ALARMS = 0.01
"""The offset makes at most this fraction of typical texts unfamiliar."""
_LEAST_OFFSET = 2.5
"""In nats. A few unusual words alone do not make a short text unfamiliar."""
_VOWELS = frozenset("aeiouy")


def learn_familiarity(
    tokenizer: TextTokenizer, texts: Sequence[str], typical: Sequence[str]
) -> dict[str, object]:
    """Learn the table of familiarity, as an entry of a bundle's provenance.

    Args:
        tokenizer: that of the model.
        texts: training texts.
        typical: texts of the same kind, if possible ones that the vocabulary was not learnt from.

    Returns:
        The table under its key; empty if there are too few texts.
    """
    tokenizer = tokenizer.with_features(None)
    trained = _counts(tokenizer, list(_spread(texts, _MOST_CHARACTERS)))
    typical = [text for text in _spread(typical, _MOST_CHARACTERS) if not is_empty(text)]
    if trained.sum() < _FEWEST_TOKENS or not typical:
        return {}
    encoded = [text.ids for text in tokenizer.encode(typical)]
    ids = np.concatenate(encoded)
    unknown = (ids == UNKNOWN_ID).mean() * trained.sum()  # of texts that may be new
    trained[UNKNOWN_ID] = max(trained[UNKNOWN_ID], unknown)
    disguised = _counts(tokenizer, _disguised(list(_spread(texts, _MOST_DISGUISED))))
    evidence = _evidence(tokenizer, trained, disguised)
    starts = starts_of(tokenizer)
    scores = TextFamiliarity(evidence, starts, 0.0).evidence_of(encoded)
    offset = max(_LEAST_OFFSET, -float(np.quantile(scores, _FALSE_ALARMS)))
    return {KEY: table_as_json(evidence, starts, offset)}


def _evidence(
    tokenizer: TextTokenizer, trained: NDArray[np.float64], disguised: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the evidence of each token, in tenths, [V], from its counts, [V]."""
    tokens = [tokenizer.token(id_).removeprefix(WORD_START) for id_ in range(len(tokenizer))]
    digits = np.array([token[:1].isdigit() for token in tokens])
    marks = np.array([token in _MARKS_OF_CODE for token in tokens])
    characters = np.array([_is_character(token) for token in tokens]) & ~digits & ~marks
    unfamiliar = (1 - _OF_UNKNOWN - _OF_CHARACTERS) * disguised / disguised.sum()
    unfamiliar += characters * min(_OF_ONE_CHARACTER, _OF_CHARACTERS / max(1, characters.sum()))
    unfamiliar += marks * _OF_MARK_OF_CODE
    unfamiliar[UNKNOWN_ID] += _OF_UNKNOWN
    # The same number is added on both sides, so a token that occurs in neither is no evidence.
    added = max(0.5, _RARE * trained.sum())
    nats = np.log((trained + added) / (unfamiliar * trained.sum() + added))
    nats[digits] = nats[digits].clip(0)  # numbers are no sign of another language
    return np.asarray((nats * STEPS).round().clip(LEAST, MOST), dtype=np.int64)


def _is_character(token: str) -> bool:
    """Whether a token is a letter of any script, or a mark of a keyboard."""
    return len(token) == 1 and (token.isalpha() or token.isascii())


def _counts(tokenizer: TextTokenizer, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return how often each token occurs in texts, [V]."""
    encoded = tokenizer.encode([text for text in texts if not is_empty(text)])
    ids = np.concatenate([np.zeros(0, dtype=np.int32), *(text.ids for text in encoded)])
    return np.bincount(ids, minlength=len(tokenizer)).astype(np.float64)


def _spread(texts: Sequence[str], most: int) -> Iterator[str]:
    """Yield texts with about `most` characters in all, from everywhere in the sequence."""
    step = max(1, -(-sum(map(len, texts)) // most))
    return (text[:most] for text in texts[::step])


def _disguised(texts: Sequence[str]) -> list[str]:
    """Return the texts in disguise. Every `_DISGUISES`-th text has the same alphabet."""
    groups = _letters(texts)
    disguised: list[str] = []
    for seed in range(_DISGUISES):
        alphabet = _alphabet(groups, random.Random(seed))
        disguised += [text.translate(alphabet) for text in texts[seed::_DISGUISES]]
    return disguised


def _letters(texts: Sequence[str]) -> list[list[str]]:
    """Return the lower-case letters of texts in groups: vowels, or consonants, of one script."""
    counts = Counter(character for text in texts for character in text.lower())
    letters = {letter: n for letter, n in counts.items() if letter.isalpha()}
    fewest = sum(letters.values()) * _RAREST_LETTER
    groups: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for letter in sorted(letter for letter, n in letters.items() if n >= fewest):
        script = unicodedata.name(letter, "").partition(" ")[0]
        groups[script, unicodedata.normalize("NFD", letter)[0] in _VOWELS].append(letter)
    return list(groups.values())


def _alphabet(groups: Sequence[Sequence[str]], chance: random.Random) -> dict[int, str]:
    """Return a replacement for each letter, from the same group. Capitals stay capitals."""
    alphabet: dict[int, str] = {}
    for letters in groups:
        for letter, other in zip(letters, chance.sample(letters, len(letters)), strict=True):
            alphabet[ord(letter)] = other
            if len(letter.upper()) == 1:
                alphabet[ord(letter.upper())] = other.upper()
    return alphabet
