"""Frames of pandas, polars and Arrow get the classifier's predictions, to the bit."""

import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.estimator import LSTMTextClassifier
from sentiment_lstm.frames import score_frame

LABEL, SCORE = ADDED = ["predicted_label", "predicted_score"]
TABLES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "arrow": pa.table,
    "record batch": lambda data: pa.RecordBatch.from_pydict(data),
    "reader": lambda data: pa.table(data).to_reader(max_chunksize=100),
}


def as_rows(frame):
    """Return the rows as dictionaries of Python's values, None where a value is missing."""
    if isinstance(frame, pd.DataFrame):
        rows = frame.astype(object).to_dict("records")
        return [{k: None if pd.api.types.is_scalar(v) and pd.isna(v) else v for k, v in r.items()} for r in rows]  # fmt: skip # noqa: E501
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame.to_dicts()
    return (frame.read_all() if isinstance(frame, pa.RecordBatchReader) else frame).to_pylist()


@pytest.fixture(params=TABLES)
def make(request):
    return TABLES[request.param]


def test_labels_and_scores_are_those_of_the_classifier(make, tiny, texts, expected):
    rows = as_rows(score_frame(tiny, make({"n": range(len(texts)), "body": texts}), "body"))
    assert [list(row) for row in rows[:1]] == [["n", "body", *ADDED]]
    assert [(row[LABEL], row[SCORE]) for row in rows] == expected
    assert [row["n"] for row in rows] == list(range(len(texts)))
    assert [row["body"] for row in rows] == texts


@pytest.mark.parametrize("model", ["default", None, 3])
def test_a_model_that_is_no_classifier_is_refused(make, model):
    with pytest.raises(UsageError, match=f"Expected a SentimentClassifier .*, found {model!r}"):
        score_frame(model, make({"body": ["good"]}), "body")


def test_an_estimator_scores_frames_too(make, tiny, texts):
    estimator = LSTMTextClassifier.from_pretrained("tiny", threads=1)
    rows = as_rows(score_frame(estimator, make({"body": texts}), "body"))
    assert rows == as_rows(score_frame(tiny, make({"body": texts}), "body"))


def test_probabilities_are_those_of_the_classifier(make, tiny, texts):
    rows = as_rows(score_frame(tiny, make({"body": texts}), "body", probabilities=True))
    names = ["probability_negative", "probability_positive"]
    assert list(rows[0]) == ["body", *ADDED, *names]
    for row, text in zip(rows, texts, strict=True):
        if text is None or not text.strip():
            assert [row[name] for name in (*ADDED, *names)] == [None] * 4
    full = [row for row in rows if row[LABEL]]
    proba = tiny.predict_proba([row["body"] for row in full])
    assert [[row[name] for name in names] for row in full] == proba.tolist()


def test_several_labels_are_lists(make, several):
    texts = ["a good film", None, "", "not bad at all"]
    rows = as_rows(score_frame(several, make({"body": texts}), "body", probabilities=True))
    expected = several.predictor.predict(["a good film", "", "", "not bad at all"])
    for row, text, prediction in zip(rows, texts, expected, strict=True):
        if not text:
            assert [row[name] for name in row if name != "body"] == [None] * 5
            continue
        assert list(row["predicted_labels"]) == list(prediction.labels)
        assert list(row["predicted_scores"]) == list(prediction.scores)
        chosen = dict(zip(prediction.labels, prediction.scores, strict=True))
        assert row["probability_joy"] == chosen["joy"]


def test_a_text_without_a_label_has_an_empty_list(make, make_bundle):
    classifier = SentimentClassifier(make_bundle(("a", "b"), thresholds=(0.999999, 0.999999)))
    (row,) = as_rows(score_frame(classifier, make({"body": ["a good film"]}), "body"))
    assert (list(row["predicted_labels"]), list(row["predicted_scores"])) == ([], [])


@pytest.mark.parametrize("kind", ["tiny", "several"])
def test_an_empty_frame_has_the_columns_too(make, kind, request):
    classifier = request.getfixturevalue(kind)
    strings = pa.array([], pa.string())
    empty = score_frame(classifier, make({"body": strings}), "body")
    full = score_frame(classifier, make({"body": ["a good film"]}), "body")
    if isinstance(empty, pl.LazyFrame):
        assert empty.collect().schema == full.collect_schema() == full.collect().schema
    elif isinstance(empty, pd.DataFrame):
        assert (empty.dtypes == full.dtypes)[1:].all()
    else:
        assert empty.schema == full.schema
    assert as_rows(empty) == []


@pytest.mark.parametrize(
    "values", [[1, 2], [1.5, None], [True, False], [b"a", b"b"], [["a"], ["b"]]]
)
def test_a_column_of_other_values_is_refused(make, tiny, values):
    with pytest.raises(UsageError, match=r"Expected texts in column body, found .*: name another"):
        as_rows(score_frame(tiny, make({"body": values}), "body"))


def test_a_column_that_does_not_exist_or_would_be_lost_is_refused(make, tiny):
    with pytest.raises(
        UsageError, match="Expected one column 'text' of texts, found the columns 'body'"
    ):
        score_frame(tiny, make({"body": ["a"]}), "text")
    with pytest.raises(UsageError, match="Expected no column 'predicted_score' in the table"):
        score_frame(tiny, make({"body": ["a"], SCORE: [1.0]}), "body")


@pytest.mark.parametrize("frame", [["a"], {"body": ["a"]}, pd.Series(["a"]), "a"])
def test_what_is_no_frame_is_refused(tiny, frame):
    with pytest.raises(UsageError, match="Expected a frame of pandas, polars or pyarrow, found"):
        score_frame(tiny, frame, "body")


def test_the_frame_itself_stays_as_it_is(tiny):
    frames = [pd.DataFrame({"body": ["a"]}), pl.DataFrame({"body": ["a"]})]
    for frame in frames:
        score_frame(tiny, frame, "body")
        assert list(frame.columns) == ["body"]


def test_the_columns_are_those_of_the_command(run, tiny, texts, tmp_path):
    known = [text for text in texts if text and text.strip()]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"body": t}) + "\n" for t in known))
    call = ("predict", "--model", "tiny", "--input", "in.jsonl", "--output", "out.jsonl")
    code, _, err = run(*call, "--text-column", "body", "--probabilities")
    assert code == 0, err
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    frame = score_frame(tiny, pl.DataFrame({"body": known}), "body", probabilities=True)
    rounded = [{k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()} for row in frame.to_dicts()]  # fmt: skip # noqa: E501
    assert written == rounded
