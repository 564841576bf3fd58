import json
import zipfile
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet
from reading import read, rows_of

from sentiment_lstm.data import packing
from sentiment_lstm.data.open import read_examples, read_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_csv_with_quoted_newlines_gives_true_line_numbers(write):
    rows = rows_of(write('text,label\r\n"one\r\ntwo, ""three""",1\r\n\r\nfour,0\r\n'))
    assert [(r.text, r.label, r.line) for r in rows] == [
        ('one\r\ntwo, "three"', "1", 2),
        ("four", "0", 5),
    ]
    assert rows[0].id == "data.csv:2"


def test_columns_by_usual_name_by_setting_and_group(write):
    path = write("id,Stars,film,Review\n1,5,Alien,good\n")
    assert [(r.text, r.label) for r in rows_of(path)] == [("good", "5")]
    (row,) = rows_of(path, text_column="film", label_column="id", group_column="Review")
    assert (row.text, row.label, row.group) == ("Alien", "1", "good")


def test_byte_order_mark_and_tabs(write):
    assert rows_of(write("\ufefftext\tlabel\na, b\t1\n", "data.tsv"))[0].text == "a, b"


def test_half_a_character_spoils_only_its_row(write):
    pairs, counts = read(write(b"text,label\nbad \xe2\x82,1\ncaf\xc3\xa9,1\n"))
    assert pairs == [("café", "1")]
    assert counts == {"bad UTF-8": 1}


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_line_of_ten_megabytes_is_set_aside(write, quote):
    path = write(f"text,label\na,1\n{quote}{'x' * 10_000_000}{quote},1\nb,0\n")
    pairs, counts = read(path)
    assert pairs == [("a", "1"), ("b", "0")]
    assert counts == {"too long": 1}


def test_a_line_without_end_is_cut(write):
    path = write(f"text,label\n{'x' * 300_000},1\nb,0\n")
    pairs, counts = read(path, max_characters=1000)
    assert pairs == [("b", "0")]
    assert counts == {"too long": 1}
    assert max(len(r.text) for r in rows_of(path, max_characters=1000)) < 100_000


def test_a_quote_that_never_ends_costs_no_more_than_its_line(write):
    lines = "".join(f"row {i} {'x' * 50},1\n" for i in range(30_000))
    pairs, counts = read(write(f'text,label\n"open,0\n{lines}last,1\n'))
    assert counts == {"unreadable (a quote never closes)": 1}
    assert pairs[-1] == ("last", "1")
    assert len(pairs) == 30_001


def test_a_quote_that_never_closes_is_reported(write):
    lines = "".join(f"row {i},{i % 2}\n" for i in range(40))
    path = write(f'text,label\nfine,1\n"open,0\n{lines}')
    pairs, counts = read(path)
    assert [text for text, _ in pairs] == ["fine", *(f"row {i}" for i in range(40))]
    assert counts == {"unreadable (a quote never closes)": 1}
    assert rows_of(path)[1].text == '"open,0\n'


def test_old_mac_line_ends(write):
    assert [r.text for r in rows_of(write("text,label\ra,1\rb,0\r"))] == ["a", "b"]


def test_a_header_with_an_open_quote_is_one_line(write):
    with pytest.raises(DataError, match="found one that is unreadable") as caught:
        rows_of(write('"text,label\na,1\n'))
    assert "\n" not in str(caught.value)


def test_too_many_or_too_few_fields(write):
    pairs, counts = read(write("text,label\nwell, yes,1\nno label\nfine,1\n"))
    assert pairs == [("fine", "1")]
    assert counts == {"unreadable": 1, "missing label": 1}


def test_nul_in_csv(write):
    assert read(write("text,label\na\0b,1\nc,0\n"))[1] == {"NUL": 1}


def test_jsonl_sets_broken_lines_aside(write):
    lines = [
        b'{"text": "good", "label": true}',
        b'{"text": "cut off',
        b"[1, 2]",
        b'{"text": "half \xe2\x82", "label": 1}',
        b'{"text": "lone \\ud800", "label": 1}',
        b'{"label": 1}',
        b"[" * 100_000,
        b"",
        b'{"text": "bad", "label": false}',
    ]
    path = write(b"\n".join(lines), "data.jsonl")
    pairs, counts = read(path)
    assert pairs == [("good", "true"), ("bad", "false")]
    assert counts == {"unreadable": 3, "bad UTF-8": 1, "lone surrogate": 1, "empty text": 1}
    assert rows_of(path)[-1].line == 9


def test_a_row_of_jsonl_without_the_text_spoils_no_other_row(write):
    lines = ['{"label": 1}', "{}", '{"title": "t", "text": "good", "label": 1}']
    assert read(write("\n".join(lines), "data.jsonl")) == ([("good", "1")], {"empty text": 2})
    lines = ['{"review": "good", "label": 1}', '{"text": "x", "review": "bad", "label": 0}']
    pairs, _ = read(write("\n".join(lines), "data.jsonl"))
    assert pairs == [("good", "1"), ("bad", "0")]


def test_training_reads_nan_as_nothing_and_refuses_repeated_keys(write):
    lines = [
        '{"text": "good", "label": 1, "unused": NaN}',
        '{"text": "good", "label": 1, "label": 0}',
        '{"text": "good", "label": 1e999}',
        '{"text": NaN, "label": 1}',
        '{"text": "good", "label": NaN}',
    ]
    pairs, counts = read(write("\n".join(lines), "data.jsonl"))
    assert pairs == [("good", "1")]
    assert counts == {
        "a repeated key": 1, "unmapped label": 1, "empty text": 1, "missing label": 1
    }  # fmt: skip


