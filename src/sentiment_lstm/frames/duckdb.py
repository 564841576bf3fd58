"""A function for SQL in DuckDB that scores texts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.frames.arrow import score_array
from sentiment_lstm.frames.given import checked_classifier
from sentiment_lstm.frames.libraries import library
from sentiment_lstm.frames.scores import column_types, field_names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def add_sentiment(
    connection: DuckDBPyConnection,
    classifier: SentimentClassifier,
    name: str = "sentiment",
    *,
    probabilities: bool = False,
) -> None:
    """Add a function to a connection: `SELECT sentiment(body) FROM reviews`.

    It takes one string and returns a struct with the fields `label` and `score`, and
    `probability_NAME` for each class if asked for. If a text may have several labels, the fields
    are the lists `labels` and `scores`. DuckDB's threads share the classifier. A second call with
    the same name and the same connection replaces the function.

    Args:
        connection: DuckDB's connection. Its cursors have the function too, and so have other
            connections of this process to the same database. They cannot replace it.
        classifier: the model.
        name: the name of the function.
        probabilities: also return the probability of each class.

    Raises:
        MissingExtraError: pyarrow is not installed.
        UsageError: `classifier` is not a classifier; the database has another function of this
            name; or `probabilities` is true, and two classes differ only in upper and lower case.
    """
    library("pyarrow")
    predictor = checked_classifier(classifier).predictor
    multi_label = predictor.multi_label
    names = field_names(predictor.classes, multi_label=multi_label, probabilities=probabilities)

    if len({name.casefold() for name in names}) < len(names):
        raise UsageError(
            "Expected classes that differ in more than upper and lower case, found others: DuckDB "
            "would mix up their probabilities; leave probabilities out."
        )

    def score(texts: Any) -> Any:  # noqa: ANN401
        return score_array(predictor, texts, names, "the argument")

    types = column_types(names, "VARCHAR", "DOUBLE", "{}[]".format, multi_label=multi_label)
    fields = ", ".join(f"{_quoted(name)} {kind}" for name, kind in types.items())
    duckdb = library("duckdb")
    with suppress(duckdb.InvalidInputException):  # there is none of this name
        connection.remove_function(name)
    create: Any = connection.create_function  # its types leave out the names of the options
    try:
        create(name, score, ["VARCHAR"], f"STRUCT({fields})", type="arrow", null_handling="special")
    except duckdb.CatalogException as error:
        raise UsageError(
            f"Expected a new name for a function, found {name!r:.80} in the database: give another "
            "name, or use the connection that added it."
        ) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
