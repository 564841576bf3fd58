"""The old name of `sentiment_lstm.interpret.gates`, until version 0.4."""

from sentiment_lstm.moved import forward

__getattr__ = forward("sentiment_lstm.inference.gates", "sentiment_lstm.interpret.gates")
