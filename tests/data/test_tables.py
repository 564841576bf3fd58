"""Files of every format and packing are read for training and scoring; damaged ones are refused."""

import csv
import gzip
import io
import json
import os
import sys
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from sentiment_lstm.data import packing
from sentiment_lstm.data.formats import DELIMITERS, Format, is_table
from sentiment_lstm.data.kaggle import is_kaggle_csv
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.data.packing import MOST_EXPANSION, SMALL_BYTES, find_member
from sentiment_lstm.data.tables import join, to_bytes, to_parquet, without_formula
from sentiment_lstm.errors import DataError, MissingExtraError, UsageError
from sentiment_lstm.scoring.records import open_input
from sentiment_lstm.settings import DataSettings

KINDS = [".csv", ".tsv", ".jsonl", ".parquet"]
PACKINGS = ["", ".zip", ".gz", ".zst"]
NAMES = [f"data{kind}{packing}" for kind in KINDS for packing in PACKINGS]
ROWS = [
    {"id": str(n), "text": text, "label": str(n % 2)}
    for n, text in enumerate(
        ["good", "bad, not good", 'say "no"', "two\r\nlines", "é\tü", "x" * 99]
    )
]


def encoded(rows, kind):
    """Return the rows as a file's bytes, without the package's own writer."""
    if kind == ".parquet":
        file = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows), file)
        return file.getvalue()
    text = io.StringIO(newline="")
    if kind == ".jsonl":
        text.writelines(json.dumps(row) + "\n" for row in rows)
    else:
        writer = csv.DictWriter(text, list(rows[0]), delimiter=DELIMITERS[kind])
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().encode()


def packed(data, name):
    """Pack the bytes as the name's ending says."""
    path = Path(name)
    if path.suffix == ".gz":
        return gzip.compress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdCompressor().compress(data)
    if path.suffix != ".zip":
        return data
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(path.stem, data)
    return file.getvalue()


def write(folder, name, rows=ROWS):
    path = folder / name
    path.write_bytes(packed(encoded(rows, Format.of_name(name).kind), name))
    return path


def train_rows(path, **options):
    data = DataSettings(str(path), **options)
    return [(row.text, str(row.label), row.id) for row in open_rows(data)]


def score_rows(path):
    with open_input(path, Format.of_file(path)) as opened:
        return [record.values for record in opened.records]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_read_for_training_and_scoring(tmp_path, name):
    path = write(tmp_path, name)
    rows = train_rows(path)
    assert [row[:2] for row in rows] == [(row["text"], row["label"]) for row in ROWS]
    assert {row[2].partition(":")[0] for row in rows} == {name}
    assert score_rows(path) == ROWS


@pytest.mark.parametrize("name", [*NAMES, "data.zip"])
def test_written_rows_are_read_back(tmp_path, name):
    form = Format.of_name(name, ".csv")
    columns = list(ROWS[0])
    pieces = []
    for number, start in enumerate(range(0, len(ROWS), 2)):
        part = ROWS[start : start + 2]
        if form.kind == ".parquet":
            data = to_parquet(part, pa.Table.from_pylist(ROWS).schema)
        else:
            data = to_bytes(part, columns, form, None if number else columns)
        pieces.append(tmp_path / str(number))
        pieces[-1].write_bytes(data)
    for path in (tmp_path / name, tmp_path / f"again-{name}"):
        with path.open("wb") as file:
            join(pieces, form, file)
    assert score_rows(tmp_path / name) == ROWS
    assert (tmp_path / name).read_bytes() == path.read_bytes(), "no clock in the bytes"


def test_lists_and_objects_are_json_in_csv():
    row = {"text": "good", "meta": {"source": "app"}, "tags": ["é", None]}
    data = to_bytes([row], list(row), Format(".csv"), None)
    assert next(csv.reader(data.decode().splitlines())) == [
        "good",
        '{"source": "app"}',
        '["é", null]',
    ]


def test_a_zip_that_is_written_holds_one_readable_file(tmp_path):
    (tmp_path / "piece").write_bytes(b"text\ngood\n")
    with (tmp_path / "out.zip").open("wb") as file:
        join([tmp_path / "piece"], Format.of_name("out.zip", ".csv"), file)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        (member,) = archive.infolist()
        assert (member.filename, archive.read(member)) == ("out.csv", b"text\ngood\n")
        assert member.external_attr >> 16 == 0o644


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)


