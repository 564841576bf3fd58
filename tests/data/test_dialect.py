"""Files as users have them are read for training: any usual encoding and separator."""

import csv
import gzip
import io
import json
import zipfile

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import read, rows_of

from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.dialect import Dialect, find_dialect
from sentiment_lstm.data.formats import Format
from sentiment_lstm.data.kaggle import is_kaggle_csv
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.settings import DataSettings, Settings

TEXTS = [
    "schön, aber teuer",
    'er sagte "nein"; und ging',
    "zwei\r\nZeilen",
    "Größe | Länge",
    "très déçu",
]
ROWS = [(text, str(n % 2)) for n, text in enumerate(TEXTS)]


def table(separator=",", header=("text", "label"), rows=ROWS, first="") -> str:
    text = io.StringIO(newline="")
    text.write(first)
    csv.writer(text, delimiter=separator).writerows([header, *rows])
    return text.getvalue()


def write(folder, content: bytes, name="data.csv"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_row_of_any_dialect_is_read(tmp_path, separator, encoding):
    path = write(tmp_path, table(separator).encode(encoding))
    pairs, counts = read(path)
    assert (pairs, counts) == (ROWS, {})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("packing", [".zip", ".gz", ".zst"])
def test_packed_files_are_looked_into(tmp_path, encoding, packing):
    content = table(";").encode(encoding)
    path = tmp_path / f"data.csv{packing}"
    if packing == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data.csv", content)
    else:
        pack = gzip.compress if packing == ".gz" else zstandard.ZstdCompressor().compress
        path.write_bytes(pack(content))
    assert read(path) == (ROWS, {})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "cp1252"])
def test_json_lines_of_any_encoding(tmp_path, encoding):
    lines = [json.dumps({"text": t, "label": n}, ensure_ascii=False) for t, n in ROWS]
    path = write(tmp_path, "\n".join(lines).encode(encoding), "data.jsonl")
    assert read(path) == (ROWS, {})


def test_what_is_unusual_is_said_once(tmp_path, caplog):
    path = write(tmp_path, table(";").encode("cp1252"))
    rows_of(path)
    rows_of(path)
    assert caplog.messages == [
        "Read data.csv as cp1252, with ; between its columns. It is not UTF-8; if letters look "
        "wrong, name its encoding with --encoding."
    ]
    caplog.clear()
    rows_of(write(tmp_path, table("\t").encode("utf-16"), "tabs.csv"))
    assert caplog.messages == ["Read tabs.csv as UTF-16, with tabs between its columns."]
    caplog.clear()
    rows_of(write(tmp_path, table().encode(), "usual.csv"))
    rows_of(write(tmp_path, table("\t").encode(), "usual.tsv"))
    rows_of(path, encoding="cp1252", separator=";")
    assert not caplog.messages


def test_a_changed_file_is_looked_at_again(tmp_path):
    path = write(tmp_path, table(";").encode("cp1252"))
    assert find_dialect(path, Format(".csv")) == Dialect("cp1252", ";")
    write(tmp_path, table(",").encode() + b"a,1\n")
    assert find_dialect(path, Format(".csv")) == Dialect()


def test_options_come_before_what_is_found(tmp_path):
    path = write(tmp_path, "text,a;label\nwęgiel,x;1\nżółw,y;0\n".encode("cp1250"))
    assert [
        row.text for row in rows_of(path, encoding="cp1250", separator=";", text_column="label")
    ]
    (first, second) = rows_of(path, encoding="cp1250", separator=",", label_column="a;label")
    assert (first.text, second.text) == ("węgiel", "żółw")
    chosen = Settings().updated({"data.encoding": "latin1", "data.separator": "tab"})
    assert Settings.from_dict(chosen.to_dict()) == chosen


def test_excels_first_line_states_the_separator(tmp_path):
    rows = rows_of(write(tmp_path, table(";", first="sep=;\r\n").encode("utf-8-sig")))
    assert [(row.text, row.label) for row in rows] == ROWS
    assert [row.line for row in rows[:2]] == [3, 4], "the true line numbers"
    rows = rows_of(write(tmp_path, b"sep=;\ntext;label\na,1;2\n", "a.csv"), separator=";")
    assert [row.text for row in rows] == ["a,1"]


def test_bytes_outside_the_encoding_set_their_row_aside(tmp_path):
    path = write(tmp_path, b"text,label\na\x81b,1\nfine,0\nalso \xfc,1\n")
    assert read(path) == ([("fine", "0"), ("also ü", "1")], {"bad cp1252": 1})
    path = write(tmp_path, "text,label\na,1\nb,0\n".encode("utf-16") + b"\x00", "odd.csv")
    pairs, counts = read(path)
    assert pairs == [("a", "1"), ("b", "0")]
    assert list(counts) in ([], ["bad UTF-16"])


