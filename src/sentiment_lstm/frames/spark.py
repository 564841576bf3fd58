"""A function for Spark's columns that scores texts."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.frames.arrow import score_array
from sentiment_lstm.frames.given import checked_classifier
from sentiment_lstm.frames.libraries import library
from sentiment_lstm.frames.scores import column_types, field_names
from sentiment_lstm.inference.predictor import Predictor, open_predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import Column

_OPEN: dict[str, Predictor] = {}
"""The open models of this process, by the keys of their functions. They stay open, because a Python
process of Spark runs many tasks."""
_MOST_OPEN = 4
"""The most open models. A query with more functions opens some of them again and again."""


def sentiment_udf(
    classifier: SentimentClassifier, *, probabilities: bool = False
) -> Callable[[str | Column], Column]:
    """Return a function for columns of strings: `reviews.withColumn("sentiment", udf("body"))`.

    It is an `arrow_udf`. Its result is a struct with the fields `label` and `score`, and
    `probability_NAME` for each class if asked for. If a text may have several labels, the fields
    are the lists `labels` and `scores`. Each Python process of Spark opens the model once, and
    scores in one thread.

    Args:
        classifier: the model. Spark sends it to its processes.
        probabilities: also return the probability of each class.

    Raises:
        MissingExtraError: pyspark is not installed.
        UsageError: `classifier` is not a classifier.
    """
    functions = library("pyspark.sql.functions", "spark")
    bundle = checked_classifier(classifier).bundle
    multi_label = bundle.config.multi_label
    names = field_names(bundle.config.classes, multi_label=multi_label, probabilities=probabilities)
    worker = _Worker(uuid4().hex, bundle, names)
    with warnings.catch_warnings():  # Spark prefers type hints, which would need pyarrow here
        warnings.simplefilter("ignore", UserWarning)
        udf: Callable[[str | Column], Column] = functions.arrow_udf(
            worker.score, _type(names, multi_label=multi_label), functions.ArrowUDFType.SCALAR
        )
    return udf


class _Worker:
    """What Spark sends to its processes: the model and the names of the fields."""

    def __init__(self, key: str, bundle: Bundle, names: Sequence[str]) -> None:
        self._key, self._bundle, self._names = key, bundle, names

    def score(self, texts: Any) -> Any:  # noqa: ANN401
        """Score an Arrow array of texts, [N], into an array of structs, [N]."""
        if self._key not in _OPEN:
            if len(_OPEN) >= _MOST_OPEN:
                _OPEN.pop(next(iter(_OPEN)))  # the oldest
            _OPEN[self._key] = open_predictor(self._bundle, threads=1)
        return score_array(_OPEN[self._key], texts, self._names, "the argument")


def _type(names: Sequence[str], *, multi_label: bool) -> Any:  # noqa: ANN401
    types = library("pyspark.sql.types", "spark")
    kinds: dict[str, Any] = column_types(
        names, types.StringType(), types.DoubleType(), types.ArrayType, multi_label=multi_label
    )
    return types.StructType([types.StructField(name, kind) for name, kind in kinds.items()])
