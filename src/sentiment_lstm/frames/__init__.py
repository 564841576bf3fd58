"""Scores texts where they are: in data frames, in SQL, on clusters and in spaCy.

`score_frame` takes frames of pandas, polars and Arrow. The modules `polars`, `duckdb`, `spark`,
`ray` and `spacy` serve the programs of these names.
"""

from __future__ import annotations

from typing import Any

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.frames import arrow, pandas, polars
from sentiment_lstm.frames.given import checked_classifier

_SCORERS = {
    ("pandas", "DataFrame"): pandas.score_frame,
    ("polars", "DataFrame"): polars.score_frame,
    ("polars", "LazyFrame"): polars.score_frame,
    ("pyarrow", "Table"): arrow.score_table,
    ("pyarrow", "RecordBatch"): arrow.score_table,
    ("pyarrow", "RecordBatchReader"): arrow.score_reader,
}
"""The functions that score a frame, by the library and the name of its class."""


def score_frame(
    classifier: SentimentClassifier,
    frame: Any,  # noqa: ANN401
    column: str,
    *,
    probabilities: bool = False,
) -> Any:  # noqa: ANN401
    """Return a frame with all columns of the given one, and the predictions for its texts.

    The names of the new columns are those that `predict --input` writes: `predicted_label` and
    `predicted_score`. If a text may have several labels, they are `predicted_labels` and
    `predicted_scores`, which hold lists. For a missing or empty text the new columns are null.

    Args:
        classifier: the model.
        frame: a `DataFrame` of pandas or polars, a `LazyFrame` of polars, or a `Table`,
            `RecordBatch` or `RecordBatchReader` of pyarrow. It stays as it is.
        column: the name of the column of texts: strings, or categories that are strings.
        probabilities: also add `probability_NAME` for each class.

    Returns:
        A frame of the same kind. A `LazyFrame` and a `RecordBatchReader` score their texts when
        they are read.

    Raises:
        UsageError: `classifier` is not a classifier; or `frame` is something else, has no such
            column of texts, or has a column with the name of a new one.
    """
    predictor = checked_classifier(classifier).predictor
    for kind in type(frame).__mro__:
        library = kind.__module__.partition(".")[0]
        if scorer := _SCORERS.get((library, kind.__name__)):
            return scorer(predictor, frame, column, probabilities=probabilities)
    raise UsageError(
        f"Expected a frame of pandas, polars or pyarrow, found {type(frame).__name__}: turn it "
        "into one of these, or score a list of texts with the classifier."
    )
