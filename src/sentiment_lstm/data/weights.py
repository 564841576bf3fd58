"""The weights of texts in training: reads them, and scales them to a mean of 1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from sentiment_lstm.records import Example

BAD_WEIGHT = "bad weight"
"""Why a row is set aside if its weight is missing, negative, too large or no number."""
MOST_WEIGHT = 1e100
"""The sum of any number of weights must be finite."""
_DIGITS = 7
"""Significant digits of a scaled weight. So weights in the same ratios give the same bits."""


def read_weight(raw: object) -> float | None:
    """A weight as a number from 0 to `MOST_WEIGHT`; None if it is anything else.

    `"2.5"` -> 2.5, `True` -> 1.0.
    """
    if not isinstance(raw, str | int | float | Decimal):
        return None
    try:
        weight = float(raw)
    except (ValueError, OverflowError):
        return None
    return weight if 0 <= weight <= MOST_WEIGHT else None


def mean_weight(examples: Sequence[Example]) -> float:
    """The mean of the examples' weights; 1 without examples."""
    return math.fsum(example.weight for example in examples) / len(examples) if examples else 1.0


def scaled_weights(examples: Iterable[Example], mean: float, factor: float = 1.0) -> list[Example]:
    """The examples with their weights divided by `mean`, times `factor`.

    Examples whose weight does not change stay the same objects.
    """
    return [scaled_weight(example, mean, factor) for example in examples]


def scaled_weight(example: Example, mean: float, factor: float = 1.0) -> Example:
    """As `scaled_weights`, for one example."""
    weight = factor
    if example.weight != mean:
        weight *= float(f"{example.weight / mean:.{_DIGITS - 1}e}")
    return example if weight == example.weight else replace(example, weight=weight)
