"""A task that a tiny LSTM learns in seconds: a single word decides the class of a text."""

import numpy as np

from sentiment_lstm.batching import Window

FIRST, WORDS = 2, 12
"""The first class's word, and the number of ids."""


def texts(count: int, seed: int, classes: int = 2) -> Window:
    """Make texts of random words. One of them, at any position, decides the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % classes
    ids = []
    for label in labels:
        text = rng.integers(FIRST + classes, WORDS, rng.integers(2, 12)).astype(np.int32)
        text[rng.integers(len(text))] = FIRST + label
        ids.append(text)
    return Window(ids, labels)
