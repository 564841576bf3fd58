import socket

import datasets
import pyarrow as pa
import pytest
from pyarrow import parquet

from sentiment_lstm.data.corpus import load_corpus, validation_examples
from sentiment_lstm.data.open import list_splits, read_examples, read_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

README = """---
configs:
- config_name: plain_text
  data_files:
  - {split: train, path: train-*.parquet}
  - {split: test, path: test-*.parquet}
  - {split: unsupervised, path: unsupervised-*.parquet}
---
# A small one
"""


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    def refuse(*address):
        raise AssertionError(f"a folder was read over the network: {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "films"
    root.mkdir()
    (root / "README.md").write_text(README)
    for split, label in [("train", None), ("test", None), ("unsupervised", -1)]:
        n = 20
        columns = {
            "text": [f"{split} text {i}" for i in range(n)],
            "label": [i % 2 if label is None else label for i in range(n)],
            "movie": [f"tt{i // 4}" for i in range(n)],
        }
        parquet.write_table(pa.table(columns), root / f"{split}-00000-of-00001.parquet")
    return root


@pytest.mark.parametrize("streaming", [False, True])
def test_folder_whole_and_streaming(folder, streaming):
    data = DataSettings(str(folder), split="test", streaming=streaming, group_column="movie")
    examples = list(read_examples(data, set_aside=SetAside(None)))
    assert [(r.text, r.label, r.id, r.group) for r in examples[:2]] == [
        ("test text 0", "0", "test:1", "tt0"),
        ("test text 1", "1", "test:2", "tt0"),
    ]
    assert len(examples) == 20


def test_reading_a_folder_leaves_no_file_in_the_cache(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    assert len(list(read_examples(DataSettings(str(folder)), set_aside=SetAside(None)))) == 20
    assert not [p for p in cache.rglob("*") if p.is_file()]


def test_unlabelled_split(folder):
    data = DataSettings(str(folder), split="unsupervised")
    examples = list(read_texts(data, set_aside=SetAside(None)))
    assert len(examples) == 20
    assert {r.label for r in examples} == {None}
    with pytest.raises(DataError, match="missing label: 20"):
        list(read_examples(data, set_aside=SetAside(None), classes=("negative", "positive")))


def test_unknown_split_lists_the_splits(folder):
    with pytest.raises(DataError, match=r"train, test, unsupervised .* --split dev"):
        list(read_examples(DataSettings(str(folder), split="dev"), set_aside=SetAside(None)))
    assert list_splits(str(folder)) == ("train", "test", "unsupervised")


def test_class_names_come_from_the_features(tmp_path):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    rows = {"text": [f"t{i}" for i in range(20)], "label": [i % 2 for i in range(20)]}
    root = tmp_path / "named"
    root.mkdir()
    table = datasets.Dataset.from_dict(rows, features=features)
    table.to_parquet(str(root / "train-00000-of-00001.parquet"))
    data = DataSettings(str(root))
    assert load_corpus(data, 0, SetAside(None)).classes == ("neg", "pos")
    examples = read_examples(data, set_aside=SetAside(None), classes=("negative", "positive"))
    assert [r.label for r in examples][:2] == ["negative", "positive"]


@pytest.mark.parametrize("streaming", [False, True])
def test_the_sources_own_validation_split_is_used(tmp_path, streaming):
    root = tmp_path / "own"
    root.mkdir()
    for split in ("train", "validation"):
        rows = {"text": [f"{split} {i}" for i in range(10)], "label": [i % 2 for i in range(10)]}
        parquet.write_table(pa.table(rows), root / f"{split}.parquet")
    data = DataSettings(str(root), streaming=streaming)
    corpus = load_corpus(data, 0, SetAside(None))
    assert [r.text for r in corpus.validation] == [f"validation {i}" for i in range(10)]
    assert [r.text for r in corpus.training()] == [f"train {i}" for i in range(10)]
    assert validation_examples(data, 0, SetAside(None), corpus.classes) == corpus.validation


def test_damaged_folder_is_one_sentence(folder):
    path = folder / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match="Expected a folder laid out"):
        load_corpus(DataSettings(str(folder)), 0, SetAside(None))


def test_an_unreachable_name_says_what_to_do(monkeypatch):
    def fail(name, **options):
        raise ConnectionError(f"Couldn't reach {name!r} on the Hub\nmore")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DataError, match="--data imdb, a local path, or HF_HUB_OFFLINE"):
        load_corpus(DataSettings("hf:owner/name"), 0, SetAside(None))


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """A folder `owner/tweets` with two configurations, in the working directory."""
    root = tmp_path / "owner" / "tweets"
    root.mkdir(parents=True)
    names = ("irony", "emotion")
    entries = [
        f"- config_name: {name}\n  data_files:\n  - {{split: train, path: {name}.parquet}}\n"
        for name in names
    ]
    (root / "README.md").write_text(f"---\nconfigs:\n{''.join(entries)}---\n")
    for name in names:
        rows = {"text": [f"{name} {i}" for i in range(4)], "label": [i % 2 for i in range(4)]}
        parquet.write_table(pa.table(rows), root / f"{name}.parquet")
    monkeypatch.chdir(tmp_path)
    return root


