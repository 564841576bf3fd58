"""Reads the registered sets whose texts are negative, neutral or positive by a rule of their own.

`data:news` has only a training split. This file divides it into three parts. A sentence with
several targets has several rows. Its text decides the part, so all its rows are in the same part.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from sentiment_lstm.data.open import open_rows
from sentiment_lstm.settings import DataSettings

NUMBERED = {"0": "negative", "1": "neutral", "2": "positive"}
"""The label map of `data:tweets`."""
STARS = {"<2": "negative", "2": "neutral", ">2": "positive"}
"""The label map of `data:sst`, for its column `stars`."""
_PARTS = {0: "test", 1: "test", 2: "validation"}
_GROUPS = frozenset(NUMBERED.values())


def part_of_news(sentence: str) -> str:
    """`test` for a fifth of the sentences, `validation` for a tenth, else `train`."""
    return _PARTS.get(crc32(sentence.encode()) % 10, "train")


def news(part: str) -> Iterator[tuple[str, str]]:
    """A sentence and a judgement, once for each target, of one part of `data:news`."""
    for row in open_rows(DataSettings("data:news")):
        if part_of_news(str(row.text)) == part:
            yield str(row.text), str(row.label)


def comments(split: str) -> Iterator[tuple[str, str]]:
    """Comments of `data:goemotions` whose emotions all belong to one group, and the group.

    Ambiguous comments are left out.
    """
    for row in open_rows(DataSettings("data:goemotions", split=split, label_column="groups")):
        groups = row.label if isinstance(row.label, list) else [row.label]
        if len(groups) == 1 and groups[0] in _GROUPS:
            yield str(row.text), str(groups[0])
