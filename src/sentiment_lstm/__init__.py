"""sentiment-lstm: labelled texts in, a small LSTM that people can trust out.

Reading order: `errors`, `settings`, `records`; then the road that data travels: `reviews` (where
texts come from), `text` (texts to ids), `batching`, `model` (the LSTM), `bundle` (a saved model),
`evaluation`, `training`, `inference`, `api`, `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier as SentimentClassifier

__version__ = "0.1.0"
__all__ = ["SentimentClassifier", "__version__"]


def __getattr__(name: str) -> object:
    """Load the classifier only when it is asked for: the command line starts without it."""
    if name == "SentimentClassifier":
        from sentiment_lstm.api import SentimentClassifier

        return SentimentClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
