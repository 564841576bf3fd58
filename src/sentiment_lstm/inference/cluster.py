"""The old name of `sentiment_lstm.scoring.cluster`, until version 0.4."""

from sentiment_lstm.moved import forward

__getattr__ = forward("sentiment_lstm.inference.cluster", "sentiment_lstm.scoring.cluster")
