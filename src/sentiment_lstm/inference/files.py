"""The old name of `sentiment_lstm.scoring.files`, until version 0.4."""

from sentiment_lstm.moved import forward

__getattr__ = forward("sentiment_lstm.inference.files", "sentiment_lstm.scoring.files")