@given(
    rows=st.lists(st.fixed_dictionaries({"text": TEXT, "label": TEXT}), min_size=1, max_size=5),
    name=st.sampled_from(NAMES),
)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_text_is_read_back_unchanged(tmp_path, rows, name):
    path = write(tmp_path, name, rows)
    assert score_rows(path) == rows
    assert [row[:2] for row in train_rows(path)] == [(row["text"], row["label"]) for row in rows]


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("a.csv", (".csv", "")),
        ("A.TSV.GZ", (".tsv", ".gz")),
        ("a.b.ndjson.zst", (".jsonl", ".zst")),
        ("a.parquet.zip", (".parquet", ".zip")),
    ],
)
def test_a_name_states_its_format(name, stated):
    form = Format.of_name(name)
    assert (form.kind, form.packing) == stated
    assert is_table(name)


@pytest.mark.parametrize("name", ["a", "a.txt", "a.gz", "a.csv.bz2", "csv", "a.zip"])
def test_other_endings_are_refused(name):
    with pytest.raises(UsageError, match=r"ending in \.csv, .* packed as \.zip, \.gz or \.zst"):
        Format.of_name(name)
    assert is_table(name) == (name == "a.zip"), "an archive is looked into"


@pytest.mark.parametrize("packing_", PACKINGS)
def test_the_kaggle_csv_is_recognised_in_any_packing(tmp_path, packing_):
    name = f"k.csv{packing_}"
    (tmp_path / name).write_bytes(packed(b"review,sentiment\n Good ,Positive\n", name))
    assert is_kaggle_csv(tmp_path / name, DataSettings())
    assert train_rows(tmp_path / name) == [("Good", "Positive", f"{name}:2")]


@pytest.mark.parametrize("packing_", [".zip", ".gz", ".zst"])
@pytest.mark.parametrize("kind", [".csv", ".jsonl", ".parquet"])
def test_a_zip_bomb_is_refused_early(tmp_path, kind, packing_):
    name = f"bomb{kind}{packing_}"
    zeros = packed(b"0" * 50_000_000, name)
    (tmp_path / name).write_bytes(zeros)
    started = time.process_time()
    with pytest.raises(DataError, match=r"growing from \d+ to .*\d+ bytes; unpack it by hand"):
        train_rows(tmp_path / name)
    assert time.process_time() - started < 2


def test_a_zstandard_bomb_is_refused_before_it_is_unpacked(tmp_path):
    """A frame of 400 MB in 12 KB is unpacked in pieces of at most 32 MB."""
    packer = zstandard.ZstdCompressor(level=19).compressobj()
    pieces = [packer.compress(bytes(10_000_000)) for _ in range(40)]
    (tmp_path / "bomb.csv.zst").write_bytes(b"".join([*pieces, packer.flush()]))
    with pytest.raises(DataError, match=r"to more than (\d+) bytes") as caught:
        train_rows(tmp_path / "bomb.csv.zst")
    assert int(str(caught.value).split("more than ")[1].split()[0]) < 2 * SMALL_BYTES


def test_repeated_texts_are_no_bomb(tmp_path):
    rows = [{"text": f"good film {n}", "label": "1"} for n in range(60_000)]
    path = write(tmp_path, "data.csv.gz", rows)
    size = len(encoded(rows, ".csv"))
    assert SMALL_BYTES < size < MOST_EXPANSION * path.stat().st_size
    assert len(train_rows(path)) == 60_000


def test_scoring_reads_gz_of_any_compression(tmp_path):
    rows = [{"text": "good"}] * 100_000
    path = write(tmp_path, "data.jsonl.gz", rows)
    assert MOST_EXPANSION * path.stat().st_size < len(encoded(rows, ".jsonl"))
    assert len(score_rows(path)) == 100_000


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith((".zip", ".gz", ".zst"))])
def test_a_file_whose_end_is_missing_is_one_sentence(tmp_path, name):
    rows = [{"text": os.urandom(20).hex(), "label": "1"} for _ in range(3000)]
    path = write(tmp_path, name, rows)
    path.write_bytes(path.read_bytes()[:-2000])
    for read in (train_rows, score_rows):
        with pytest.raises(DataError, match=r"^Expected a (whole|readable).*, found: "):
            read(path)


def test_damage_inside_a_zip_is_one_sentence(tmp_path):
    path = write(tmp_path, "data.csv.zip", ROWS * 100)
    content = bytearray(path.read_bytes())
    content[80:90] = bytes(10)
    path.write_bytes(content)
    for read in (train_rows, score_rows):
        with pytest.raises(DataError, match="readable zip"):
            read(path)


