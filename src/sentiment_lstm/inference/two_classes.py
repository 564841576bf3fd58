"""Scores texts with the two classes negative and positive, by a model that may also know neutral.

`evaluation.polarity` defines the probabilities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.evaluation.polarity import Poles, find_poles, polarities, two_columns
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import Encoded


class TwoClassPredictor(Predictor):
    """A predictor with the classes negative and positive. It shares the model of another predictor.

    Args:
        predictor: the other predictor.

    Raises:
        UsageError: a text may have several labels, or negative or positive is missing.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._all_classes, self._poles = predictor, poles_of(predictor)
        vars(self).update(vars(predictor))  # it has no other state, and the runtime is not copied
        self.classes = tuple(predictor.classes[index] for index in self._poles)

    def calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probabilities of negative and positive, [N, 2], from logits [N] or [N, C]."""
        return two_columns(super().calibrated(logits), self._poles)

    def _scored_windows(
        self, texts: Iterable[str]
    ) -> Iterator[tuple[list[str], list[Encoded], NDArray[np.float64], NDArray[np.float64] | None]]:
        # The scores of unfamiliar texts are lowered before the classes are two, as in `polarity`.
        for window, encoded, rows, familiarity in self._all_classes._scored_windows(texts):
            yield window, encoded, two_columns(rows, self._poles), familiarity


def poles_of(predictor: Predictor) -> Poles:
    """The class indices of negative and positive.

    Raises:
        UsageError: a text may have several labels, or negative or positive is missing.
    """
    return find_poles(predictor.classes, several=predictor.multi_label)


def polarity(predictor: Predictor, texts: Iterable[str]) -> NDArray[np.float64]:
    """Return the polarity of each text, [N]; 0.5 for an empty one.

    Raises:
        UsageError: as for `poles_of`; or `texts` is one string or holds something else.
    """
    poles = poles_of(predictor)
    return polarities(predictor.probabilities(texts), poles)
