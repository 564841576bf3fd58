"""Divides `data:news`, which has only a training split, into three parts.

A sentence with several targets has several rows. Its text decides the part, so all its rows are in
the same part.
"""

from __future__ import annotations

from zlib import crc32

_PARTS = {0: "test", 1: "test", 2: "validation"}


def part_of_news(sentence: str) -> str:
    """`test` for a fifth of the sentences, `validation` for a tenth, else `train`."""
    return _PARTS.get(crc32(sentence.encode()) % 10, "train")
