"""Scored files hold all rows with their predictions, also after an interruption."""

import csv
import json
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from small_tables import ROWS, TEXTS, Stopping, read, score, write

from sentiment_lstm.errors import SentimentError, UsageError
from sentiment_lstm.scoring.files import Job, score_file

KINDS = [
    "csv", "tsv", "jsonl", "csv.gz", "tsv.zst", "jsonl.gz", "jsonl.zst", "parquet",
    "csv.zip", "jsonl.zip", "parquet.zip", "parquet.gz", "parquet.zst",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_all_rows_and_columns_come_back_with_predictions(predictor, tmp_path, small_chunks, kind):
    out, calls = tmp_path / f"out.{kind}", []
    job = Job(write(tmp_path / f"in.{kind}"), out, "m")
    result = score_file(predictor, job, lambda *call: calls.append(call))
    rows = read(out)
    assert (result.rows, dict(result.set_aside), result.was_complete) == (len(ROWS), {}, False)
    assert [{k: row[k] for k in ROWS[0]} for row in rows] == ROWS
    expected = predictor.predict(TEXTS)
    assert [row["predicted_label"] for row in rows] == [prediction.label for prediction in expected]
    scores = [float(row["predicted_score"]) for row in rows]
    np.testing.assert_allclose(
        scores, [prediction.score for prediction in expected], rtol=0, atol=1e-6
    )
    assert calls[-1] == (len(ROWS), 1.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"in.{kind}", f"out.{kind}", f"out.{kind}.done.json"]
    )


@pytest.mark.parametrize(
    ("name", "out", "member"),
    [
        ("in.zip", "out.zip", "out.tsv"),
        ("in.zip", "out.jsonl.zip", "out.jsonl"),
        ("in.csv.zip", "out.csv", None),
        ("in.csv", "out.zip", "out.csv"),
    ],
)
def test_archives_are_scored_into_files_and_archives(predictor, tmp_path, name, out, member):
    source = write(tmp_path / "in.csv")
    if name != source.name:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            inside = "deep/tickets.tsv" if name == "in.zip" else "tickets.csv"
            archive.write(write(tmp_path / f"in{inside[-4:]}"), inside)
    assert score(predictor, tmp_path / name, tmp_path / out).rows == len(ROWS)
    if member:
        with zipfile.ZipFile(tmp_path / out) as archive:
            (tmp_path / f"read.{member[4:]}").write_bytes(archive.read(member))
        out = f"read.{member[4:]}"
    assert [row["review"] for row in read(tmp_path / out)] == TEXTS


def test_progress_may_be_left_out(predictor, tmp_path):
    job = Job(write(tmp_path / "in.csv"), tmp_path / "out.csv", "m")
    assert score_file(predictor, job).rows == len(ROWS)


@pytest.mark.parametrize("kind", ["csv", "jsonl.gz", "parquet", "csv.zip", "parquet.zip"])
@pytest.mark.parametrize("chunk", [0, 1, 3])
def test_a_killed_call_continues_to_the_same_output(predictor, tmp_path, small_chunks, kind, chunk):
    source = write(tmp_path / f"in.{kind}")
    whole = tmp_path / "whole" / f"out.{kind}"  # the name is stored in an archive
    score(predictor, source, whole)
    out = tmp_path / f"out.{kind}"
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, chunk), source, out)
    assert not out.exists()
    rest = Stopping(predictor, 4 - chunk)
    assert score(rest, source, out).rows == len(ROWS)
    assert rest.left == 0, "what was scored is not scored again"
    assert out.read_bytes() == whole.read_bytes()


def test_a_finished_output_is_not_scored_again(predictor, tmp_path):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    score(predictor, source, out)
    result = score(Stopping(predictor, 0), source, out)
    assert result.was_complete
    assert result.rows == len(ROWS)


def test_formulas_are_escaped_on_request(predictor, tmp_path):
    source = write(tmp_path / "in.csv")
    score(predictor, source, tmp_path / "plain.csv")
    score(predictor, source, tmp_path / "safe.csv", escape=True)
    assert read(tmp_path / "plain.csv")[4]["review"] == "=bad"
    assert read(tmp_path / "safe.csv")[4]["review"] == "'=bad"


def test_abstaining_leaves_the_label_empty(predictor, tmp_path):
    score(predictor, write(tmp_path / "in.jsonl"), tmp_path / "out.jsonl", abstain_below=0.999)
    assert {row["predicted_label"] for row in read(tmp_path / "out.jsonl")} == {None}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_without_rows_gives_an_output_without_rows(predictor, tmp_path, kind):
    source = tmp_path / f"in.{kind}"
    if kind == "parquet":
        parquet.write_table(pa.table({"text": pa.array([], pa.string())}), source)
    else:
        source.write_text("text\n" if kind == "csv" else "")
    assert score(predictor, source, tmp_path / f"out.{kind}").rows == 0
    assert (tmp_path / f"out.{kind}").exists()


def test_line_breaks_of_any_kind_stay_within_their_field(predictor, tmp_path):
    rows = [{"text": "two\rlines"}, {"text": "three\r\nlines"}]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    score(predictor, source, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == [row["text"] for row in rows]


def test_two_calls_do_not_work_on_one_output(predictor, tmp_path, small_chunks):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"

    class Meddled(Stopping):
        def predict_iter(self, texts, abstain_below=0.0):
            with pytest.raises(SentimentError, match="no other process"):
                score(self.predictor, source, out, abstain_below=0.9)
            return self.predictor.predict_iter(texts, abstain_below)

    assert score(Meddled(predictor, 9), source, out).rows == len(ROWS)


def test_headers_are_escaped_too(predictor, tmp_path):
    source = write(tmp_path / "in.csv", [{"=1+1": "x", "text": "good"}])
    score(predictor, source, tmp_path / "out.csv", escape=True)
    assert (tmp_path / "out.csv").read_text().startswith("'=1+1,text,")
    parquet_file = write(tmp_path / "in.parquet")
    with pytest.raises(UsageError, match="leave the option out"):
        score(predictor, parquet_file, tmp_path / "out.parquet", escape=True)
