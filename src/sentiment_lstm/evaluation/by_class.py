"""Measures of each class, and the classes that a model confuses.

Works on confusion matrices, int [C, C]: rows are true classes, columns predicted ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sentiment_lstm.data.label_map import to_number

MOST_PAIRS = 10
NUMBER_MEASURES = ("mean_absolute_error", "within_one")
"""Measures that only classes with numbers as names have."""
_FEWEST_NUMBERS = 3
"""With fewer classes, numbers are only names."""


def by_class(confusion: ArrayLike, classes: Sequence[str]) -> dict[str, Any]:
    """Return all that this file measures, as plain values for JSON.

    Args:
        confusion: int [C, C], of at least one text.
        classes: the names of the C classes.

    Returns:
        `per_class` (`class_rows`), `confused_pairs`, and `mean_absolute_error` and `within_one`
        (`number_errors`).
    """
    return {
        "per_class": class_rows(confusion, classes),
        "confused_pairs": confused_pairs(confusion, classes),
        **number_errors(confusion, classes),
    }


def class_rows(confusion: ArrayLike, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Measure each class, the weakest (lowest F1) first.

    Args:
        confusion: int [C, C].
        classes: the names of the C classes.

    Returns:
        Per class `{"class": ..., "n": ..., "predicted": ..., "precision": ..., "recall": ...,
        "f1": ...}`. `n` texts have the class as label, `predicted` texts got it from the model. A
        measure is None if it is undefined: the precision of a class that is never predicted, the
        recall of a class without texts, F1 if both hold. Of classes with the same
        F1, the one with more texts comes first. Classes without texts come last.
    """
    counts = np.asarray(confusion)
    hits, present, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return rows_of(classes, hits.tolist(), present.tolist(), predicted.tolist())


def rows_of(
    classes: Sequence[str], hits: Sequence[int], present: Sequence[int], predicted: Sequence[int]
) -> list[dict[str, Any]]:
    """Return `class_rows` from the right predictions, true texts and predictions of each class."""
    columns = (hits, present, predicted)
    rows = [
        {
            "class": name,
            "n": n,
            "predicted": chosen,
            "precision": right / chosen if chosen else None,
            "recall": right / n if n else None,
            "f1": 2 * right / (n + chosen) if n + chosen else None,
        }
        for name, right, n, chosen in zip(classes, *columns, strict=True)
    ]
    return sorted(rows, key=lambda row: (not row["n"], row["f1"] or 0.0, -row["n"]))


def confused_pairs(
    confusion: ArrayLike, classes: Sequence[str], most: int = MOST_PAIRS
) -> list[dict[str, Any]]:
    """Return the commonest mistakes: a true class and the class that was predicted instead.

    Args:
        confusion: int [C, C].
        classes: the names of the C classes.
        most: the number of pairs.

    Returns:
        `{"true": ..., "predicted": ..., "count": ..., "of": ...}`, the largest count first. `of` is
        the number of texts of the true class. Of equal counts the rarer true class comes first.
    """
    counts = np.asarray(confusion)
    present = counts.sum(axis=1)
    true, predicted = np.nonzero(counts * (1 - np.eye(len(counts), dtype=np.int64)))
    order = np.lexsort((present[true], -counts[true, predicted]))[:most]
    return [
        {
            "true": classes[t],
            "predicted": classes[p],
            "count": int(counts[t, p]),
            "of": int(present[t]),
        }
        for t, p in zip(true[order].tolist(), predicted[order].tolist(), strict=True)
    ]


def numbers_of(classes: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the values of classes that are numbers, such as stars, [C].

    None if a class is no number, or if there are only two classes.
    """
    values = [to_number(name) for name in classes]
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(classes) or len(numbers) < _FEWEST_NUMBERS:
        return None
    return np.array(numbers, dtype=np.float64)


def number_errors(confusion: ArrayLike, classes: Sequence[str]) -> dict[str, float | None]:
    """Measure how far predictions are from the labels if the classes are numbers.

    A text of 5 stars that is predicted as 3 stars is off by 2.

    Args:
        confusion: int [C, C], of at least one text.
        classes: the names of the C classes.

    Returns:
        `mean_absolute_error`, and `within_one`: the fraction of texts that are off by at most 1.
        Both are None if the classes are not numbers.
    """
    numbers = numbers_of(classes)
    if numbers is None:
        return dict.fromkeys(NUMBER_MEASURES)
    counts = np.asarray(confusion)
    distances = np.abs(numbers[:, None] - numbers[None, :])
    n = int(counts.sum())
    return {
        "mean_absolute_error": float((counts * distances).sum()) / n,
        "within_one": int(counts[distances <= 1].sum()) / n,
    }