def test_a_bad_byte_far_down_keeps_the_other_rows(tmp_path):
    lines = [f"schöner Text {n},{n % 2}".encode() for n in range(30_000)]
    lines[25_000] = b"kaputter Text \xff,1"
    path = write(tmp_path, b"\n".join([b"text,label", *lines]))
    pairs, counts = read(path)
    assert (len(pairs), counts) == (29_999, {"bad UTF-8": 1})


def test_a_western_letter_far_down_is_read(tmp_path):
    lines = [f"plain text {n},{n % 2}".encode() for n in range(100_000)]
    lines[90_000] = "schöner Text,1".encode("cp1252")
    pairs, counts = read(write(tmp_path, b"\n".join([b"text,label", *lines])))
    assert (len(pairs), counts) == (100_000, {})
    assert pairs[90_000][0] == "schöner Text"


def test_kaggles_columns_in_another_dialect(tmp_path):
    path = write(tmp_path, "review,sentiment\nschön,positive\nblöd,negative\n".encode("cp1252"))
    assert not is_kaggle_csv(path, DataSettings())
    assert read(path)[0] == [("schön", "positive"), ("blöd", "negative")]
    path = write(tmp_path, b"review;sentiment\na;positive\n", "b.csv")
    assert read(path)[0] == [("a", "positive")]


@pytest.mark.parametrize(
    ("options", "name", "sentence"),
    [
        ({"encoding": "utf-9"}, "data.csv", "Expected an encoding such as utf-8"),
        ({"separator": "ab"}, "data.csv", "Expected one character between columns"),
        ({"separator": ";"}, "data.jsonl", "--separator for csv or tsv, found data.jsonl"),
        ({"encoding": "cp1252"}, "data.parquet", "--encoding for csv, tsv or jsonl"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, name, sentence):
    with pytest.raises(UsageError, match=sentence):
        rows_of(write(tmp_path, b"text,label\na,1\n", name), **options)


def test_a_folder_has_no_encoding(tmp_path):
    write(tmp_path, b"text;label\na;1\n")
    with pytest.raises(UsageError, match="for a file, found the folder"):
        rows_of(tmp_path, separator=";")


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)


@given(
    rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    first=st.sampled_from(["", "sep={}\r\n"]),
)
@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_text_is_read_back_from_any_dialect(tmp_path, rows, separator, encoding, first):
    content = table(separator, rows=rows, first=first.format(separator)).encode(encoding)
    path = write(tmp_path, content)
    assert [(row.text, row.label) for row in rows_of(path)] == rows


def test_an_encoding_that_is_not_known_is_refused(tmp_path):
    content = "text,label\n" + "Очень хороший магазин всем советую,1\n" * 20
    path = write(tmp_path, content.encode("cp1251"))
    with pytest.raises(DataError, match="such as cp1250, cp1251"):
        rows_of(path)
    assert rows_of(path, encoding="cp1251")[0].text.startswith("Очень")


def test_excluded_sources_have_their_own_dialect(tmp_path):
    rows = [(f"schöner Text {n}", "ab"[n % 2]) for n in range(40)]
    path = write(tmp_path, table(";", rows=rows).encode("cp1252"))
    other = write(tmp_path, table(",", rows=rows[:10]).encode(), "test.csv")
    data = DataSettings(str(path), encoding="cp1252", separator=";", exclude=(str(other),))
    assert load_corpus(data, 0, SetAside()).screening["excluded"] == 10


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_several_columns_make_one_text(tmp_path, kind):
    header = ("subject", "body", "a,b", "label")
    rows = [
        ("Hello", "world", "x", "1"),
        ("", "only body", "y", "0"),
        ("only subject", " ", "z", "1"),
        ("", "", "w", "0"),
    ]
    if kind == "csv":
        content = table(header=header, rows=rows)
    else:
        named = [dict(zip(header, row, strict=True)) for row in rows]
        content = "".join(json.dumps(row) + "\n" for row in named)
    path = write(tmp_path, content.encode(), f"data.{kind}")
    pairs, counts = read(path, text_column="subject, body")
    assert pairs == [("Hello\nworld", "1"), ("only body", "0"), ("only subject", "1")]
    assert counts == {"empty text": 1}
    assert [row.text for row in rows_of(path, text_column="a,b")] == ["x", "y", "z", "w"]
    with pytest.raises(DataError, match="a column 'boddy'"):
        rows_of(path, text_column="subject,boddy")


def test_a_column_that_holds_no_text_is_seen(tmp_path):
    lines = [
        {"a": 5, "b": "x", "label": 1},
        {"a": None, "b": "x", "label": 0},
        {"b": "y", "label": 0},
    ]
    path = write(tmp_path, "".join(json.dumps(row) + "\n" for row in lines).encode(), "d.jsonl")
    assert read(path, text_column="a,b") == ([("x", "0"), ("y", "0")], {"unreadable": 1})