def test_broken_jsonl_stops_in_strict_mode(write):
    path = write('{"text": "a", "label": 1}\n{"text": \n', "data.jsonl")
    reviews = read_examples(DataSettings(str(path)), set_aside=SetAside(strict=True))
    with pytest.raises(DataError, match=r"unreadable in data.jsonl:2, line 2"):
        list(reviews)


def test_jsonl_line_without_end_is_cut(write):
    line = json.dumps({"text": "x" * 300_000, "label": 1})
    path = write(f'{line}\n{{"text": "b", "label": 0}}\n', "data.jsonl")
    assert read(path, max_characters=1000) == ([("b", "0")], {"too long": 1})


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "data.parquet"
    texts = [f"text {i}" for i in range(3000)]
    columns = {"text": texts, "label": [i % 2 for i in range(3000)], "movie": texts}
    parquet.write_table(pa.table(columns), path, row_group_size=500)
    return path


def test_parquet(table):
    rows = rows_of(table, group_column="movie")
    assert len(rows) == 3000
    assert (rows[-1].text, rows[-1].label, rows[-1].group) == (
        "text 2999",
        1,
        "text 2999",
    )
    assert rows[-1].id == "data.parquet:3000"


def test_bad_utf8_in_parquet(tmp_path):
    texts = pa.array([b"good", b"half \xe2\x82", None]).view(pa.string())
    parquet.write_table(pa.table({"text": texts, "label": [1, 0, 1]}), tmp_path / "x.parquet")
    pairs, counts = read(tmp_path / "x.parquet")
    assert pairs == [("good", "1")]
    assert counts == {"bad UTF-8": 1, "empty text": 1}


@pytest.mark.parametrize("keep", [20, 5000])
def test_truncated_parquet_is_one_sentence(table, keep):
    table.write_bytes(table.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"Expected a whole parquet file at data\.parquet"):
        rows_of(table)


def test_damage_inside_parquet_is_one_sentence(table):
    content = bytearray(table.read_bytes())
    content[100:4000] = bytes(3900)
    table.write_bytes(content)
    with pytest.raises(DataError, match="Expected a whole parquet file"):
        rows_of(table)


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path):
    columns = [pa.array(["a"]), pa.array(["b"]), pa.array([1])]
    table = pa.Table.from_arrays(columns, ["text", "text", "label"])
    parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"^Expected columns of different names in x\.parquet"):
        rows_of(tmp_path / "x.parquet")


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_zip_of_a_csv_skips_files_that_macs_add(tmp_path):
    path = zipped(
        tmp_path / "d.zip",
        {"in/data.csv": "text,label\na,1\n", "__MACOSX/in/._data.csv": "junk", "readme.md": "x"},
    )
    assert [(r.text, r.id) for r in rows_of(path)] == [("a", "d.zip:2")]


def test_zip_of_a_parquet(tmp_path, table):
    path = zipped(tmp_path / "d.zip", {"data.parquet": table.read_bytes()})
    assert rows_of(path)[-1].text == "text 2999"


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"../data.csv": "text,label\na,1\n"}, "plain file names"),
        ({"/data.csv": "text,label\na,1\n"}, "plain file names"),
        ({"a.csv": "text,label\n", "b.csv": "text,label\n"}, "found a.csv, b.csv"),
        ({"a.exe": "x"}, "Expected one file of texts"),
        ({"a.csv": "x" * 2_000_000}, "growing from"),
    ],
)
def test_odd_archives_are_one_sentence(tmp_path, members, sentence):
    with pytest.raises(DataError, match=sentence):
        rows_of(zipped(tmp_path / "d.zip", members))


def test_damaged_archives_are_one_sentence(tmp_path):
    path = zipped(tmp_path / "d.zip", {"a.csv": "text,label\n" + "some words,1\n" * 50})
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(DataError, match="readable zip"):
        rows_of(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(DataError, match="readable zip"):
        rows_of(path)


def test_archives_are_judged_by_their_factor(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "SMALL_BYTES", 10)
    archive = zipped(tmp_path / "d.zip", {"a.csv": "text,label\n" + "a,1\n" * 999})
    assert len(rows_of(archive, max_expansion=1000)) == 999
    with pytest.raises(DataError, match="growing from"):
        rows_of(archive, max_expansion=10)


def test_texts_need_no_label_column(write):
    data = DataSettings(str(write("text\na\nb\n")))
    assert [r.text for r in read_texts(data, set_aside=SetAside())] == ["a", "b"]


def test_decimals_of_parquet_are_labels_and_nan_is_no_group(tmp_path):
    labels = pa.array([Decimal(0), Decimal(1)], pa.decimal128(1, 0))
    groups = pa.array([float("nan"), 3.0])
    columns = {"text": ["bad", "good"], "label": labels, "author": groups}
    parquet.write_table(pa.table(columns), tmp_path / "d.parquet")
    data = DataSettings(str(tmp_path / "d.parquet"), group_column="author")
    examples = list(read_examples(data, set_aside=SetAside()))
    assert [(e.label, e.group) for e in examples] == [("0", None), ("1", "3.0")]
