"""A cell of a parquet file that Python cannot hold spoils its row, not the file."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet
from reading import read

from sentiment_lstm.data.formats import Format
from sentiment_lstm.errors import DataError
from sentiment_lstm.scoring.records import open_input

BAD_TEXT = pa.array([b"a", b"half \xe2\x82", b"c"]).view(pa.string())
CELLS = {
    "text": BAD_TEXT,
    "large text": pa.array([b"a", b"\xff", b"c"], pa.large_binary()).view(pa.large_string()),
    "list": pa.ListArray.from_arrays([0, 1, 2, 3], BAD_TEXT),
    "struct": pa.StructArray.from_arrays([BAD_TEXT], ["inner"]),
    "map": pa.MapArray.from_arrays([0, 1, 2, 3], BAD_TEXT, pa.array([1, 2, 3])),
    "timestamp": pa.array([0, 2**62, 1], pa.timestamp("us")),
    "timestamp with a zone": pa.array([0, 2**62, 1], pa.timestamp("us", "UTC")),
    "timestamp in seconds": pa.array([0, 2**40, 1], pa.timestamp("s")),
    "date": pa.array([0, 2**30, 1], pa.int32()).cast(pa.date32()),
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), BAD_TEXT),
}


def table(path, cells, **columns):
    texts = {"text": ["good", "worse", "bad"], "label": [1, 0, 0], **columns}
    parquet.write_table(pa.table({**texts, "other": cells}), path)
    return path


@pytest.mark.parametrize("kind", CELLS)
def test_a_bad_cell_of_any_column_sets_its_row_aside(tmp_path, kind):
    path = table(tmp_path / "x.parquet", CELLS[kind])
    with open_input(path, Format(".parquet")) as opened:
        records = list(opened.records)
    good = [record.values["text"] for record in records if record.values is not None]
    bad = [(record.line, record.problem) for record in records if record.values is None]
    assert good == ["good", "bad"]
    reason = "bad UTF-8" if kind in ("text", "large text", "dictionary") else "unreadable value"
    assert bad == [(2, reason)]
    assert json.loads(records[1].raw_text)["text"] == "worse"


@pytest.mark.parametrize("kind", CELLS)
def test_a_bad_cell_of_an_unused_column_spoils_nothing_in_training(tmp_path, kind):
    path = table(tmp_path / "x.parquet", CELLS[kind])
    assert read(path) == ([("good", "1"), ("worse", "0"), ("bad", "0")], {})


@pytest.mark.parametrize("kind", CELLS)
def test_a_bad_cell_of_a_used_column_sets_its_row_aside_in_training(tmp_path, kind):
    path = table(tmp_path / "x.parquet", CELLS[kind])
    pairs, counts = read(path, group_column="other")
    assert pairs == [("good", "1"), ("bad", "0")]
    assert sum(counts.values()) == 1


def test_a_struct_whose_fields_have_one_name_is_unreadable(tmp_path):
    path = table(
        tmp_path / "x.parquet", pa.StructArray.from_arrays([BAD_TEXT, BAD_TEXT], ["a", "a"])
    )
    with open_input(path, Format(".parquet")) as opened:
        assert {record.problem for record in opened.records} == {"unreadable value"}


def test_two_used_columns_of_one_name_are_refused_in_training(tmp_path):
    for name, separator in (("a.csv", ","), ("a.tsv", "\t")):
        path = tmp_path / name
        path.write_text("text,text,label\ngood,worse,1\n".replace(",", separator))
        with pytest.raises(DataError, match=rf"^Expected one column 'text' in {name}"):
            read(path)
        path.write_text("text,x,x,label\ngood,worse,1,1\n".replace(",", separator))
        assert read(path) == ([("good", "1")], {})


def test_a_column_name_that_is_no_text_is_one_sentence(tmp_path):
    path = table(tmp_path / "x.parquet", pa.array([1, 2, 3]), name0=["a", "b", "c"])
    path.write_bytes(path.read_bytes().replace(b"name0", b"na\xff\xff0"))
    with (
        pytest.raises(DataError, match="Expected a whole parquet file"),
        open_input(path, Format(".parquet")) as opened,
    ):
        list(opened.records)
