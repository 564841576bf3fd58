"""Data sets are fetched without a network: `load_dataset` opens a local folder instead."""

import json
from pathlib import Path

import datasets
import pyarrow as pa
import pytest
from pyarrow import parquet

from sentiment_lstm.data import fetching, registry
from sentiment_lstm.data.open import list_splits, read_examples, read_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, SentimentError
from sentiment_lstm.settings import DataSettings

SPLITS = ("train", "test", "unsupervised")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv(registry.DATA_FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch):
    """The calls of the library. It returns three splits with `text` and `label` (neg, pos)."""
    names = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names})
    asked, load = [], datasets.load_dataset

    def rows(split):
        unlabelled = split == "unsupervised"
        return datasets.Dataset.from_dict(
            {
                "text": [f"{split} {n}" for n in range(6)],
                "label": [-1 if unlabelled else n % 2 for n in range(6)],
            },
            features,
        )

    def load_dataset(path, **options):
        if Path(path).is_absolute():
            return load(path, **options)
        asked.append((path, options))
        return datasets.DatasetDict({split: rows(split) for split in SPLITS})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def test_a_fetched_set_opens_by_its_name(cache, hub):
    fetched = fetching.fetch("imdb")
    assert hub == [("stanfordnlp/imdb", {"name": "plain_text"})]
    assert fetched.folder == cache / "imdb"
    assert list_splits("data:imdb") == SPLITS
    data = DataSettings("data:imdb", split="test")
    examples = list(read_examples(data, set_aside=SetAside(None), classes=("negative", "positive")))
    assert [(r.text, r.label) for r in examples[:2]] == [
        ("test 0", "negative"),
        ("test 1", "positive"),
    ]
    unlabelled = DataSettings("data:imdb", split="unsupervised")
    assert len(list(read_texts(unlabelled, set_aside=SetAside(None)))) == 6


def test_differences_from_the_registry_are_reported(cache, hub):
    assert fetching.fetch("imdb").differences == (
        "train has 6 rows, not 25,000.",
        "test has 6 rows, not 25,000.",
        "unsupervised has 6 rows, not 50,000.",
        "It lacks the columns rating, movie, id.",
    )
    assert "It has no split validation." in fetching.fetch("tweets").differences
    assert "unsupervised" not in list_splits("data:tweets"), "only the registry's splits are taken"


def test_a_fetched_set_is_not_downloaded_again(cache, hub):
    first = fetching.fetch("imdb")
    assert fetching.fetch("imdb") == first
    assert len(hub) == 1


def test_a_set_in_the_users_folder_is_not_downloaded(cache, hub, tmp_path, monkeypatch):
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "products").mkdir()
    assert fetching.fetch("products") == fetching.Fetched(tmp_path / "products", ())
    assert not hub


def test_a_download_that_fails_leaves_nothing(cache, monkeypatch, hub):
    def fail(self, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets.Dataset, "to_parquet", fail)
    with pytest.raises(SentimentError, match="No space left"):
        fetching.fetch("imdb")
    assert not list(cache.iterdir())


def test_an_unreachable_hub_is_one_sentence(cache, monkeypatch):
    def fail(path, **options):
        raise ConnectionError("Couldn't reach the Hub\nmore")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DataError, match="'stanfordnlp/imdb/plain_text', found: Couldn't reach"):
        fetching.fetch("imdb")


def test_a_set_without_a_public_copy_is_not_fetched(cache, hub):
    with pytest.raises(DataError, match="found products; no public copy is known"):
        fetching.fetch("products")
    assert not hub


def test_files_are_compared_with_the_registry(cache, hub):
    folder = fetching.fetch("imdb").folder

    def statuses():
        return [file.status for file in fetching.verify("imdb")]

    assert statuses() == ["as fetched"] * 3
    (folder / "train-00000-of-00001.parquet").write_bytes(b"another")
    (folder / "test-00000-of-00001.parquet").unlink()
    assert statuses() == ["other file", "missing", "as fetched"]


def test_files_of_the_user_are_listed(cache):
    (cache / "imdb").mkdir(parents=True)
    (cache / "imdb" / "train.csv").write_text("text,label\na film,1\n")
    statuses = {file.status for file in fetching.verify("imdb")}
    assert statuses == {"no file of the registry; found: train.csv"}


def test_the_projects_own_files_are_ok(cache, monkeypatch):
    folder = cache / "restaurants"
    folder.mkdir(parents=True)
    path = folder / "validation-00000-of-00001.parquet"
    parquet.write_table(pa.table({"text": ["a"], "label": [1]}), path)
    assert [file.status for file in fetching.verify("restaurants")] == ["other file"]
    sha256 = registry.data_set("restaurants").splits["validation"].sha256
    monkeypatch.setattr(fetching.storage, "file_sha256", lambda _: sha256)
    assert [file.status for file in fetching.verify("restaurants")] == ["ok"]


def test_data_lists_fetches_and_verifies_sets(cache, hub, run):
    code, out, _ = run("data", "list", "--json")
    entries = {entry["name"]: entry for entry in json.loads(out)}
    assert code == 0
    assert entries["imdb"]["folder"] is None
    assert entries["imdb"]["splits"]["train"]["rows"] == 25_000
    assert "not here" in run("data", "list")[1]
    code, out, err = run("data", "fetch", "imdb")
    assert (code, out.strip()) == (0, str(cache / "imdb"))
    assert "lacks the columns rating, movie, id" in err
    assert "cited" in err, "the terms"
    assert run("data", "verify")[0] == run("data", "verify", "data:imdb")[0] == 0
    (cache / "imdb" / "test-00000-of-00001.parquet").unlink()
    code, out, _ = run("data", "verify", "imdb")
    assert code == 1
    assert "missing" in out
    code, _, err = run("data", "verify", "sst")
    assert code == 1
    assert "sentiment-lstm data fetch sst" in err


def test_a_source_named_list_is_given_as_a_path(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), tmp_path / "x.parquet")
    (tmp_path / "list").mkdir()
    (tmp_path / "x.parquet").rename(tmp_path / "list" / "train.parquet")
    code, out, _ = run("data", "./list", "--json")
    assert code == 0
    assert json.loads(out)["rows"] == 2
    assert run("data", "--split", "train", "./list", "--json")[1] == out


def test_help_of_the_commands(run):
    for words in (("data",), ("data", "list"), ("data", "fetch"), ("data", "verify")):
        code, out, _ = run(*words, "--help")
        assert code == 0
        assert f"Usage: sentiment-lstm {' '.join(words)} [OPTIONS]" in out
