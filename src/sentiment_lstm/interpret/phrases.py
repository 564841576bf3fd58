"""Cuts a text into phrases such as "not bad at all", by its words and their attributions.

A phrase lies within a clause and has at most a few words. Function words, negations and words of
degree go with the word that follows them. The text is cut at the lowest cost (dynamic programming).
That gives few phrases of nearly equal length, whose words speak for one side.
Knows words and numbers, no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.interpret.function_words import BETWEEN, is_function_word

_MOST_WORDS = 6
_LENGTH_COST = 0.03
"""A phrase of n words costs 1 plus this times n squared."""
_MIXED_COST = 2.0
"""A phrase with words of both sides costs this times twice the sum of the weaker side. The text's
strongest word counts 1."""
_START_COST = 0.5
"""The cost of a phrase that starts inside a group, such as at "dragged" in "the hour dragged"."""
_NEGATIONS = "not no never without hardly barely scarcely neither nor cannot"
_DEGREES = (
    "very so too really quite rather extremely pretty absolutely totally completely almost most "
    "more less least even still only just such all every each any some"
)
_CONTRASTS = "but although though yet however despite"
_AHEAD = frozenset(f"{_NEGATIONS} {_DEGREES} {_CONTRASTS}".split())
"""Words that go with the word that follows them. So do words that end in "n't"."""
_BEHIND = frozenset(("up", "out", "off", "down", "away", "apart", "over"))
"""Words that go with the verb before them."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase: its word indices, and the sum of the attributions of its words.

    `words` leave out function words at the start and punctuation at the end. Their attributions
    belong to the sum. A comma between two phrases counts with the second one.
    """

    words: range
    attribution: float


def phrases_of(
    words: Sequence[str], clauses: Sequence[range], values: NDArray[np.float64]
) -> list[Phrase]:
    """Cut a text into phrases, in order. Each word belongs to one phrase.

    Args:
        words: the words of the text.
        clauses: the word indices of each clause.
        values: the attribution of each word, [N].
    """
    strongest = float(np.abs(values).max(initial=0)) or 1.0
    parts = [
        part
        for clause in clauses
        for part in _best_cut(_groups(words, clause), words, values / strongest)
    ]
    trimmed = [_trimmed(part, words) for part in parts]
    starts = [0, *(_start_after(part, words) for part in parts[:-1])]
    sums = np.add.reduceat(values, starts).tolist() if parts else []
    return [Phrase(part, value) for part, value in zip(trimmed, sums, strict=True)]


def _groups(words: Sequence[str], clause: range) -> list[range]:
    """Return groups of words that are never cut, such as "was not bad"."""
    edges = [clause.start]
    for index in clause:
        word, following = words[index].lower(), words[index + 1 : min(index + 2, clause.stop)]
        if not _goes_ahead(word) and following and not _goes_behind(following[0]):
            edges.append(index + 1)
    if all(map(is_function_word, words[edges[-1] : clause.stop])):
        edges[1:] = edges[1:-1]  # a pronoun at the end, such as "it", goes with the verb
    return [range(first, stop) for first, stop in pairwise([*edges, clause.stop])]


def _goes_ahead(word: str) -> bool:
    if word in _BEHIND:
        return False
    return is_function_word(word) or word in _AHEAD or word.replace("\u2019", "'").endswith("n't")


def _goes_behind(word: str) -> bool:
    return word.lower() in _BEHIND or not any(map(str.isalnum, word))


def _best_cut(
    groups: Sequence[range], words: Sequence[str], values: NDArray[np.float64]
) -> list[range]:
    """Return the phrases of a clause with the lowest cost. `values`: the strongest is 1 or -1."""
    costs, starts = [0.0], [0]
    for last in range(len(groups)):
        choices = []
        for first in range(last, -1, -1):
            part = range(groups[first].start, groups[last].stop)
            if first < last and len(part) > _MOST_WORDS + 1:
                break
            choices.append((costs[first] + _cost(part, first > 0, words, values), first))
        cost, first = min(choices)
        costs.append(cost)
        starts.append(first)
    parts: list[range] = []
    end = len(groups)
    while end:
        first = starts[end]
        parts.insert(0, range(groups[first].start, groups[end - 1].stop))
        end = first
    return parts


def _cost(part: range, inside: bool, words: Sequence[str], values: NDArray[np.float64]) -> float:
    spoken = sum(any(map(str.isalnum, words[index])) for index in part)
    if spoken > _MOST_WORDS:
        return float("inf") if len(part) > 1 else 1.0
    numbers = values[part.start : part.stop]
    mixed = float(np.abs(numbers).sum() - abs(numbers.sum()))
    starts_badly = inside and not _goes_ahead(words[part.start].lower())
    return 1 + _LENGTH_COST * spoken**2 + _MIXED_COST * mixed + _START_COST * starts_badly


def _start_after(part: range, words: Sequence[str]) -> int:
    """Return where the next phrase starts: a comma before "but" counts with "but"."""
    start = part.stop
    while start - part.start > 1 and words[start - 1] in BETWEEN:
        start -= 1
    return start


def _trimmed(part: range, words: Sequence[str]) -> range:
    """Leave out function words at the start and punctuation at the end, unless nothing is left."""
    first, stop = part.start, part.stop
    while stop - first > 1 and not any(map(str.isalnum, words[stop - 1])):
        stop -= 1
    while stop - first > 1 and is_function_word(words[first]):
        first += 1
    return range(first, stop)
