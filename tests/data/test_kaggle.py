import io
import zipfile

import pyarrow as pa
import pytest
from pyarrow import parquet

from sentiment_lstm.data import kaggle
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.settings import DataSettings


@pytest.fixture
def write(tmp_path):
    def write(body):
        path = tmp_path / "IMDB Dataset.csv"
        path.write_bytes(b"review,sentiment\n" + body)
        return path

    return write


def test_rows_are_cleaned_in_chunks_and_keep_their_line_numbers(write, monkeypatch):
    monkeypatch.setattr(kaggle, "CHUNK_ROWS", 2)
    path = write(b'" One<br />\ntwo",POSITIVE\nthree, negative \n"four, five",positive\n')
    rows = [(r.text, r.label, r.line) for r in open_rows(DataSettings(str(path)))]
    assert rows == [
        ("One<br />\ntwo", "POSITIVE", 2),
        ("three", "negative", 4),
        ("four, five", "positive", 5),
    ]


def test_bad_rows_and_duplicates(write):
    rows = [
        b"good,positive",
        b"bad,negative",
        b"fine,positive",
        b"poor,negative",
        b"half \xe2\x82,positive",
        b"nul \0,negative",
        b",positive",
        b"no label",
        b"good,negative",
        b"x" * 10_000_000 + b",positive",
    ]
    set_aside = SetAside()
    corpus = load_corpus(DataSettings(str(write(b"\n".join(rows)))), 0, set_aside)
    assert corpus.classes == ("negative", "positive")
    assert set_aside.counts == {
        "bad UTF-8": 1, "NUL": 1, "empty text": 1, "missing label": 1, "too long": 1,
    }  # fmt: skip
    assert corpus.screening["duplicates"] == corpus.screening["disagreeing duplicates"] == 1


@pytest.mark.parametrize(
    "body", [b"a,b,positive\nc,d,negative\n", b"a,positive\nb,c,d,negative\n", b'a,positive\n"b,']
)
def test_rows_of_more_than_two_fields_are_set_aside_as_in_any_csv(write, body):
    path = write(body)
    by_name = DataSettings(str(path), text_column="review", label_column="sentiment")
    rows, expected = (list(open_rows(data)) for data in (DataSettings(str(path)), by_name))
    assert [(row.text, row.problem) for row in rows] == [(e.text, e.problem) for e in expected]
    assert rows[1].problem is not None


def test_a_zip_of_something_else_is_not_the_kaggle_csv(tmp_path):
    content = io.BytesIO()
    parquet.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), content)
    for name, inside in [("a.parquet", content.getvalue()), ("a.parquet", b"a\rb\rc,\r")]:
        with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
            archive.writestr(name, inside)
        assert not kaggle.is_kaggle_csv(tmp_path / "d.zip", DataSettings())


def test_old_mac_line_ends_are_read_by_the_ordinary_reader(tmp_path):
    path = tmp_path / "mac.csv"
    path.write_bytes(b"review,sentiment\rgood,positive\rbad,negative\r")
    rows = open_rows(DataSettings(str(path)))
    assert [(r.text, r.label) for r in rows] == [("good", "positive"), ("bad", "negative")]


def test_zip_of_the_csv(write):
    path = write(b"good,positive\n")
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.write(path, path.name)
    (row,) = open_rows(DataSettings(str(path.with_suffix(".zip"))))
    assert (row.text, row.label, row.id) == ("good", "positive", "IMDB Dataset.zip:2")


def test_it_is_read_as_any_csv_is(write):
    """pandas would read three rows as the text of one."""
    stray = b'"open,positive\nrow,negative\n"fine,positive\nlast",negative\ngood,positive\n'
    long = b'"' + b"admin,positive\n" * 80_000 + b'",negative\n'
    path = write(b"first,positive\n" + long + b"second,negative\n")
    rows = list(open_rows(DataSettings(str(path))))
    assert [row.text for row in rows if row.problem is None] == ["first", "second"]
    assert [row.line for row in rows] == [2, 3, 80_004]
    rows = list(open_rows(DataSettings(str(write(stray)))))
    assert rows[-1].text == "good"
    assert {row.problem for row in rows} == {None, "unreadable (a quote never closes)"}


def test_blank_lines_count_as_lines(write):
    rows = open_rows(DataSettings(str(write(b"\ngood,positive\n\nbad,negative\n"))))
    assert [row.line for row in rows] == [3, 5]
