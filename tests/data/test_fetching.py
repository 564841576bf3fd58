"""Data sets are fetched without a network: `load_dataset` opens a local folder instead."""

import json
from pathlib import Path

import datasets
import pyarrow as pa
import pytest
from pyarrow import parquet

from sentiment_lstm import storage
from sentiment_lstm.data import fetching, registry
from sentiment_lstm.data.open import list_splits, read_examples, read_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, SentimentError, StorageError
from sentiment_lstm.interrupts import Interrupted
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
    (tmp_path / "products" / registry.data_set("products").splits["test"].file).touch()
    assert fetching.fetch("products") == fetching.Fetched(tmp_path / "products", ())
    assert not hub


def test_a_download_that_fails_leaves_nothing(cache, monkeypatch, hub):
    def fail(self, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets.Dataset, "to_parquet", fail)
    with pytest.raises(SentimentError, match="No space left"):
        fetching.fetch("imdb")
    assert not cache.exists()


def test_an_interrupted_download_leaves_nothing(cache, monkeypatch, hub):
    def interrupt(self, file):
        raise Interrupted(2)

    monkeypatch.setattr(datasets.Dataset, "to_parquet", interrupt)
    with pytest.raises(Interrupted):
        fetching.fetch("imdb")
    assert not list(cache.parent.iterdir())


def test_the_rest_of_a_killed_download_goes_at_the_next_one(cache, monkeypatch, hub):
    to_parquet = datasets.Dataset.to_parquet
    staged = []

    def watch(self, file):
        staged.append(Path(file.name).parent)
        return to_parquet(self, file)

    monkeypatch.setattr(datasets.Dataset, "to_parquet", watch)
    fetching.fetch("tweets")
    cache.joinpath("tweets").rename(staged[0])
    (staged[0] / "stale.csv").touch()
    fetching.fetch("tweets")
    assert [path.name for path in cache.iterdir()] == ["tweets"]
    assert "stale.csv" not in {path.name for path in (cache / "tweets").iterdir()}
    assert staged[0] == staged[-1], "the name does not depend on the process"


def test_two_downloads_of_a_set_do_not_meet(cache, hub):
    cache.mkdir()
    with (
        storage.locked(cache / "imdb"),
        pytest.raises(StorageError, match="Expected no other process at work"),
    ):
        fetching.fetch("imdb")
    assert not hub


@pytest.mark.parametrize("content", [None, "notes.txt", "another/model.bin", "config.json"])
@pytest.mark.parametrize("where", ["named", "cache"])
def test_a_folder_without_the_set_is_in_the_way(
    cache, hub, tmp_path, monkeypatch, content, where, run
):
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, str(tmp_path / "named"))
    folder = tmp_path / where / "imdb"
    (folder / (content or "x")).parent.mkdir(parents=True)
    if content:
        (folder / content).touch()
    sentence = (
        f"the data set imdb in the folder {folder}, found none of its files; move that folder away"
    )
    code, _, err = run("data", "fetch", "imdb")
    assert code == 1
    assert sentence in " ".join(err.split())
    assert not hub


@pytest.mark.parametrize("linked", [False, True])
def test_a_file_in_place_of_the_folder_is_refused_before_the_download(cache, hub, linked):
    cache.mkdir()
    if linked:
        (cache / "imdb").symlink_to("elsewhere")
    else:
        (cache / "imdb").touch()
    with pytest.raises(DataError, match=rf"^Expected nothing at {cache}/imdb, found a file"):
        fetching.fetch("imdb")
    assert not hub


def test_an_empty_folder_is_not_a_set(cache, hub, tmp_path, monkeypatch):
    fetched = fetching.fetch("imdb")
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, str(tmp_path / "named"))
    (tmp_path / "named" / "imdb").mkdir(parents=True)
    assert registry.find_folder("imdb") == cache / "imdb"
    assert fetching.fetch("imdb") == fetched
    assert "test" in list_splits("data:imdb")


def test_an_unreachable_hub_is_one_sentence(cache, monkeypatch):
    def fail(path, **options):
        raise ConnectionError("Couldn't reach the Hub\nmore")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(
        DataError, match="'stanfordnlp/imdb/plain_text', found: Couldn't reach"
    ) as e:
        fetching.fetch("imdb")
    assert "check the connection and try again, open its train split with" in str(e.value)
    assert "--data imdb, which needs no network, or put the files train-00000" in str(e.value)
    assert str(e.value).endswith(f"into {cache / 'imdb'} yourself.")
    assert not cache.exists()


