"""An estimator that trains in a fraction of a second, and texts for it."""

from typing import Any

import numpy as np

from sentiment_lstm import LSTMTextClassifier

SETTINGS = {
    "text.min_frequency": 1,
    "training.batch_tokens": 200,
    "training.learning_rate": 0.05,
}
SMALL = {
    "preset": "seed",
    "hidden_size": 8,
    "embedding_size": 8,
    "layers": 1,
    "epochs": 4,
    "settings": SETTINGS,
    "random_state": 0,
    "threads": 1,
}
WORDS = ("awful", "lovely", "plain")
TEXTS = [f"{word} film number {n}" for n in range(30) for word in WORDS]
LABELS = np.array(["bad", "good", "neutral"] * 30)


def small(**parameters: Any) -> LSTMTextClassifier:
    """Return a small estimator with other parameters."""
    return LSTMTextClassifier(**{**SMALL, **parameters})
