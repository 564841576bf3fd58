import csv
import gzip
import io
import json
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from sentiment_lstm.errors import DataError, SentimentError, UsageError
from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.scoring import files as module
from sentiment_lstm.scoring.files import Job, score_file

TEXTS = ["a good film", "not bad, at all", 'say "good"', "two\nlines", "=bad", "film " * 30, "é"]
ROWS = [{"id": str(n), "review": text, "stars": str(n % 5)} for n, text in enumerate(TEXTS)]
KINDS = [
    "csv", "tsv", "jsonl", "csv.gz", "tsv.zst", "jsonl.gz", "jsonl.zst", "parquet",
    "csv.zip", "jsonl.zip", "parquet.zip", "parquet.gz", "parquet.zst",
]  # fmt: skip


@pytest.fixture
def predictor(bundle) -> Predictor:
    return open_predictor(bundle)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 2)


def write(path, rows=ROWS):
    """The rows in the form that the path's ending names."""
    kind, _, packed = path.name.partition(".")[2].partition(".")
    if kind == "parquet":
        file = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows), file)
        raw = file.getvalue()
    elif kind == "jsonl":
        raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if kind == "tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
        raw = text.getvalue().encode()
    if packed == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem, raw)
    else:
        pack = {"": bytes, "gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}
        path.write_bytes(pack[packed](raw))
    return path


def read(path):
    """The rows of a file."""
    kind, _, packed = path.name.partition(".")[2].partition(".")
    raw = path.read_bytes()
    if packed == "gz":
        raw = gzip.decompress(raw)
    elif packed == "zst":
        raw = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()
    elif packed == "zip":
        with zipfile.ZipFile(path) as archive:
            raw = archive.read(path.stem)
    if kind == "parquet":
        return parquet.read_table(io.BytesIO(raw)).to_pylist()
    text = raw.decode()
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(
        csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ",")
    )


def score(predictor, source, out, overwrite=False, seen=None, **options):
    told = lambda rows, share: seen.append((rows, share)) if seen is not None else None  # noqa: E731
    return score_file(predictor, Job(source, out, "m", **options), told, overwrite=overwrite)


@pytest.mark.parametrize("kind", KINDS)
def test_all_rows_and_columns_come_back_with_predictions(predictor, tmp_path, small_chunks, kind):
    out, seen = tmp_path / f"out.{kind}", []
    found = score(predictor, write(tmp_path / f"in.{kind}"), out, seen=seen)
    rows = read(out)
    assert (found.rows, dict(found.set_aside), found.was_complete) == (len(ROWS), {}, False)
    assert [{k: row[k] for k in ROWS[0]} for row in rows] == ROWS
    wanted = predictor.predict(TEXTS)
    assert [row["predicted_label"] for row in rows] == [one.label for one in wanted]
    scores = [float(row["predicted_score"]) for row in rows]
    np.testing.assert_allclose(scores, [one.score for one in wanted], rtol=0, atol=1e-6)
    assert seen[-1] == (len(ROWS), 1.0)
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
def test_archives(predictor, tmp_path, name, out, member):
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


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"a.csv": "text\n", "b.csv": "text\n"}, r"found a\.csv, b\.csv"),
        ({"a.txt": "text\n"}, "found none"),
        ({"a.csv": "x" * 2_000_000}, "growing from"),
    ],
)
def test_archives_that_cannot_be_scored_are_refused(predictor, tmp_path, members, sentence):
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match=sentence):
        score(predictor, tmp_path / "in.zip", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.zip"]


def test_progress_may_be_left_out(predictor, tmp_path):
    job = Job(write(tmp_path / "in.csv"), tmp_path / "out.csv", "m")
    assert score_file(predictor, job).rows == len(ROWS)


class Stopping:
    """A predictor that is killed at a chunk."""

    def __init__(self, predictor, chunk):
        self.predictor, self.left = predictor, chunk

    def predict_iter(self, texts, abstain_below=0.0):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.predictor.predict_iter(texts, abstain_below)


@pytest.mark.parametrize("kind", ["csv", "jsonl.gz", "parquet", "csv.zip", "parquet.zip"])
@pytest.mark.parametrize("chunk", [0, 1, 3])
def test_a_killed_call_goes_on_and_ends_the_same(predictor, tmp_path, small_chunks, kind, chunk):
    source = write(tmp_path / f"in.{kind}")
    whole = tmp_path / "whole" / f"out.{kind}"  # an archive holds its own name
    score(predictor, source, whole)
    out = tmp_path / f"out.{kind}"
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, chunk), source, out)
    assert not out.exists()
    rest = Stopping(predictor, 4 - chunk)
    assert score(rest, source, out).rows == len(ROWS)
    assert rest.left == 0, "what was scored is not scored again"
    assert out.read_bytes() == whole.read_bytes()


