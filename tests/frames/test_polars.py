"""The expression for polars, in both engines."""

import polars as pl
import pytest

from sentiment_lstm.errors import UsageError
from sentiment_lstm.frames import score_frame
from sentiment_lstm.frames.polars import sentiment


def verdicts(series):
    return [(row["label"], row["score"]) for row in series.to_list()]


def test_an_expression_gives_a_struct(tiny, texts, expected):
    frame = pl.DataFrame({"body": texts}).with_columns(sentiment("body", tiny))
    assert frame.schema["sentiment"] == pl.Struct({"label": pl.String, "score": pl.Float64})
    assert verdicts(frame["sentiment"]) == expected


def test_an_expression_of_an_expression(tiny):
    frame = pl.DataFrame({"body": ["A GOOD FILM"]})
    scored = frame.select(sentiment(pl.col("body").str.to_lowercase(), tiny)).unnest("sentiment")
    assert scored["score"].to_list() == [score["score"] for score in tiny(["a good film"])]


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_lazy_query_over_several_files(tiny, texts, expected, engine, tmp_path):
    for part in range(5):
        rows = slice(part * 100, part * 100 + 100)
        frame = pl.DataFrame({"n": range(500), "body": texts})[rows]
        frame.write_parquet(tmp_path / f"{part}.parquet", row_group_size=30)
    query = pl.scan_parquet(tmp_path / "*.parquet").with_columns(sentiment("body", tiny))
    scored = query.sort("n").collect(engine=engine)
    assert verdicts(scored["sentiment"]) == expected
    added = score_frame(tiny, pl.scan_parquet(tmp_path / "*.parquet"), "body")
    collected = added.sort("n").collect(engine=engine)
    assert collected["predicted_score"].to_list() == [score for _, score in expected]


def test_a_lazy_query_scores_only_the_rows_that_it_needs(tiny, monkeypatch):
    scored = []
    windows = tiny.predictor.windows
    monkeypatch.setattr(
        tiny.predictor, "windows", lambda texts: windows(scored.append(t) or t for t in texts)
    )
    frame = pl.LazyFrame({"n": range(100), "body": ["a good film"] * 100})
    assert frame.filter(pl.col("n") < 3).with_columns(sentiment("body", tiny)).collect().height == 3
    assert len(scored) == 3


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["good", "bad"])], ids=str)
def test_every_type_of_strings(tiny, kind):
    frame = pl.DataFrame({"body": pl.Series(["good", None, "bad"], dtype=kind)})
    labels = frame.select(sentiment("body", tiny).struct.field("label")).to_series().to_list()
    assert labels == tiny.predict(["good", "", "bad"])


def test_several_labels_and_probabilities(several):
    frame = pl.DataFrame({"body": ["a good film", None]})
    scored = frame.select(sentiment("body", several, probabilities=True)).unnest("sentiment")
    (prediction,) = several.predictor.predict(["a good film"])
    assert scored["labels"].to_list() == [list(prediction.labels), None]
    assert scored["scores"].to_list() == [list(prediction.scores), None]
    assert scored["probability_rage"].to_list()[1] is None


@pytest.mark.parametrize("name", ["*", "^text.*$"])
@pytest.mark.parametrize("kind", [pl.DataFrame, pl.LazyFrame])
def test_the_name_of_a_column_is_no_pattern(tiny, name, kind):
    frame = kind({name: ["a good film"], "text_2": ["a bad film"]})
    expected = [tiny(["a good film"])[0]["score"]]
    assert score_frame(tiny, frame, name).lazy().collect()["predicted_score"].to_list() == expected
    scored = frame.select(sentiment(name, tiny)).lazy().collect()
    assert [score for _, score in verdicts(scored["sentiment"])] == expected


def test_a_column_of_numbers_is_refused(tiny):
    with pytest.raises(UsageError, match="Expected texts in column n, found Int64"):
        pl.DataFrame({"n": [1]}).select(sentiment("n", tiny))