def test_an_archive_with_a_password_is_one_sentence(tmp_path):
    path = write(tmp_path, "data.csv.zip")
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag of an encrypted member, in both headers
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"readable zip .* encrypted"):
        train_rows(path)


def test_concatenated_gz_files_are_read_as_one(tmp_path):
    parts = [b"text,label\na,1\n", b"b,0\n"]
    for name in ("two.csv.gz", "two.csv.zst"):
        (tmp_path / name).write_bytes(b"".join(packed(part, name) for part in parts))
        assert [row[:2] for row in train_rows(tmp_path / name)] == [("a", "1"), ("b", "0")]


def test_an_empty_archive_or_packed_file_is_one_sentence(tmp_path):
    for name in ("e.zip", "e.csv.gz", "e.csv.zst"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(DataError, match="found an empty file"):
            train_rows(tmp_path / name)


def test_a_missing_archive_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="found no file"):
        find_member(tmp_path / "none.zip", [".csv"])


def test_zst_without_its_library_names_the_extra(tmp_path, monkeypatch):
    path = write(tmp_path, "data.csv.zst")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"sentiment-lstm\[files\]"):
        train_rows(path)


def test_bad_utf8_in_parquet_spoils_one_row(tmp_path):
    texts = pa.array([b"good", b"half \xe2\x82"]).view(pa.string())
    parquet.write_table(pa.table({"text": texts, "label": [1, 0]}), tmp_path / "x.parquet")
    with open_input(tmp_path / "x.parquet", Format(".parquet")) as opened:
        good, bad = opened.records
    assert (good.values, good.problem) == ({"text": "good", "label": 1}, None)
    assert (bad.values, bad.problem) == (None, "bad UTF-8")
    assert json.loads(bad.raw_text) == {"text": "half \udce2\udc82", "label": 0}


def test_scoring_knows_how_much_it_has_read(tmp_path):
    rows = [{"text": f"{n} {os.urandom(50).hex()}"} for n in range(5000)]
    for name in ("data.csv", "data.jsonl.gz", "data.csv.zst", "data.csv.zip"):
        path = write(tmp_path, name, rows)
        with open_input(path, Format.of_file(path)) as opened:
            fractions = [opened.fraction for _ in opened.records]
        assert fractions == sorted(fractions)
        assert fractions[0] < 0.5 < fractions[-1] <= 1


def test_members_are_checked_by_their_stated_size(tmp_path, monkeypatch):
    path = write(tmp_path, "data.csv.zip", ROWS * 100)
    monkeypatch.setattr(packing, "SMALL_BYTES", 10)
    monkeypatch.setattr(packing, "MOST_EXPANSION", 1)
    with pytest.raises(DataError, match="growing from"):
        score_rows(path)


@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
def test_scoring_refuses_a_bomb_early(tmp_path, kind):
    """800 MB in 24 kB."""
    path = tmp_path / f"bomb{kind}.zst"
    packer = zstandard.ZstdCompressor(level=19).compressobj()
    pieces = [packer.compress(b"0" * 10_000_000) for _ in range(80)]
    path.write_bytes(b"".join([*pieces, packer.flush()]))
    started = time.process_time()
    with pytest.raises(DataError, match=r"growing from \d+ to .*\d+ bytes; unpack it by hand"):
        score_rows(path)
    assert time.process_time() - started < 5


def test_zst_is_unpacked_in_linear_time(tmp_path):
    path = tmp_path / "data.jsonl.zst"
    content = b"\n" * 90_000_000
    path.write_bytes(zstandard.ZstdCompressor().compress(content))
    growth = packing.Growth(100_000, 1)
    started = time.process_time()
    with path.open("rb") as file, packing.unpacked(file, path, ".zst", growth=growth) as stream:
        assert sum(len(block) for block in iter(lambda: stream.read(1 << 16), b"")) == len(content)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "start", ["", " ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\ufeff", "\u200b", "\0 "]
)
@pytest.mark.parametrize("sign", "=+-@＝＋－＠﹢﹣﹦﹫")
def test_formulas_are_found_behind_white_space_and_in_any_width(start, sign):
    formula = f"{start}{sign}cmd|'/c calc'!A0"
    assert without_formula(formula) == f"'{formula}"


@pytest.mark.parametrize("text", ["", " ", "good", "a=b", " good - bad", "'=1", "1-2", "(=1)"])
def test_other_texts_stay(text):
    assert without_formula(text) == text


@pytest.mark.parametrize("start", "\t\r\n")
def test_tabs_and_line_breaks_may_begin_a_formula(start):
    assert without_formula(f"{start}good") == f"'{start}good"
