"""Scores a column with polars: in an expression, or in a frame, which may be lazy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.frames.given import checked_classifier
from sentiment_lstm.frames.libraries import library
from sentiment_lstm.frames.scores import (
    SLICE,
    check_columns,
    column_names,
    column_types,
    field_names,
    not_texts,
    score_texts,
)
from sentiment_lstm.inference.predictor import Predictor

if TYPE_CHECKING:
    import polars as pl

_STRUCT = "sentiment_lstm predictions"
"""The name of a column that exists only within a lazy query."""


def sentiment(
    column: str | pl.Expr, classifier: SentimentClassifier, *, probabilities: bool = False
) -> pl.Expr:
    """Return an expression that scores texts, in the in-memory and the streaming engine.

    Args:
        column: the name of a column of strings, or an expression.
        classifier: the model.
        probabilities: also return the probability of each class.

    Returns:
        An expression named `sentiment`, a struct with the fields `label` and `score`, and
        `probability_NAME` for each class if asked for. If a text may have several labels, the
        fields are the lists `labels` and `scores`.

    Raises:
        MissingExtraError: polars is not installed.
        UsageError: `classifier` is not a classifier.
    """
    predictor = checked_classifier(classifier).predictor
    names = field_names(
        predictor.classes, multi_label=predictor.multi_label, probabilities=probabilities
    )
    return _expression(column, predictor, names).alias("sentiment")


def score_frame(predictor: Predictor, frame: Any, column: str, *, probabilities: bool) -> Any:  # noqa: ANN401
    """Return a `DataFrame` or `LazyFrame` with the predictions for a column added.

    Raises:
        UsageError: see `scores.check_columns`; or the column holds no texts.
    """
    names = column_names(
        predictor.classes, multi_label=predictor.multi_label, probabilities=probabilities
    )
    schema = frame.collect_schema()
    check_columns(schema.names(), column, names)
    _check_type(column, schema[column])
    scored = _expression(column, predictor, names).alias(_STRUCT)
    return frame.with_columns(scored).unnest(_STRUCT)


def _expression(column: str | pl.Expr, predictor: Predictor, names: Sequence[str]) -> pl.Expr:
    polars = library("polars")
    multi_label = predictor.multi_label
    fields: dict[str, Any] = column_types(
        names, polars.String, polars.Float64, polars.List, multi_label=multi_label
    )

    def score(series: pl.Series) -> pl.Series:
        _check_type(series.name, series.dtype)
        columns = score_texts(predictor, _texts(series), names)
        struct: pl.Series = polars.DataFrame(columns, schema=fields).to_struct(series.name)
        return struct

    # `polars.col` would read "*" and "^...$" as patterns.
    exact: pl.Expr = polars.selectors.by_name(column) if isinstance(column, str) else column
    return exact.map_batches(score, polars.Struct(fields), is_elementwise=True)


def _check_type(column: str, kind: Any) -> None:  # noqa: ANN401
    polars = library("polars")
    if kind not in (polars.String, polars.Categorical, polars.Enum, polars.Null):
        raise not_texts(f"column {column}", kind)


def _texts(series: pl.Series) -> Iterator[str | None]:
    for start in range(0, len(series), SLICE):
        yield from series.slice(start, SLICE).to_list()
