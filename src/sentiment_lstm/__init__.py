"""sentiment-lstm turns labelled texts into a small LSTM and scores texts with it.

Read the parts in this order: `errors`, `settings`, `records`; then the way of the data: `data`
(where texts come from), `text` (texts to ids), `batching`, `model` (the LSTM), `bundle` (a saved
model), `evaluation`, `training`, `inference`, `scoring`, `interpret`, `api`, `cli`.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier as SentimentClassifier
    from sentiment_lstm.estimator import LSTMTextClassifier as LSTMTextClassifier
    from sentiment_lstm.fitting import train as train

__version__ = "0.3.0.dev0"
__all__ = ["LSTMTextClassifier", "SentimentClassifier", "__version__", "train"]

# GCC's OpenMP reads this once, when torch is imported. By default, a thread that waits spins
# 300,000 times before it sleeps. Beside busy processes, two threads may share a core: then one
# spins and the other cannot work, and training takes many times as long. Never to spin (`passive`)
# is slow on idle cores, because it takes long to wake a thread.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "400")

# If one of several processes is killed, torch prints its own stack in the others, before their
# error message. It reads this variable when it is imported.
if "WORLD_SIZE" in os.environ:
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

# A program that uses this package decides where messages go; without its choice they go nowhere.
logging.getLogger(__name__).addHandler(logging.NullHandler())


_MODULES = {
    "LSTMTextClassifier": "estimator",
    "SentimentClassifier": "api",
    "train": "fitting",
}
"""Public names -> the modules that define them."""


def __getattr__(name: str) -> object:
    """Load a public name only when it is used, so that the command line starts without it."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
