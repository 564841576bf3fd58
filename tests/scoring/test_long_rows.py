"""Long rows: a chunk is bounded by characters too, and the output is the same."""

import json
import tracemalloc

import pyarrow as pa
import pytest
from pyarrow import parquet
from small_tables import Stopping, read, score

from sentiment_lstm.data.tables import read_parquet
from sentiment_lstm.scoring import files, parts

ROWS = [{"text": word * length, "more": ["a", {"b": word}]}
        for word, length in [("good ", 2), ("bad ", 90), ("é ", 40), ("dull ", 1), ("fine ", 99),
                             ("nice ", 3), ("poor ", 1), ("x ", 1)]]  # fmt: skip


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def chunk_texts(source, out, predictor):
    """The number of characters of the texts of each chunk."""
    sizes = []

    class Watched(Stopping):
        def predict_iter(self, texts, abstain_below=0.0):
            sizes.append([len(text) for text in texts])
            return self.predictor.predict_iter(texts, abstain_below)

    score(Watched(predictor, 99), source, out)
    return sizes


def test_a_chunk_holds_few_characters(predictor, source, tmp_path, monkeypatch):
    whole = tmp_path / "whole.jsonl"
    score(predictor, source, whole)
    monkeypatch.setattr(files, "CHUNK_CHARACTERS", 400)
    sizes = chunk_texts(source, tmp_path / "out.jsonl", predictor)
    assert len(sizes) > 2
    assert all(sum(chunk) <= 400 or len(chunk) == 1 for chunk in sizes)
    assert [size for chunk in sizes for size in chunk] == [len(row["text"]) for row in ROWS]
    assert (tmp_path / "out.jsonl").read_bytes() == whole.read_bytes()
    done = json.loads((tmp_path / "out.jsonl.done.json").read_bytes())
    assert done["rows"] == len(ROWS)


@pytest.mark.parametrize("stop", [0, 1, 2])
@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz"])
def test_a_killed_call_continues(predictor, source, tmp_path, monkeypatch, kind, stop):
    monkeypatch.setattr(files, "CHUNK_CHARACTERS", 400)
    whole, out = tmp_path / f"whole.{kind}", tmp_path / f"out.{kind}"
    score(predictor, source, whole)
    with pytest.raises(KeyboardInterrupt):
        score(Stopping(predictor, stop), source, out)
    score(predictor, source, out)
    assert read(out) == read(whole)
    assert out.read_bytes() == whole.read_bytes()


def test_a_chunk_has_a_bound_in_memory(predictor, tmp_path):
    """Python's strings are counted. Of 30 long texts, only a few are held at once."""
    path = tmp_path / "in.csv"
    path.write_text("more,text\n" + f"{'x' * 999_999},good film\n" * 30)
    score(predictor, path, tmp_path / "warm.csv")
    tracemalloc.start()
    score(predictor, path, tmp_path / "out.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000


def test_long_rows_of_parquet_are_read_one_by_one(tmp_path):
    path, text = tmp_path / "in.parquet", "good film " * 900_000
    table = pa.table({"text": [f"{n}{text}" for n in range(8)]})
    parquet.write_table(table, path, compression="zstd", use_dictionary=False)
    del table
    tracemalloc.start()
    with path.open("rb") as file:
        assert sum(1 for _ in read_parquet(file, "in.parquet")) == 8
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


def test_the_folder_of_parts_is_listed_a_fixed_number_of_times(predictor, tmp_path, monkeypatch):
    listed = []
    for name in ("glob", "iterdir"):
        original = getattr(parts.Path, name)
        monkeypatch.setattr(
            parts.Path,
            name,
            lambda self, *rest, original=original: listed.append(1) or original(self, *rest),
        )
    monkeypatch.setattr(files, "CHUNK", 1)
    counts = []
    for rows in (3, 30):
        path = tmp_path / f"{rows}.csv"
        path.write_text("text\n" + "good\n" * rows)
        listed.clear()
        score(predictor, path, tmp_path / f"out{rows}.csv")
        counts.append(len(listed))
    assert counts[0] == counts[1]
