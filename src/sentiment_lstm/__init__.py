"""sentiment-lstm turns labelled texts into a small LSTM and scores texts with it.

Read the parts in this order: `errors`, `settings`, `records`; then the way of the data: `data`
(where texts come from), `text` (texts to ids), `batching`, `model` (the LSTM), `bundle` (a saved
model), `evaluation`, `training`, `inference`, `scoring`, `interpret`, `api`, `cli`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier as SentimentClassifier

__version__ = "0.3.0.dev0"
__all__ = ["SentimentClassifier", "__version__"]

# A program that uses this package decides where messages go; without its choice they go nowhere.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    """Load the classifier only when it is used, so that the command line starts without it."""
    if name == "SentimentClassifier":
        from sentiment_lstm.api import SentimentClassifier

        return SentimentClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
