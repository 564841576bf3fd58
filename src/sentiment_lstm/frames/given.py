"""Checks the model that a program passes to a function for tables."""

from __future__ import annotations

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError


def checked_classifier(model: object) -> SentimentClassifier:
    """The classifier itself, or that of a trained `LSTMTextClassifier`.

    Raises:
        UsageError: it is neither.
    """
    classifier = getattr(model, "classifier_", model)
    if isinstance(classifier, SentimentClassifier):
        return classifier
    raise UsageError(
        f"Expected a SentimentClassifier or a fitted LSTMTextClassifier, found {model!r:.60}: open "
        "a saved model with SentimentClassifier.from_pretrained."
    )
