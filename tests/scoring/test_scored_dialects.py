"""Files of any encoding, separator or workbook are scored, with several columns of texts.

An interrupted call continues, and changed options do not mix with earlier parts.
"""

import csv
import gzip
import json
import zipfile

import numpy as np
import openpyxl
import pytest
from pyarrow import parquet
from small_tables import ROWS, TEXTS, Stopping, read, score, write

from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.inference.two_classes import polarity

UMLAUTS = [{**row, "note": f"schön {n}"} for n, row in enumerate(ROWS)]


def semicolons(path, encoding="cp1252", rows=UMLAUTS):
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path


def workbook(path, rows=UMLAUTS):
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        cells = list(row.values())
        book.active.append([f"'{cell}" if cell.startswith("=") else cell for cell in cells])
    book.save(path)
    return path


def read_semicolons(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_of_excel_comes_back_whole(predictor, tmp_path, small_chunks, encoding):
    out = tmp_path / "out.csv"
    result = score(predictor, semicolons(tmp_path / "in.csv", encoding), out)
    assert (result.rows, dict(result.set_aside)) == (len(ROWS), {})
    rows = read_semicolons(out)
    assert [{k: row[k] for k in UMLAUTS[0]} for row in rows] == UMLAUTS
    expected = [prediction.label for prediction in predictor.predict(TEXTS)]
    assert [row["predicted_label"] for row in rows] == expected


def test_a_mark_tells_spreadsheets_that_the_output_is_utf_8(predictor, tmp_path, small_chunks):
    mark = b"\xef\xbb\xbf"
    for encoding, marked in (("utf-8", False), ("cp1252", True), ("utf-16", True)):
        score(predictor, semicolons(tmp_path / "in.csv", encoding), tmp_path / f"{encoding}.csv")
        content = (tmp_path / f"{encoding}.csv").read_bytes()
        assert content.startswith(mark + b"id;review" if marked else b"id;review")
        assert content.count(mark) == marked
    score(predictor, tmp_path / "in.csv", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes().startswith(b'{"id"')
    score(predictor, tmp_path / "in.csv", tmp_path / "out.csv.gz")
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()).count(mark) == 1


@pytest.mark.parametrize(("source", "out"), [("csv", "tsv"), ("csv", "jsonl"), ("tsv", "csv")])
def test_other_kinds_of_output_have_their_own_separator(predictor, tmp_path, source, out):
    path = tmp_path / f"in.{source}"
    semicolons(path) if source == "csv" else write(path, UMLAUTS)
    score(predictor, path, tmp_path / f"out.{out}")
    assert [row["note"] for row in read(tmp_path / f"out.{out}")] == [r["note"] for r in UMLAUTS]


@pytest.mark.parametrize("out", ["csv", "tsv", "jsonl", "parquet", "csv.gz", "zip"])
def test_a_workbook_is_scored_into_other_formats(predictor, tmp_path, small_chunks, out):
    source, target = workbook(tmp_path / "in.xlsx"), tmp_path / f"out.{out}"
    assert score(predictor, source, target).rows == len(ROWS)
    if out == "zip":
        with zipfile.ZipFile(target) as archive:
            assert archive.read("out.csv").startswith(
                b"\xef\xbb\xbfid,review,stars,note,predicted_label,"
            )
        return
    rows = read(target)
    assert [row["note"] for row in rows] == [row["note"] for row in UMLAUTS]
    assert [row["id"] for row in rows] == [row["id"] for row in UMLAUTS]
    assert {float(row["predicted_score"]) for row in rows} <= {
        round(prediction.score, 6)
        for prediction in predictor.predict([*TEXTS[:4], "'=bad", *TEXTS[5:]])
    }


@pytest.mark.parametrize("name", ["out.xlsx", "out.xlsx.gz"])
def test_workbooks_are_not_written(predictor, tmp_path, name):
    with pytest.raises(UsageError, match=r"Expected an output of csv, .*; spreadsheets open csv"):
        score(predictor, workbook(tmp_path / "in.xlsx"), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["in.xlsx"]


@pytest.mark.parametrize("kind", ["semicolons", "utf-16", "xlsx"])
@pytest.mark.parametrize("chunk", [0, 1, 3])
def test_a_killed_call_continues_to_the_same_output(predictor, tmp_path, small_chunks, kind, chunk):
    if kind == "xlsx":
        source = workbook(tmp_path / "in.xlsx")
    else:
        encoding = "cp1252" if kind == "semicolons" else "utf-16"
        source = semicolons(tmp_path / "in.csv", encoding)
    options = {"text_column": "review,note"}
    score(predictor, source, tmp_path / "whole" / "out.csv", **options)
    out = tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, chunk), source, out, **options)
    assert not out.exists()
    rest = Stopping(predictor, 4 - chunk)
    assert score(rest, source, out, **options).rows == len(ROWS)
    assert rest.left == 0, "what was scored is not scored again"
    assert out.read_bytes() == (tmp_path / "whole" / "out.csv").read_bytes()


@pytest.mark.parametrize(
    "changed",
    [{"encoding": "latin1"}, {"separator": ";"}, {"probabilities": True}, {"text_column": "note"}],
)
def test_a_changed_option_does_not_mix_parts(predictor, tmp_path, small_chunks, changed):
    source, out = semicolons(tmp_path / "in.csv"), tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, 2), source, out)
    result = score(predictor, source, out, **changed)
    assert result.rows == len(ROWS)
    again = tmp_path / "again" / "out.csv"
    score(predictor, source, again, **changed)
    assert out.read_bytes() == again.read_bytes()
    with pytest.raises(UsageError, match="--overwrite"):
        score(predictor, source, out)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_several_columns_are_scored_as_one_text(predictor, tmp_path, kind):
    rows = [{"title": "good", "body": "not bad"}, {"title": "", "body": "a film"},
            {"title": "", "body": ""}]  # fmt: skip
    source, out = write(tmp_path / f"in.{kind}", rows), tmp_path / f"out.{kind}"
    result = score(predictor, source, out, text_column="title,body")
    assert (result.rows, result.set_aside) == (2, {"no text": 1})
    expected = predictor.predict(["good\nnot bad", "a film"])
    scores = [float(row["predicted_score"]) for row in read(out)]
    assert scores == [round(prediction.score, 6) for prediction in expected]