def test_a_finished_output_is_left_as_it_is(predictor, tmp_path):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    score(predictor, source, out)
    found = score(Stopping(predictor, 0), source, out)
    assert found.was_complete
    assert found.rows == len(ROWS)


@pytest.mark.parametrize("change", ["input", "option", "output", "stranger"])
def test_an_output_of_something_else_is_refused_without_overwrite(predictor, tmp_path, change):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    options = {}
    if change == "stranger":
        out.write_text("mine")
    else:
        score(predictor, source, out)
    if change == "input":
        write(source, ROWS[:3])
    elif change == "option":
        options = {"abstain_below": 0.9}
    elif change == "output":
        out.write_text("edited")
    before = out.read_bytes()
    with pytest.raises(UsageError, match="--overwrite"):
        score(predictor, source, out, **options)
    assert out.read_bytes() == before
    assert score(predictor, source, out, overwrite=True, **options).rows == len(read(source))
    assert len(read(out)) == len(read(source))


def test_bad_rows_go_to_a_side_file_with_their_reasons(predictor, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [{"text": "good"}, {"text": ""}, {"text": 3}, {"other": "x"}, {"text": "bad"}]
    source.write_text("\n".join([*map(json.dumps, lines), "{broken"]) + "\n")
    found = score(predictor, source, out)
    assert found.rows == 2
    assert found.set_aside == {
        "empty text": 1, "a text that is a int": 1, "no text": 1, "unreadable": 1
    }  # fmt: skip
    bad = [json.loads(line) for line in (tmp_path / "out.jsonl.bad.jsonl").read_text().splitlines()]
    assert [row["line"] for row in bad] == [2, 3, 4, 6]
    assert bad[-1]["row"] == "{broken\n"
    assert bad[1]["row"] == {"text": 3}


def test_csv_rows_of_another_width_are_set_aside(predictor, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,good\n2,not,bad\n3\n4,bad\n")
    found = score(predictor, source, tmp_path / "out.csv")
    assert found.rows == 2
    assert sum(found.set_aside.values()) == 2


def test_formulas_are_escaped_where_asked(predictor, tmp_path):
    source = write(tmp_path / "in.csv")
    score(predictor, source, tmp_path / "plain.csv")
    score(predictor, source, tmp_path / "safe.csv", escape=True)
    assert read(tmp_path / "plain.csv")[4]["review"] == "=bad"
    assert read(tmp_path / "safe.csv")[4]["review"] == "'=bad"


def test_abstaining_leaves_the_label_empty(predictor, tmp_path):
    score(predictor, write(tmp_path / "in.jsonl"), tmp_path / "out.jsonl", abstain_below=0.999)
    assert {row["predicted_label"] for row in read(tmp_path / "out.jsonl")} == {None}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_without_rows_gives_one_without_rows(predictor, tmp_path, kind):
    source = tmp_path / f"in.{kind}"
    if kind == "parquet":
        parquet.write_table(pa.table({"text": pa.array([], pa.string())}), source)
    else:
        source.write_text("text\n" if kind == "csv" else "")
    assert score(predictor, source, tmp_path / f"out.{kind}").rows == 0
    assert (tmp_path / f"out.{kind}").exists()


def test_a_column_of_our_name_is_refused(predictor, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("text,predicted_label\ngood,1\n")
    with pytest.raises(UsageError, match="Expected no column predicted_label"):
        score(predictor, source, tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("name", "out", "error"),
    [
        ("missing.csv", "out.csv", DataError),
        ("in.csv", "out.parquet", UsageError),
        ("in.csv", "out.xlsx", UsageError),
        ("in.txt", "out.csv", UsageError),
        ("in.csv.bz2", "out.csv", UsageError),
    ],
)
def test_wrong_files_are_refused(predictor, tmp_path, name, out, error):
    write(tmp_path / "in.csv")
    with pytest.raises(error, match="Expected"):
        score(predictor, tmp_path / name, tmp_path / out)
    assert not (tmp_path / out).exists()


@pytest.mark.parametrize("kind", ["csv.gz", "csv.zst", "csv.zip", "parquet", "parquet.gz", "csv"])
def test_damaged_files_are_refused(predictor, tmp_path, kind):
    source = tmp_path / f"in.{kind}"
    source.write_bytes(b"\xff\xfe\x00 no such file")
    with pytest.raises((DataError, UsageError), match="Expected"):
        score(predictor, source, tmp_path / f"out.{kind}")
    assert not (tmp_path / f"out.{kind}").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [("", "column names .* found none"), ("text,text\na,b", "of different names")],
)
def test_a_header_that_names_no_columns_is_refused(predictor, tmp_path, content, told):
    source = tmp_path / "in.csv"
    source.write_text(content)
    with pytest.raises(DataError, match=told):
        score(predictor, source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_rows_of_other_columns_are_set_aside_where_columns_are_fixed(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    rows = [{"text": "good", "n": 1}, {"n": 2, "text": "bad"}, {"text": "x"}, {"text": "x", "m": 1}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert score(predictor, source, tmp_path / "out.jsonl").rows == 4
    found = score(predictor, source, tmp_path / "out.csv")
    assert (found.rows, found.set_aside) == (2, {"other columns": 2})
    assert [row["n"] for row in read(tmp_path / "out.csv")] == ["1", "2"]


def test_a_first_row_without_columns_hides_no_others(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{}\n{"text": "good"}\n')
    found = score(predictor, source, tmp_path / "out.jsonl")
    assert (found.rows, found.set_aside) == (1, {"no text": 1})


def test_a_row_with_a_column_of_our_name_is_set_aside(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "good"}\n{"text": "bad", "predicted_label": "gold"}\n')
    found = score(predictor, source, tmp_path / "out.jsonl")
    assert (found.rows, sum(found.set_aside.values())) == (1, 1)
    assert "gold" in (tmp_path / "out.jsonl.bad.jsonl").read_text()


def test_half_a_character_is_set_aside(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"text": "good \\ud83d"}\n{"text": "good", "n": "\\udc80"}\n{"text": "bad"}\n'
    )
    found = score(predictor, source, tmp_path / "out.jsonl")
    assert (found.rows, found.set_aside) == (1, {"lone surrogate": 2})


@pytest.mark.parametrize("rows", ["", "1,\n2, \n"])
def test_a_file_without_a_good_row_keeps_its_header(predictor, tmp_path, rows):
    source = tmp_path / "in.csv"
    source.write_text(f"id,text\n{rows}")
    assert score(predictor, source, tmp_path / "out.csv").rows == 0
    header = "id,text,predicted_label,predicted_score"
    assert (tmp_path / "out.csv").read_text().splitlines() == [header]
    with pytest.raises(DataError, match="column 'body'"):
        score(predictor, source, tmp_path / "other.csv", text_column="body")


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_file_of_which_no_row_can_be_read_is_refused(predictor, tmp_path, small_chunks, kind):
    source = tmp_path / f"in.{kind}"
    array = json.dumps([{"text": "good"}, {"text": "bad"}], indent=1)
    source.write_text(array if kind == "jsonl" else "text\ngood,1\nbad,0\n")
    with pytest.raises(DataError, match="none among its first 2"):
        score(predictor, source, tmp_path / f"out.{kind}")
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_line_breaks_of_any_kind_stay_within_their_field(predictor, tmp_path):
    rows = [{"text": "two\rlines"}, {"text": "three\r\nlines"}]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    score(predictor, source, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == [row["text"] for row in rows]


@pytest.mark.parametrize("kind", ["csv.gz", "csv.zst"])
def test_a_file_whose_end_is_missing_is_refused(predictor, tmp_path, kind):
    rows = [{"text": str(n)} for n in np.random.default_rng(0).random(2000)]
    source = write(tmp_path / f"in.{kind}", rows)
    source.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(DataError, match="Expected a whole file"):
        score(predictor, source, tmp_path / f"out.{kind}")
    assert not (tmp_path / f"out.{kind}").exists()


@pytest.mark.parametrize("beside", ["bad.jsonl", "done.json", "parts"])
def test_no_file_beside_the_output_is_its_input(predictor, tmp_path, beside):
    source = write(tmp_path / "in.jsonl").rename(tmp_path / f"out.jsonl.{beside}")
    before = source.read_text()
    with pytest.raises((UsageError, DataError)):
        score(predictor, source, tmp_path / "out.jsonl", overwrite=True)
    assert source.read_text() == before
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("beside", ["bad.jsonl", "done.json"])
def test_a_strangers_file_beside_the_output_is_left_alone(predictor, tmp_path, beside):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    other = tmp_path / f"out.csv.{beside}"
    other.write_text("precious")
    with pytest.raises(UsageError, match=f"out.csv.{beside}"):
        score(predictor, source, out)
    assert other.read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", other.name}
    score(predictor, source, out, overwrite=True)
    out.unlink()  # ours are no hindrance to a new beginning
    score(predictor, source, out)
    assert len(read(out)) == len(ROWS)


def test_an_output_over_its_input_is_refused(predictor, tmp_path):
    source = write(tmp_path / "in.csv")
    with pytest.raises(UsageError, match="another output file than the input"):
        score(predictor, source, source, overwrite=True)
    assert read(source) == ROWS


@pytest.mark.parametrize("finished", [False, True])
def test_a_strangers_folder_of_parts_is_left_alone(predictor, tmp_path, finished):
    if finished:
        score(predictor, write(tmp_path / "in.csv"), tmp_path / "out.csv")
    parts = tmp_path / "out.csv.parts"
    parts.mkdir()
    (parts / "mine").write_text("mine")
    with pytest.raises(UsageError, match="files of another kind"):
        score(predictor, write(tmp_path / "in.csv"), tmp_path / "out.csv")
    assert (parts / "mine").read_text() == "mine"


def test_parquet_without_rows_is_looked_at_too(predictor, tmp_path):
    source = tmp_path / "in.parquet"
    parquet.write_table(pa.table({"words": pa.array([], pa.string())}), source)
    with pytest.raises(DataError, match="column"):
        score(predictor, source, tmp_path / "out.parquet")


def test_a_refused_input_leaves_nothing_behind(predictor, tmp_path):
    source = write(tmp_path / "in.csv", [{"words": "good", "other": "film"}])
    with pytest.raises(DataError, match="column"):
        score(predictor, source, tmp_path / "new" / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_refused_call_leaves_the_parts_of_an_earlier_one(predictor, tmp_path, small_chunks):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, 1), source, out)
    parts = sorted(path.name for path in (tmp_path / "out.csv.parts").iterdir())
    assert len(parts) > 1
    with pytest.raises(DataError, match="column"):
        score(predictor, source, out, text_column="nothing")
    assert sorted(path.name for path in (tmp_path / "out.csv.parts").iterdir()) == parts


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
