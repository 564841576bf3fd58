"""Files that cannot be scored are refused in one sentence, and other files stay as they are."""

import json
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from small_tables import ROWS, Stopping, read, score, write

from sentiment_lstm.bundle import INT8_GRAPH, fingerprint
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.scoring.files import Job, score_file


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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("input", "found one made from another input: name"),
        ("option", r"found one made from other options \(abstain below\): name"),
        ("output", "found that it was changed after it was written: name"),
        ("stranger", "found a file without a record of how it was made: name"),
    ],
)
def test_an_output_of_another_call_is_refused_without_overwrite(
    predictor, tmp_path, change, sentence
):
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
    with pytest.raises(UsageError, match=f"{sentence} another --output, or give --overwrite"):
        score(predictor, source, out, **options)
    assert out.read_bytes() == before
    assert score(predictor, source, out, overwrite=True, **options).rows == len(read(source))
    assert len(read(out)) == len(read(source))


def test_an_output_of_the_model_before_its_export_is_refused_with_the_reason(make_bundle, tmp_path):
    pytest.importorskip("onnx")
    from sentiment_lstm.export import export

    source, out, bundle = write(tmp_path / "in.csv"), tmp_path / "out.csv", make_bundle()
    for exported in (bundle, export(bundle, [INT8_GRAPH])):
        job = Job(source, out, fingerprint(exported))
        if exported is bundle:
            score_file(open_predictor(exported), job)
        else:
            with pytest.raises(UsageError, match=r"another model \(`export` changes a model too\)"):
                score_file(open_predictor(exported), job)
    assert score_file(open_predictor(exported), job, overwrite=True).rows == len(read(source))


def test_two_columns_of_one_name_in_parquet_are_refused(predictor, tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], list("txx"))
    parquet.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(DataError, match="Expected columns of different names"):
        score(predictor, tmp_path / "in.parquet", tmp_path / "out.parquet", text_column="t")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_a_column_named_like_a_prediction_is_refused(predictor, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("text,predicted_label\ngood,1\n")
    with pytest.raises(UsageError, match="Expected no column 'predicted_label'"):
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
    ("content", "message"),
    [
        ("", "column names .* found none"),
        ("text,text\na,b", "of different names"),
        ("Results of May,,\ntext,label,id\na,b,1", "delete the lines above the names"),
        ("a good film,1\na bad film,0", "put a line with the names of the columns first"),
    ],
)
def test_a_header_that_names_no_columns_is_refused(predictor, tmp_path, content, message):
    source = tmp_path / "in.csv"
    source.write_text(content)
    with pytest.raises(DataError, match=message):
        score(predictor, source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_file_without_a_readable_row_is_refused(predictor, tmp_path, small_chunks, kind):
    source = tmp_path / f"in.{kind}"
    array = json.dumps([{"text": "good"}, {"text": "bad"}], indent=1)
    source.write_text(array if kind == "jsonl" else "text\ngood,1\nbad,0\n")
    with pytest.raises(DataError, match="none among its first 2"):
        score(predictor, source, tmp_path / f"out.{kind}")
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("value", [7, {"en": "good"}])
def test_a_column_without_texts_is_refused(predictor, tmp_path, value):
    source = tmp_path / "in.jsonl"
    rows = [{"text": value, "body": "good"}, {"text": None, "body": "bad"}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"in the column text of in\.jsonl.*--text-column"):
        score(predictor, source, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("kind", ["csv.gz", "csv.zst"])
def test_a_file_whose_end_is_missing_is_refused(predictor, tmp_path, kind):
    rows = [{"text": str(n)} for n in np.random.default_rng(0).random(2000)]
    source = write(tmp_path / f"in.{kind}", rows)
    source.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(DataError, match="Expected a whole file"):
        score(predictor, source, tmp_path / f"out.{kind}")
    assert not (tmp_path / f"out.{kind}").exists()


@pytest.mark.parametrize("beside", ["bad.jsonl", "done.json", "parts"])
def test_a_file_of_an_output_is_refused_as_its_input(predictor, tmp_path, beside):
    source = write(tmp_path / "in.jsonl").rename(tmp_path / f"out.jsonl.{beside}")
    before = source.read_text()
    with pytest.raises((UsageError, DataError)):
        score(predictor, source, tmp_path / "out.jsonl", overwrite=True)
    assert source.read_text() == before
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("beside", ["bad.jsonl", "done.json"])
def test_another_file_beside_the_output_is_not_overwritten(predictor, tmp_path, beside):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    other = tmp_path / f"out.csv.{beside}"
    other.write_text("precious")
    with pytest.raises(UsageError, match=f"out.csv.{beside}"):
        score(predictor, source, out)
    assert other.read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", other.name}
    score(predictor, source, out, overwrite=True)
    out.unlink()  # its own files do not prevent a new start
    score(predictor, source, out)
    assert len(read(out)) == len(ROWS)


@pytest.mark.parametrize(
    "damage", [{"sha256": None}, {"rows": "7"}, {"set_aside": 1}, {"rows": None}]
)
def test_a_damaged_record_of_an_output_vouches_for_nothing(predictor, tmp_path, damage):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    score(predictor, source, out)
    done = tmp_path / "out.csv.done.json"
    note = json.loads(done.read_text()) | damage
    done.write_text(json.dumps({name: value for name, value in note.items() if value is not None}))
    with pytest.raises(UsageError, match="Expected no file at"):
        score(predictor, source, out)
    assert score(predictor, source, out, overwrite=True).rows == len(ROWS)


def test_parts_of_killed_processes_do_not_block_an_output(predictor, tmp_path):
    """Also those of version 0.2, whose temporary files had other names."""
    parts = tmp_path / "out.csv.parts"
    parts.mkdir()
    for name in ("000000-2.rows", "000001.bad", ".plan.json.123.tmp", ".000001.bad.77.tmp"):
        (parts / name).write_text("rest")
    score(predictor, write(tmp_path / "in.csv"), tmp_path / "out.csv")
    assert [row["review"] for row in read(tmp_path / "out.csv")] == [row["review"] for row in ROWS]
    assert not parts.exists()


def test_files_of_others_among_the_parts_are_kept(predictor, tmp_path, small_chunks):
    source, parts = write(tmp_path / "in.csv"), tmp_path / "out.csv.parts"
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, 1), source, tmp_path / "out.csv")
    (parts / "mine").write_text("mine")
    with pytest.raises(UsageError, match="files of another kind"):
        score(predictor, source, tmp_path / "out.csv")
    assert (parts / "mine").read_text() == "mine"


def test_an_output_over_its_input_is_refused(predictor, tmp_path):
    source = write(tmp_path / "in.csv")
    with pytest.raises(UsageError, match="another output file than the input"):
        score(predictor, source, source, overwrite=True)
    assert read(source) == ROWS


@pytest.mark.parametrize("finished", [False, True])
def test_another_folder_of_parts_is_not_overwritten(predictor, tmp_path, finished):
    if finished:
        score(predictor, write(tmp_path / "in.csv"), tmp_path / "out.csv")
    parts = tmp_path / "out.csv.parts"
    parts.mkdir()
    (parts / "mine").write_text("mine")
    with pytest.raises(UsageError, match="files of another kind"):
        score(predictor, write(tmp_path / "in.csv"), tmp_path / "out.csv")
    assert (parts / "mine").read_text() == "mine"


def test_parquet_without_rows_needs_the_column_too(predictor, tmp_path):
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
