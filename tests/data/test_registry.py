"""Data sets by name. Tests of the project's own copies are skipped if these are missing."""

import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from sentiment_lstm.data import registry
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.open import is_missing, list_splits, open_source, read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

NAMES = list(registry.registered())
COMMERCIAL_USE = ("allowed", "forbidden", "research only", "not stated")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of data sets, and a cache folder that does not exist."""
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, str(tmp_path / "sets"))
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "sets"


def write(folder: Path, split: str, **columns) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), folder / f"{split}-00000-of-00001.parquet")


def ten(split: str) -> dict[str, list]:
    return {"text": [f"{split} {n}" for n in range(10)], "label": [n % 2 for n in range(10)]}


def labels(source: str, **options) -> list[str]:
    data = DataSettings(source, **options)
    return [r.label for r in read_examples(data, set_aside=SetAside(None))]


def test_a_set_reads_like_its_folder(folder):
    for split in ("train", "test"):
        write(folder / "imdb", split, **ten(split))
    by_name, by_path = DataSettings("data:imdb"), DataSettings(str(folder / "imdb"))
    assert list(open_source(by_name).rows()) == list(open_source(by_path).rows())
    assert list_splits("data:imdb") == list_splits(str(folder / "imdb")) == ("train", "test")
    corpora = [load_corpus(data, 0, SetAside(None)) for data in (by_name, by_path)]
    assert corpora[0].classes == corpora[1].classes == ("0", "1")
    assert corpora[0].validation == corpora[1].validation


def test_each_task_has_its_own_folder(folder):
    write(folder / "tasks" / "emotion", "train", **ten("train"))
    assert len(labels("data:emotion")) == 10


def test_the_folder_of_the_variable_comes_before_the_cache(folder):
    write(folder.parent / "cache" / "products", "train", text=["cached"], label=[1])
    assert next(open_source(DataSettings("data:products")).rows()).text == "cached"
    write(folder / "products", "train", text=["named"], label=[1])
    assert next(open_source(DataSettings("data:products")).rows()).text == "named"


def test_an_empty_variable_names_no_folder(folder, monkeypatch):
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, "")
    assert registry.data_folders() == (folder.parent / "cache",)


def test_a_folder_of_an_unknown_user_holds_nothing(folder, monkeypatch):
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, "~nosuch/x")
    assert is_missing("data:imdb")
    with pytest.raises(DataError, match="~nosuch/x"):
        registry.folder_of("imdb")


def test_a_missing_set_says_how_to_get_it(folder):
    assert is_missing("data:imdb")
    with pytest.raises(DataError) as caught:
        open_source(DataSettings("data:imdb"))
    assert str(folder) in str(caught.value)
    assert str(folder.parent / "cache") in str(caught.value)
    assert "sentiment-lstm data fetch imdb" in str(caught.value)
    assert not list(folder.parent.iterdir()), "nothing was downloaded"


def test_a_set_without_a_public_copy_says_where_to_put_a_copy(folder):
    with pytest.raises(DataError, match=r"put your own \(train-.* SENTIMENT_LSTM_DATA"):
        list_splits("data:products")


def test_an_unknown_name_lists_the_names():
    with pytest.raises(DataError, match=r"imdb, sst, .*found data:nope"):
        open_source(DataSettings("data:nope"))
    with pytest.raises(DataError, match="name of a source"):
        open_source(DataSettings("data:"))


def test_columns_and_labels_are_defaults(folder):
    write(folder / "sst", "train", text=["a", "b", "c"], stars=[0, 2, 4], label=["x", "y", "z"])
    assert labels("data:sst") == ["negative", "neutral", "positive"]
    assert labels("data:sst", label_map={"0": "bad", "4": "good"}) == ["bad", "good"]
    assert labels("data:sst", label_column="label") == ["x", "y", "z"]


def test_a_set_may_be_excluded_with_or_without_a_split(folder):
    for split in ("train", "test"):
        write(folder / "imdb", split, **ten("train" if split == "test" else "both"))
    write(folder / "products", "train", **ten("train"))
    data = DataSettings("data:products", exclude=("data:imdb:train",))
    assert load_corpus(data, 0, SetAside(None)).screening["excluded"] == 0
    for name in ("data:imdb", "data:imdb:test"):
        data = DataSettings("data:products", exclude=(name,))
        with pytest.raises(DataError, match=f"are not in {name}"):
            load_corpus(data, 0, SetAside(None))


@pytest.mark.parametrize("name", NAMES)
def test_entries_hold_all_that_the_commands_need(name):
    entry = registry.data_set(name)
    assert entry.title
    assert entry.purpose
    assert entry.terms
    assert entry.splits
    assert entry.commercial_use in COMMERCIAL_USE
    assert set(entry.uses) <= {"train", "measure", "development"}
    assert set(entry.models) <= {"default", "tiny", "english"}
    assert {entry.text_column, entry.label_column} - {""} <= set(entry.columns)
    assert all(len(split.sha256) == 64 for split in entry.splits.values())


@pytest.mark.parametrize("name", NAMES)
def test_rows_and_hashes_are_those_of_the_files(name):
    folder = registry.find_folder(name)
    if folder is None:
        pytest.skip(f"data:{name} is not on this machine")
    entry = registry.data_set(name)
    for split in entry.splits.values():
        path = folder / split.file
        assert hashlib.sha256(path.read_bytes()).hexdigest() == split.sha256
        rows, columns = contents(path)
        assert rows == split.rows
        assert columns <= set(entry.columns)


def contents(path: Path) -> tuple[int, set[str]]:
    """Return the number of rows and the names of the columns."""
    if path.suffix == ".parquet":
        table = parquet.read_metadata(path)
        return table.num_rows, set(table.schema.names)
    with path.open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, file))
    return len(records), {name for record in records for name in record}
