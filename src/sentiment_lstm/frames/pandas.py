"""Scores a column of a pandas `DataFrame`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from sentiment_lstm.frames.libraries import library
from sentiment_lstm.frames.scores import check_columns, column_names, not_texts, score_texts
from sentiment_lstm.inference.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd


def score_frame(
    predictor: Predictor, frame: pd.DataFrame, column: Hashable, *, probabilities: bool
) -> pd.DataFrame:
    """Return a frame with the same index and columns, and the predictions for a column added.

    Raises:
        UsageError: see `scores.check_columns`; or a value is neither a string nor missing.
    """
    pd = library("pandas")
    names = column_names(
        predictor.classes, multi_label=predictor.multi_label, probabilities=probabilities
    )
    check_columns(list(frame.columns), column, names)
    columns = score_texts(predictor, _texts(frame[column]), names)
    types = {names[0]: pd.Series(["text"]).dtype}  # how this version of pandas keeps strings
    if predictor.multi_label:
        types = dict.fromkeys(names[:2], object)
    scored = frame.assign()  # a new frame with the values of the old one
    for name, values in columns.items():
        scored[name] = pd.Series(values, frame.index, dtype=types.get(name, "float64"))
    return scored


def _texts(series: pd.Series) -> Iterator[str | None]:
    """The strings of a series; None for None, NaN and NA."""
    pd = library("pandas")
    for row, value in enumerate(series.array):
        if isinstance(value, str):
            yield value
        elif pd.api.types.is_scalar(value) and pd.isna(value):
            yield None
        else:
            raise not_texts(f"column {series.name}", f"{type(value).__name__} in row {row}")
