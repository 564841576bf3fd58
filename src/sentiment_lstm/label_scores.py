"""The classes of a text with their scores, in the form of a Hugging Face pipeline's result."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import is_empty


class LabelScore(TypedDict):
    """A class and its calibrated probability.

    The class is None if the model abstains. An empty text has neither: both are None.
    """

    label: str | None
    score: float | None


def ranked(
    predictor: Predictor,
    text: str,
    probabilities: NDArray[np.float64],
    top_k: int | None,
    abstain_below: float,
) -> list[LabelScore]:
    """The likeliest classes of a text, as `SentimentClassifier.__call__` returns them.

    Args:
        predictor: the model.
        text: the text.
        probabilities: those of its classes, [C].
        top_k: how many classes; None: all.
        abstain_below: a lower score has no label.
    """
    only_reached = predictor.multi_label and top_k == 1
    if is_empty(text):
        return [] if only_reached else [LabelScore(label=None, score=None)]
    if only_reached:
        reached = predictor.chosen(probabilities)
        return [
            LabelScore(label=predictor.classes[c], score=float(probabilities[c])) for c in reached
        ]
    best = np.argsort(-probabilities, kind="stable")[:top_k]
    scores = [LabelScore(label=predictor.classes[c], score=float(probabilities[c])) for c in best]
    if not predictor.multi_label:
        scores[0]["label"] = predictor.label(probabilities, abstain_below)
    return scores