@pytest.mark.parametrize("streaming", [False, True])
def test_the_third_part_of_a_name_is_a_configuration(configured, streaming):
    data = DataSettings("hf:owner/tweets/irony", streaming=streaming)
    examples = list(read_examples(data, set_aside=SetAside(None)))
    assert [(r.text, r.label, r.id) for r in examples[:2]] == [
        ("irony 0", "0", "train:1"),
        ("irony 1", "1", "train:2"),
    ]
    assert list_splits("hf:owner/tweets/emotion") == ("train",)


def test_a_configuration_is_passed_to_the_library_for_a_name_on_the_hub(monkeypatch):
    asked = []

    def refuse(path, **options):
        asked.append((path, options.get("name")))
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    for name in ("a/b/c", "a/b", "b"):
        with pytest.raises(DataError, match=f"the Hugging Face data set '{name}', found: no net"):
            list_splits(f"hf:{name}")
    assert asked == [("a/b", "c"), ("a/b", None), ("b", None)]


@pytest.mark.parametrize(
    ("name", "configuration"), [("owner/tweets", "none"), ("owner/tweets/joy", "joy")]
)
def test_a_wrong_or_missing_configuration_lists_the_existing_ones(
    configured, tmp_path, monkeypatch, name, configuration
):
    load = datasets.load_dataset
    monkeypatch.chdir("/")  # so the name is one on the hub, which reads the folder
    monkeypatch.setattr(
        datasets, "load_dataset", lambda path, **options: load(str(tmp_path / path), **options)
    )
    with pytest.raises(DataError) as caught:
        list_splits(f"hf:{name}")
    assert str(caught.value) == (
        "Expected one of the configurations irony, emotion of the Hugging Face data set "
        f"'owner/tweets', found {configuration}; name one, such as hf:owner/tweets/irony."
    )


def test_a_folder_with_several_configurations_lists_them(configured):
    with pytest.raises(DataError, match=r"configurations irony, emotion; name one of its files"):
        list_splits(str(configured))


def test_a_folder_three_levels_deep_is_a_folder(tmp_path, monkeypatch):
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    parquet.write_table(pa.table({"text": ["t"], "label": [1]}), folder / "train.parquet")
    monkeypatch.chdir(tmp_path)
    assert list_splits("hf:a/b/c") == ("train",)


def test_a_data_set_with_a_script_is_read_from_the_hubs_parquet_copy(folder, monkeypatch):
    load = datasets.load_dataset

    def refuse_scripts(path, revision=None, **options):
        if revision != "refs/convert/parquet":
            raise RuntimeError("Dataset scripts are no longer supported, but found films.py")
        return load(str(folder), **options)

    monkeypatch.setattr(datasets, "load_dataset", refuse_scripts)
    assert list_splits("hf:owner/films") == ("train", "test", "unsupervised")


@pytest.mark.parametrize("streaming", [False, True])
def test_several_columns_of_a_folder_make_one_text(folder, streaming):
    data = DataSettings(str(folder), streaming=streaming, text_column="movie,text")
    first = next(iter(read_examples(data, set_aside=SetAside(None))))
    assert (first.text, first.label) == ("tt0\ntrain text 0", "0")
