"""Soft labels of any number of classes: each is an object with the probability of each class.

In jsonl, write `{"negative": 0.7, "neutral": 0.3}`. In csv, write the same as text. A class that is
left out has the probability 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sentiment_lstm.data.label_sets import MISSING, UNMAPPED

_TOLERANCE = 0.01
"""How far the sum of a text's probabilities may be from 1. Many files hold rounded numbers."""


class ClassProbabilities:
    """Reads the probability of each class.

    Args:
        classes: the names of all classes.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)

    def read(self, raw: object) -> tuple[dict[str, float] | None, str | None]:
        """The probability of each class, and what is wrong with the label (None: nothing).

        The probabilities are scaled to the sum 1. Classes with the probability 0 are left out.
        """
        if raw is None or raw != raw or (isinstance(raw, str) and not raw.strip()):
            return None, MISSING
        if isinstance(raw, str):
            try:
                raw = json.loads(raw)
            except (ValueError, RecursionError):
                return None, UNMAPPED
        if not isinstance(raw, Mapping):
            return None, UNMAPPED
        stated = {name: value for name, value in raw.items() if value is not None}
        numbers = [float(v) for v in stated.values() if _is_probability(v)]
        total = sum(numbers)
        is_sound = len(numbers) == len(stated) and abs(total - 1) <= _TOLERANCE
        if not is_sound or not set(stated) <= set(self._classes):
            return None, UNMAPPED
        return {n: float(v) / total for n, v in stated.items() if v}, None

    def classes(self) -> tuple[str, ...]:
        """All classes, in order."""
        return self._classes

    def freeze_classes(self) -> None:
        """Does nothing: all classes are known."""


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
