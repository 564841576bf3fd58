"""The two-class answer of a model that knows negative and positive texts, and perhaps neutral ones.

The polarity of a text is P(positive) / (P(positive) + P(negative)). In a model of two classes it is
P(positive). It does not show whether a text is neutral; `lean` is near 0.5 for neutral texts. Works
on plain arrays and names of classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.wording import first_names

CLASSES = ("negative", "neutral", "positive")
"""The classes of a model of three classes, in the order of this package."""
NAMES = (CLASSES[0], CLASSES[2])
"""The names of the two classes. Upper and lower case do not matter."""


class Poles(NamedTuple):
    """The class indices of `negative` and `positive`."""

    negative: int
    positive: int


def find_poles(classes: Sequence[str], *, several: bool = False) -> Poles:
    """Find the classes negative and positive.

    Args:
        classes: the names of a model's classes.
        several: whether the model may give a text several labels.

    Raises:
        UsageError: negative or positive is missing, or a text may have several labels.
    """
    if several:
        raise UsageError(
            "Expected a model that gives each text one label, found one that gives several: "
            "name another model."
        )
    names = [name.casefold() for name in classes]
    if not set(NAMES) <= set(names):
        raise UsageError(
            "Expected a model with the classes negative and positive, found "
            f"{first_names(classes)}: name another model."
        )
    return Poles(*map(names.index, NAMES))


def is_of_three(classes: Sequence[str]) -> bool:
    """Whether a model's classes are negative, neutral and positive."""
    return sorted(name.casefold() for name in classes) == [*CLASSES]


def two_columns(probabilities: NDArray[np.float64], poles: Poles) -> NDArray[np.float64]:
    """Divide the probabilities of negative and positive by their sum, for N texts of C classes.

    Args:
        probabilities: [N, C]; each row sums to 1.
        poles: both class indices.

    Returns:
        [N, 2], negative and positive: (0.1, 0.6, 0.3) becomes (0.25, 0.75). Each row sums to 1. Two
        classes keep their probabilities. If both are 0, each becomes 0.5.
    """
    pair = probabilities[:, poles]
    if probabilities.shape[1] == 2:
        return pair
    total = pair.sum(axis=1, keepdims=True)
    columns: NDArray[np.float64] = np.divide(
        pair, total, out=np.full_like(pair, 0.5), where=total > 0
    )
    return columns


def polarities(probabilities: NDArray[np.float64], poles: Poles) -> NDArray[np.float64]:
    """The polarity of each text, [N], from the probabilities of its classes, [N, C]."""
    return two_columns(probabilities, poles)[:, 1]


def polarity_of(probabilities: Sequence[float], poles: Poles) -> float:
    """The polarity of one text, from the probabilities of its classes, [C]."""
    return float(polarities(np.array([probabilities]), poles)[0])


def lean(probabilities: Sequence[float], poles: Poles) -> float:
    """How far a text leans to positive, from 0 to 1: (1 + P(positive) - P(negative)) / 2.

    A text that is surely neutral leans to neither side: 0.5.

    Args:
        probabilities: those of the text's classes, [C].
        poles: both class indices.
    """
    return 0.5 + float(probabilities[poles.positive] - probabilities[poles.negative]) / 2
