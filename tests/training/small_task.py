"""A task that a tiny LSTM learns in seconds: one word, at any place, tells a text's class."""

import numpy as np

from sentiment_lstm.batching import Window

FIRST, WORDS = 2, 12
"""The first class's word, and the number of ids."""


def texts(count: int, seed: int, classes: int = 2) -> Window:
    """Texts of random words; one of them, at any place, tells the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % classes
    ids = []
    for label in labels:
        text = rng.integers(FIRST + classes, WORDS, rng.integers(2, 12)).astype(np.int32)
        text[rng.integers(len(text))] = FIRST + label
        ids.append(text)
    return Window(ids, labels)
