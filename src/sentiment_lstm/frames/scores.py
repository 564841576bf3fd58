"""The predictions for a column of texts, as columns of values. It uses no library of tables.

A missing text and an empty text have None in every column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import is_empty
from sentiment_lstm.scoring.rows import (
    LABEL,
    LABELS,
    SCORE,
    SCORES,
    probability_names,
    refuse_taken,
)

SLICE = 2048
"""The number of texts of a column that are turned into Python strings at once."""
T = TypeVar("T")

Columns = dict[str, list[Any]]
"""The values of each added column by its name: labels, then scores, then probabilities."""


def column_names(classes: Sequence[str], *, multi_label: bool, probabilities: bool) -> list[str]:
    """The names of the columns that scoring adds to a table, as `predict --input` writes them.

    Args:
        classes: the names of the classes.
        multi_label: whether a text may have several labels.
        probabilities: whether each class has a column of its probability.
    """
    verdict = [LABELS, SCORES] if multi_label else [LABEL, SCORE]
    return [*verdict, *(probability_names(classes) if probabilities else ())]


def field_names(classes: Sequence[str], *, multi_label: bool, probabilities: bool) -> list[str]:
    """The names of the fields, if the predictions for a text are one value with fields."""
    verdict = ["labels", "scores"] if multi_label else ["label", "score"]
    return [*verdict, *(probability_names(classes) if probabilities else ())]


def column_types(
    names: Sequence[str], text: T, number: T, list_of: Callable[[T], T], *, multi_label: bool
) -> dict[str, T]:
    """The type of each column, by its name, in the types of a library.

    Args:
        names: as from `column_names` or `field_names`.
        text: the library's type for labels.
        number: its type for probabilities.
        list_of: its type for lists of such values.
        multi_label: whether a text may have several labels.
    """
    types = dict.fromkeys(names, number) | {names[0]: text}
    if multi_label:
        types |= {name: list_of(types[name]) for name in names[:2]}
    return types


def score_texts(predictor: Predictor, texts: Iterable[str | None], names: Sequence[str]) -> Columns:
    """Score a stream of texts.

    Args:
        predictor: the model.
        texts: N texts; None where a text is missing.
        names: the names of the columns, from `column_names` or `field_names`.

    Returns:
        Columns of N values: a label (str) and a score (float) for each text, or lists of both if a
        text may have several labels; then the probability of each class, if `names` has its column.
    """
    columns: Columns = {name: [] for name in names}
    labels, scores, *others = columns.values()
    known = ("" if text is None else text for text in texts)
    for window, _, rows in predictor.windows(known):
        empty = [is_empty(text) for text in window]
        for is_missing, (label, score) in zip(empty, _verdicts(predictor, rows), strict=True):
            labels.append(None if is_missing else label)
            scores.append(None if is_missing else score)
        for values, column in zip(others, rows.T.tolist()[: len(others)], strict=True):
            values += [None if e else value for e, value in zip(empty, column, strict=True)]
    return columns


def _verdicts(predictor: Predictor, rows: NDArray[np.float64]) -> Iterator[tuple[Any, Any]]:
    """The label of each text and its probability; lists of both if a text may have several."""
    for row, chosen in zip(rows.tolist(), predictor.chosen_in_each(rows), strict=True):
        labels, scores = [predictor.classes[c] for c in chosen], [row[c] for c in chosen]
        yield (labels, scores) if predictor.multi_label else (labels[0], scores[0])


def check_columns(existing: Sequence[object], column: object, added: Sequence[str]) -> None:
    """Check that a table has the column of texts, and no column with a name that scoring adds.

    Raises:
        UsageError: it lacks the column, has it twice, or has a column that scoring adds.
    """
    if (count := list(existing).count(column)) != 1:
        names = ", ".join(repr(str(name)) for name in existing)
        problem = f"the columns {names}" if names else "no columns"
        if count:
            problem = f"{count} of this name"
        raise UsageError(
            f"Expected one column {str(column)!r} of texts, found {problem}: name another."
        )
    refuse_taken(added, existing, "the table")


def not_texts(place: str, kind: object) -> UsageError:
    """The error for a column or an argument that holds no texts. `kind` is what it holds."""
    return UsageError(
        f"Expected texts in {place}, found {kind}: name another column, or turn its "
        "values into strings."
    )
