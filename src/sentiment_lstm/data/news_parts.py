"""The parts of `data:news`, which has a training split alone.

A sentence with several targets stands in several rows. Its text decides the part, so that no
sentence is in two parts.
"""

from __future__ import annotations

from zlib import crc32

_PARTS = {0: "test", 1: "test", 2: "validation"}


def part_of_news(sentence: str) -> str:
    """`test` for a fifth of the sentences, `validation` for a tenth, else `train`."""
    return _PARTS.get(crc32(sentence.encode()) % 10, "train")