def test_an_unknown_name_lists_the_names(run):
    code, _, err = run("data", "fetch", "imdbb")
    assert code == 1
    assert "imdb, sst, tweets" in err
    assert "found data:imdbb" in err


@pytest.mark.parametrize(
    "damaged",
    [
        b"not json",
        b"\xff",
        b"[1]",
        b"[" * 100_000,
        b'{"train": {}}',
        b'{"train": 1}',
        b'{"train": {"file": 1, "rows": 2, "columns": [], "sha256": ""}}',
        b'{"train": {"file": "x", "rows": "2", "columns": [], "sha256": ""}}',
        b'{"train": {"file": "x", "rows": 2, "columns": [[]], "sha256": ""}}',
    ],
)
def test_a_damaged_record_is_one_sentence(cache, hub, damaged):
    record = fetching.fetch("imdb").folder / fetching.RECORD
    record.write_bytes(damaged)
    sentence = rf"^Expected a record of a download at {record}, found .*data fetch imdb\.$"
    for command in (fetching.fetch, fetching.verify):
        with pytest.raises(DataError, match=sentence):
            command("imdb")


def test_a_name_that_the_disk_refuses_is_one_sentence(cache, monkeypatch, run):
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, "/" + "x" * 5000)
    for command in (["list"], ["verify"], ["verify", "imdb"], ["fetch", "imdb"]):
        code, _, err = run("data", *command)
        assert code == 1
        assert err.startswith("Error: Expected to read the folder of data sets /xxx")
        assert "File name too long" in err
        assert len(err) < 500


@pytest.mark.parametrize("refused", ["stat", "iterdir"])
def test_a_folder_without_permission_is_one_sentence(cache, hub, monkeypatch, run, refused):
    """Root may read every folder, hence the patch."""
    folder = fetching.fetch("imdb").folder
    allowed = getattr(Path, refused)

    def refuse(path, **options):
        if path == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return allowed(path, **options)

    monkeypatch.setattr(Path, refused, refuse)
    for command in (["list"], ["verify"], ["verify", "imdb"], ["fetch", "imdb"]):
        code, _, err = run("data", *command)
        assert code == 1
        sentence = f"Error: Expected to read the folder of data sets {folder}, found: Permission de"
        assert err.startswith(sentence)


def test_an_unreadable_cache_does_not_hide_the_named_folder(cache, tmp_path, monkeypatch):
    monkeypatch.setenv(registry.DATA_FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(registry, "cache_folder", lambda: Path("/" + "x" * 5000))
    (tmp_path / "imdb").mkdir()
    (tmp_path / "imdb" / "train.csv").touch()
    assert registry.find_folder("imdb") == tmp_path / "imdb"


def test_a_file_without_permission_is_one_sentence(cache, hub, monkeypatch):
    folder = fetching.fetch("imdb").folder

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(fetching.storage, "file_sha256", refuse)
    with pytest.raises(DataError, match=f"^Expected to read .* {folder}/train.*Permission denied"):
        fetching.verify("imdb")


def test_nothing_to_verify_is_one_sentence(cache, run):
    code, out, err = run("data", "verify")
    assert (code, out) == (1, "")
    assert f"Expected data sets in {cache}, found none; fetch one with: sentiment-lstm" in err
    for name in ("", "data:"):
        code, _, err = run("data", "verify", name)
        assert code == 1
        assert "Expected one of the data sets imdb, sst" in err


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
    listed = run("data", "list")[1].split("data:sst")
    assert ["not here" in part for part in listed] == [True, True]
    assert ["--data imdb" in part for part in listed] == [True, False]
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


@pytest.mark.parametrize("name", ["restaurants", "counterfactual"])
def test_a_set_of_one_split_needs_no_option(cache, run, name):
    folder = cache / name
    folder.mkdir(parents=True)
    columns = {"text": ["a", "b"], "edited": ["a", "b"], "label": [1, 0]}
    parquet.write_table(pa.table(columns), folder / "validation.parquet")
    code, out, err = run("data", f"data:{name}", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["splits"] == "validation"
    assert run("data", f"data:{name}", "--split", "validation", "--json")[1] == out
    code, _, err = run("data", f"data:{name}", "--split", "train")
    assert code == 1
    assert "found --split train" in err


def test_help_of_the_commands(run):
    for words in (("data",), ("data", "list"), ("data", "fetch"), ("data", "verify")):
        code, out, _ = run(*words, "--help")
        assert code == 0
        assert f"Usage: sentiment-lstm {' '.join(words)} [OPTIONS]" in out
