"""The words, clauses and sentences of a tokenised text.

A word is a range of token indices; a part of a text is a range of word indices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.records import Encoded
from sentiment_lstm.text.cleaning import WORD_START

_SENTENCE_END = re.compile(r"[.!?;\u2026\u3002\uff01\uff1f\u061f\u0964][\"'\u2019\u201d)\]]*$")
_CLAUSE_END = re.compile(r"[,:()\[\]\"\u201c\u201d\u2013\u2014\u3001\uff0c\uff1a]$|^--$")
_BREAK = re.compile(r"<br\s*/?>|\n", re.IGNORECASE)
_OPENERS = frozenset(
    ("but", "although", "though", "yet", "however", "while", "because", "which", "and", "except")
)
"""Words that begin a clause, if the clause before them has enough words."""
_LEAST = 3
"""A clause has at least this many words before one of these words ends it."""


def words_of(bundle: Bundle, encoded: Encoded) -> list[range]:
    """Return the token indices of each word, in order. Words have no character in common.

    Args:
        bundle: holds the tokenizer that encoded the text.
        encoded: the text, with offsets.
    """
    assert encoded.offsets is not None
    whole_words = bundle.config.text.kind == "word"
    words: list[range] = []
    last_end = 0
    for index, (id_, (start, end)) in enumerate(
        zip(encoded.ids.tolist(), encoded.offsets.tolist(), strict=True)
    ):
        begins = whole_words or bundle.tokenizer.token(id_).startswith(WORD_START)
        if words and (not begins or start < last_end):  # two tokens may stand for one character
            words[-1] = range(words[-1].start, index + 1)
        else:
            words.append(range(index, index + 1))
        last_end = max(last_end, end)
    return words


def spans_of(encoded: Encoded, parts: Sequence[range]) -> list[tuple[int, int]]:
    """Return the characters of each part, from its first token's start to its last token's end.

    Args:
        encoded: the text, with offsets.
        parts: token indices of each part.
    """
    assert encoded.offsets is not None
    offsets = [encoded.offsets[part.start : part.stop] for part in parts]
    return [(int(span[0, 0]), int(span[:, 1].max())) for span in offsets]


def join_neighbours(words: Sequence[range], most: int) -> list[range]:
    """Join neighbouring words into at most `most` groups of equally many words.

    `join_neighbours([range(0, 1), range(1, 3), range(3, 4)], 2)` is `[range(0, 3), range(3, 4)]`.
    """
    size = -(-len(words) // most)
    return [
        range(group[0].start, group[-1].stop)
        for group in (words[first : first + size] for first in range(0, len(words), size))
    ]


def without(encoded: Encoded, indices: Sequence[int]) -> Encoded:
    """Return a text without the tokens at `indices`; one unknown token if none is left."""
    kept = np.ones(len(encoded.ids), dtype=bool)
    kept[list(indices)] = False
    return encoded.kept(kept)


def sentences_of(text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
    """Return the word indices of each sentence. A line break ends a sentence, too.

    Args:
        text: the raw text.
        spans: the characters of each word.
    """
    return _cut(len(spans), [index + 1 for index in range(len(spans)) if _ends(text, spans, index)])


def clauses_of(text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
    """Return the word indices of each clause.

    A clause ends at a sentence's end, at a comma, colon, dash, bracket or quotation mark, and
    before a word such as "but" or "and".
    """
    cuts = [0]
    for index, (start, end) in enumerate(spans):
        word = text[start:end]
        if word.lower() in _OPENERS and index - cuts[-1] >= _LEAST:
            cuts.append(index)
        is_dash = word == "-" and text[start - 1 : start].isspace()  # not that of "well-made"
        if is_dash or _CLAUSE_END.search(word) or _ends(text, spans, index):
            cuts.append(index + 1)
    return _cut(len(spans), cuts)


def _ends(text: str, spans: Sequence[tuple[int, int]], index: int) -> bool:
    """Whether a sentence ends with the word at `index`."""
    start, end = spans[index]
    following = spans[index + 1][0] if index + 1 < len(spans) else len(text)
    return bool(_SENTENCE_END.search(text[start:end]) or _BREAK.search(text[end:following]))


def _cut(count: int, cuts: Sequence[int]) -> list[range]:
    """Cut `range(count)` before each index of `cuts`."""
    edges = sorted({0, *cuts, count})
    return [range(first, last) for first, last in pairwise(edges)]
