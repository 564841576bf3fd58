"""Tokenises a long text in pieces, because a list of all its parts would take 40 times its size."""

from __future__ import annotations

import numpy as np

from sentiment_lstm.records import UNKNOWN_ID, Encoded, Features
from sentiment_lstm.text.cleaning import parts_in_pieces
from sentiment_lstm.text.features import FeatureTable
from sentiment_lstm.text.memory import PartMemory

LONG = 1_000_000
"""A text of more characters is tokenised in pieces of this size, so memory stays bounded."""


def encode_in_pieces(
    text: str, size: int, memory: PartMemory, table: FeatureTable | None, last_word: int | None
) -> Encoded:
    """Return the ids and the features of a text, the same as without pieces.

    Args:
        text: the text.
        size: about how many characters a piece has.
        memory: tokenises the parts.
        table: looks up the features; None for a model without a wide path.
        last_word: the hash of the word before the text, if the text is itself a piece.
    """
    all_ids = [np.zeros(0, dtype=np.int32)]
    all_features: list[Features] = []
    for parts in parts_in_pieces(text, size):
        (ids,), lengths = memory.ids_and_lengths([parts])
        all_ids.append(ids)
        if table is not None:
            (features,) = table.of([parts], lengths, last_word)
            last_word = features.last_word
            all_features += [features] if len(ids) else []
    ids = np.concatenate(all_ids)
    return Encoded(
        ids if len(ids) else np.array([UNKNOWN_ID], dtype=np.int32),
        features=None if table is None else _joined(all_features, last_word),
    )


def _joined(pieces: list[Features], last_word: int | None) -> Features:
    """Join the features of pieces. A text without tokens counts as one token."""
    ids = [np.zeros(0, dtype=np.int32), *(piece.ids for piece in pieces)]
    counts = [piece.counts for piece in pieces] or [np.zeros(1, dtype=np.int64)]
    return Features(np.concatenate(ids), np.concatenate(counts), last_word)
