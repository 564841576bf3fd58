"""The function for DuckDB, over files and with several threads."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.frames.duckdb import add_sentiment


@pytest.fixture
def connection():
    with duckdb.connect(config={"threads": 4}) as connection:
        yield connection


def test_labels_and_scores_over_several_files_and_threads(
    connection, tiny, texts, expected, tmp_path
):
    for part in range(10):
        rows = range(part * 50, part * 50 + 50)
        table = pa.table({"n": rows, "body": pa.array([texts[row] for row in rows], pa.string())})
        pq.write_table(table, tmp_path / f"{part}.parquet")
    add_sentiment(connection, tiny)
    query = f"SELECT sentiment(body) AS s FROM '{tmp_path}/*.parquet' ORDER BY n"
    rows = [row["s"] for row in connection.sql(query).to_arrow_table().to_pylist()]
    assert [(row["label"], row["score"]) for row in rows] == expected


def test_a_second_call_replaces_the_function(connection, tiny):
    add_sentiment(connection, tiny)
    add_sentiment(connection, tiny)
    add_sentiment(connection, tiny, "tone", probabilities=True)
    add_sentiment(connection, tiny, "tone")
    row = connection.sql("SELECT sentiment('good') = tone('good')").fetchall()
    assert row == [(True,)]


def test_a_cursor_cannot_replace_the_function(connection, tiny):
    add_sentiment(connection, tiny)
    cursor = connection.cursor()
    for name in ("sentiment", "lower"):
        with pytest.raises(UsageError, match=rf"Expected a new name .* found '{name}' in the"):
            add_sentiment(cursor, tiny, name)
    assert cursor.sql("SELECT sentiment('good').label").fetchall() == [(tiny.predict(["good"])[0],)]


def test_fields_and_columns(connection, tiny):
    add_sentiment(connection, tiny, probabilities=True)
    query = "SELECT unnest(sentiment(body)), sentiment(body).label FROM (VALUES ('good'), (NULL), ('')) t(body)"  # noqa: E501
    relation = connection.sql(query)
    names = ["label", "score", "probability_negative", "probability_positive"]
    assert relation.columns[:4] == names
    good, *others = relation.fetchall()
    (score,) = tiny(["good"])
    assert good == (score["label"], score["score"], *tiny.predict_proba(["good"])[0], "positive")
    assert others == [(None,) * 5] * 2


def test_a_constant_text_and_a_category(connection, tiny):
    add_sentiment(connection, tiny, "verdict")
    label = tiny.predict(["good"])[0]
    assert connection.sql("SELECT verdict('good').label FROM range(3)").fetchall() == [(label,)] * 3
    query = "SELECT verdict('good'::ENUM('good', 'bad')).label"
    assert connection.sql(query).fetchall() == [(label,)]


def test_an_empty_table(connection, tiny):
    add_sentiment(connection, tiny)
    assert connection.sql("SELECT sentiment(b) FROM (SELECT '' AS b WHERE false)").fetchall() == []


def test_several_labels_are_lists(connection, several):
    add_sentiment(connection, several)
    query = "SELECT unnest(sentiment(b)) FROM (VALUES ('a good film'), (NULL)) t(b)"
    (prediction,) = several.predictor.predict(["a good film"])
    assert connection.sql(query).fetchall() == [
        (list(prediction.labels), list(prediction.scores)),
        (None, None),
    ]


def test_names_of_classes_may_hold_quotes(connection, make_bundle):
    classifier = SentimentClassifier(make_bundle(('a "b"', "c d")), threads=1)
    add_sentiment(connection, classifier, probabilities=True)
    names = connection.sql("SELECT unnest(sentiment('good'))").columns
    assert names == ["label", "score", 'probability_a "b"', "probability_c d"]


@pytest.mark.parametrize("value", ["5", "1.5", "DATE '2026-01-01'", "['a']"])
def test_other_types_are_refused_in_one_sentence(connection, tiny, value):
    add_sentiment(connection, tiny)
    with pytest.raises(duckdb.BinderException, match="No function matches the given name"):
        connection.sql(f"SELECT sentiment({value})")


def test_classes_that_differ_only_in_case(connection, make_bundle):
    classifier = SentimentClassifier(make_bundle(("Good", "good")))
    add_sentiment(connection, classifier)
    with pytest.raises(UsageError, match="upper and lower case"):
        add_sentiment(connection, classifier, "other", probabilities=True)