@pytest.mark.parametrize("kind", ["csv", "tsv.gz", "jsonl", "parquet", "xlsx"])
def test_probabilities_have_a_column_for_each_class(predictor, tmp_path, small_chunks, kind):
    source = (workbook if kind == "xlsx" else write)(tmp_path / f"in.{kind}", ROWS)
    out = tmp_path / ("out.csv" if kind == "xlsx" else f"out.{kind}")
    score(predictor, source, out, probabilities=True)
    score(predictor, source, tmp_path / "plain" / out.name)
    rows = read(out)
    names = [f"probability_{name}" for name in predictor.classes]
    assert list(rows[0]) == [*ROWS[0], "predicted_label", "predicted_score", *names]
    texts = [row["review"] for row in rows]
    written = np.array([[float(row[name]) for name in names] for row in rows])
    np.testing.assert_allclose(written, predictor.probabilities(texts), rtol=0, atol=1e-6)
    kept = [{name: row[name] for name in row if name not in names} for row in rows]
    assert kept == read(tmp_path / "plain" / out.name), "nothing else changes"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("probabilities", [False, True])
def test_the_polarity_has_a_column(three, tmp_path, small_chunks, kind, probabilities):
    predictor = open_predictor(three)
    source, out = write(tmp_path / f"in.{kind}", ROWS), tmp_path / f"out.{kind}"
    score(predictor, source, out, polarity=True, probabilities=probabilities)
    score(predictor, source, tmp_path / "plain" / out.name, probabilities=probabilities)
    rows, plain = read(out), read(tmp_path / "plain" / out.name)
    assert list(rows[0])[len(ROWS[0]) :][2] == "predicted_polarity"
    written = [float(row.pop("predicted_polarity")) for row in rows]
    expected = polarity(predictor, [row["review"] for row in rows])
    np.testing.assert_allclose(written, expected, rtol=0, atol=1e-6)
    assert rows == plain, "nothing else changes"


def test_a_column_named_like_the_polarity_is_refused(predictor, tmp_path):
    lines = [{"text": "good"}, {"text": "bad", "predicted_polarity": 1}]
    source = write(tmp_path / "in.jsonl", lines)
    result = score(predictor, source, tmp_path / "out.jsonl", polarity=True)
    assert result.set_aside == {"a column predicted_polarity of its own": 1}
    assert score(predictor, source, tmp_path / "plain.jsonl").rows == 2


def test_probabilities_go_on_and_abstain(predictor, tmp_path, small_chunks):
    source, out = write(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    options = {"probabilities": True, "abstain_below": 0.999}
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, 2), source, out, **options)
    rest = Stopping(predictor, 2)
    assert score(rest, source, out, **options).rows == len(ROWS)
    assert rest.left == 0
    assert {row["predicted_label"] for row in read(out)} == {None}


def test_a_column_named_like_a_probability_is_refused(predictor, tmp_path):
    name = f"probability_{predictor.classes[0]}"
    source = write(tmp_path / "in.csv", [{"text": "good", name: "1"}])
    with pytest.raises(UsageError, match=f"Expected no column '{name}'"):
        score(predictor, source, tmp_path / "out.csv", probabilities=True)
    assert score(predictor, source, tmp_path / "out.csv").rows == 1
    lines = [{"text": "good"}, {"text": "bad", name: 1}]
    source = write(tmp_path / "in.jsonl", lines)
    result = score(predictor, source, tmp_path / "out.jsonl", probabilities=True)
    assert result.set_aside == {f"a column {name} of its own": 1}


def test_rows_of_another_encoding_are_set_aside_with_their_bytes(predictor, tmp_path):
    lines = ["text;n", *(f"schöner Film {n};{n}" for n in range(200))]
    content = "\n".join(lines).encode() + b"\nkaputt \xff;9\n"
    (tmp_path / "in.csv").write_bytes(content)
    result = score(predictor, tmp_path / "in.csv", tmp_path / "out.csv")
    assert (result.rows, result.set_aside) == (200, {"bad UTF-8": 1})
    (bad,) = map(json.loads, (tmp_path / "out.csv.bad.jsonl").read_text().splitlines())
    assert bad["row"].encode(errors="surrogateescape") == b"kaputt \xff;9\n"


def test_an_unknown_encoding_is_refused_before_anything_is_written(predictor, tmp_path):
    russian = "text;n\n" + "Очень хороший магазин всем советую;1\n" * 20
    (tmp_path / "in.csv").write_bytes(russian.encode("cp1251"))
    with pytest.raises(DataError, match="another encoding; name it with --encoding"):
        score(predictor, tmp_path / "in.csv", tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv"]
    score(predictor, tmp_path / "in.csv", tmp_path / "out.csv", encoding="cp1251")
    assert read_semicolons(tmp_path / "out.csv")[0]["text"].startswith("Очень")


def test_all_cells_of_a_workbook_are_texts_in_parquet(predictor, tmp_path):
    source = workbook(tmp_path / "in.xlsx")
    score(predictor, source, tmp_path / "out.parquet", probabilities=True)
    schema = parquet.read_schema(tmp_path / "out.parquet")
    assert [str(kind) for kind in schema.types] == ["string"] * 5 + ["double"] * 3
