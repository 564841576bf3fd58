"""A bundle holds names and hashes of its training data, and no path."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from tiny_runs import QUIET

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import (
    SHIPPED,
    STARTS,
    fingerprint,
    load_bundle,
    run_settings,
    save_bundle,
)
from sentiment_lstm.data.registry import DATA_FOLDER_VARIABLE, registered
from sentiment_lstm.errors import DataError
from sentiment_lstm.export import export
from sentiment_lstm.provenance import (
    bundle_name,
    bundle_revision,
    data_sets,
    describe,
    replace_paths,
    sha256_of,
    source_name,
    without_paths,
)
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.run import train

TINY = {
    "text.min_frequency": 1,
    "model.embedding": 4,
    "model.hidden": 4,
    "model.layers": 1,
    "training.threads": 1,
    "training.max_steps": 2,
}


def tiny(source: object, **changes: object) -> Settings:
    more = {name.replace("__", "."): value for name, value in changes.items()}
    return Settings().updated({**TINY, "data.source": str(source), **more})


def fit(settings: Settings, folder: Path) -> None:
    """Train without showing progress."""
    train(settings, folder, QUIET)


@pytest.fixture
def other(reviews: Path) -> Path:
    """A folder with a second file of texts."""
    path = reviews.parent / "more" / "other.csv"
    path.parent.mkdir()
    path.write_text("text,label\nawful film 0,bad\nfair film,good\n", encoding="utf-8")
    return path


@pytest.fixture
def trained(reviews: Path, other: Path, tmp_path: Path) -> Path:
    """A run whose sources are all named by absolute paths."""
    fit(tiny(reviews), tmp_path / "first")
    settings = tiny(
        reviews,
        data__exclude=[f"{other}"],
        mixture=[{"source": str(other), "exclude": [f"{tmp_path}/more/other.csv"]}],
        language__sources=[str(other)],
        language__epochs=1,
        training__init=str(tmp_path / "first"),
    )
    fit(settings, tmp_path / "run")
    return tmp_path / "run"


def files_with(words: str, folder: Path) -> list[str]:
    """Return the files of a folder that hold the words, plain or escaped as in JSON."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if words.encode() in path.read_bytes())


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/home/ann/tickets.csv", "tickets.csv"),
        ("/home/ann/tickets.csv:test", "tickets.csv:test"),
        ("../data/imdb", "./imdb"),
        ("../data/imdb:test", "./imdb:test"),
        ("/home/ann/texts/", "texts"),
        (r"C:\Users\Ann\tickets.csv", "tickets.csv"),
        ("~/tickets.csv", "tickets.csv"),
        ("tickets.csv", "tickets.csv"),
        ("data", "data"),
        ("..", ".."),
        ("/", "."),
        ("hf:/home/ann/films", "hf:films"),
        ("hf:/home/ann/films:test", "hf:films:test"),
        ("hf:./films", "hf:films"),
        ("kaggle:/home/ann/films/", "kaggle:films"),
    ],
)
def test_a_path_becomes_its_file_name(source, name):
    assert source_name(source) == name


@pytest.mark.parametrize(
    "source",
    [
        "imdb", "imdb:train", "grammar", "grammar:9", "grammar:1-9", "data:imdb", "data:imdb:test",
        "hf:stanfordnlp/imdb", "hf:cardiffnlp/tweet_eval/irony:test", "kaggle:owner/name",
    ],
)  # fmt: skip
def test_names_stay_unchanged(source):
    assert source_name(source) == source


@given(st.text(st.sampled_from("ab./\\:~ imdhf")))
def test_naming_a_name_changes_nothing(source):
    assert source_name(source_name(source)) == source_name(source)


def test_a_model_from_the_hub_keeps_its_name():
    copy = "/home/ann/.cache/huggingface/hub/models--owner--a-name/snapshots/0a1b2c"
    assert bundle_name(copy) == "owner/a-name"
    assert bundle_revision(copy) == "0a1b2c"
    assert bundle_revision("runs/first") is None
    assert bundle_name("runs/first") == "first"
    assert bundle_name("default") == "default"


def test_the_name_of_a_model_from_the_hub_stays_when_it_is_saved_again():
    settings = {"training": {"init": "owner/a-name"}}
    provenance = {"settings": settings, "started_from": {"name": "owner/a-name"}}
    assert replace_paths(provenance) == provenance
    assert replace_paths({"settings": settings}) == {"settings": {"training": {"init": "a-name"}}}


def test_hashes_of_files_and_folders(tmp_path: Path):
    (tmp_path / "texts").mkdir()
    for name in ("b.csv", "a.csv", "notes.md"):
        (tmp_path / "texts" / name).write_text(name)
    hashes = {n: hashlib.sha256(n.encode()).hexdigest() for n in ("a.csv", "b.csv")}
    assert sha256_of(str(tmp_path / "texts" / "a.csv")) == hashes["a.csv"]
    listed = "".join(f"{sha256}  {name}\n" for name, sha256 in hashes.items())
    assert sha256_of(str(tmp_path / "texts")) == hashlib.sha256(listed.encode()).hexdigest()
    assert sha256_of(str(tmp_path / "nothing.csv")) is None


def test_registered_sets_are_described_by_their_files(tmp_path: Path, monkeypatch):
    """The files may be the user's own. `fetched.json` holds no texts."""
    monkeypatch.setenv(DATA_FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "imdb").mkdir()
    for name in ("train.csv", "fetched.json"):
        (tmp_path / "imdb" / name).write_text(name)
    changes = {"mixture": [{"source": "grammar:9"}], "data.exclude": "data:imdb:test"}
    described = describe(tiny("data:imdb").updated(changes))
    files = {"train.csv": hashlib.sha256(b"train.csv").hexdigest()}
    assert described["sources"] == [{"source": "data:imdb", "files": files}]
    assert described["data_sets"] == ["imdb"]


def test_a_folder_after_hf_is_a_path(tmp_path: Path):
    films = tmp_path / "secret" / "films"
    films.mkdir(parents=True)
    rows = {"text": [f"film {n}" for n in range(40)], "label": [n % 2 for n in range(40)]}
    parquet.write_table(pa.table(rows), films / "train.parquet")
    fit(tiny(f"hf:{films}"), tmp_path / "run")
    assert files_with(str(tmp_path), tmp_path / "run") == ["settings.json"]
    bundle = load_bundle(tmp_path / "run")
    source = {"source": "hf:films", "sha256": sha256_of(str(films))}
    assert bundle.config.provenance["sources"] == [source]
    assert SentimentClassifier.from_pretrained(tmp_path / "run").evaluate()["n"] == 4
    (films / "train.parquet").unlink()
    films.rmdir()
    with pytest.raises(DataError, match=r"trained on at hf:.*films, found nothing"):
        SentimentClassifier.from_pretrained(tmp_path / "run").evaluate()


def test_sets_are_known_by_their_names_on_the_hub():
    sources = ("imdb", "hf:stanfordnlp/sst", "hf:cardiffnlp/tweet_eval/irony", "hf:no-one/none")
    provenance = {"settings": {"mixture": [{"source": source} for source in sources]}}
    assert data_sets(provenance) == ["imdb", "sst", "irony"]


@pytest.mark.parametrize(
    ("folder", "name"), [(SHIPPED, "default"), (SHIPPED, "tiny"), (STARTS, "english")]
)
def test_the_registry_names_the_shipped_models_that_read_a_set(folder: Path, name: str):
    provenance = load_bundle(folder / name).config.provenance
    assert set(data_sets(provenance)) == {k for k, s in registered().items() if name in s.models}


def test_a_run_stores_names_and_hashes(trained: Path, reviews: Path, other: Path, tmp_path: Path):
    provenance = load_bundle(trained).config.provenance
    settings = Settings.from_dict(provenance["settings"])
    assert (settings.data.source, settings.data.exclude) == ("reviews.csv", ("other.csv",))
    assert settings.mixture[0].source == settings.mixture[0].exclude[0] == "other.csv"
    assert settings.language.sources == ("other.csv",)
    assert settings.training.init == "first"
    assert provenance["sources"] == [
        {"source": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in (reviews, other)
    ]
    assert provenance["started_from"] == {
        "name": "first",
        "fingerprint": fingerprint(load_bundle(tmp_path / "first")),
    }


def test_only_the_settings_of_a_run_hold_a_path(trained: Path, tmp_path: Path):
    classifier = SentimentClassifier.from_pretrained(trained)
    classifier.save_pretrained(tmp_path / "saved")
    save_bundle(tmp_path / "exported", export(classifier.bundle, ["model.onnx"]))
    assert files_with(str(tmp_path), trained) == ["settings.json"]
    for name in ("saved", "exported", "run/language"):
        assert (tmp_path / name / "README.md").is_file()
        assert files_with(str(tmp_path), tmp_path / name) == []
    assert "`reviews.csv`" in (tmp_path / "saved" / "README.md").read_text()


@pytest.mark.parametrize("card", ["", '# Mine\nTrained on `{0}`, "{0}" and {0}:test, not {0}x.\n'])
def test_an_old_bundle_with_paths_is_saved_with_names(model: Path, tmp_path, card):
    path = "/home/ann/data/imdb"
    changes = {"data.source": path, "data.exclude": f"{path}:test", "training.init": "runs/one"}
    config = json.loads((model / "config.json").read_text())
    config["training"] = {"settings": Settings().updated(changes).to_dict()}
    (model / "config.json").write_text(json.dumps(config))
    bundle = replace(load_bundle(model), card=card.format(path))
    assert bundle.config.provenance == config["training"]
    save_bundle(tmp_path / "again", bundle)
    settings = load_bundle(tmp_path / "again").config.provenance["settings"]
    assert settings["data"]["source"] == "./imdb"
    assert settings["data"]["exclude"] == ["./imdb:test"]
    assert settings["training"]["init"] == "one"
    if card:
        saved = (tmp_path / "again" / "README.md").read_text()
        assert saved == f'# Mine\nTrained on `./imdb`, "./imdb" and ./imdb:test, not {path}x.\n'
    else:
        assert files_with("/home/ann", tmp_path / "again") == []


def test_whole_paths_in_a_card_are_replaced():
    provenance = {"settings": {"data": {"source": r"C:\data\a.csv"}, "mixture": [{"source": "b/"}]}}
    card = r'`C:\data\a.csv` {"source": "C:\\data\\a.csv"} bob/x'
    assert without_paths(card, provenance) == '`a.csv` {"source": "a.csv"} bob/x'


@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {"settings": None},
        {"settings": {"data": 5, "mixture": "a/b", "language": {"sources": {"a": 1}}}},
        {"settings": {"mixture": [None, {"source": 3, "exclude": "a/b"}], "training": []}},
    ],
)
def test_other_values_of_the_provenance_stay(provenance):
    assert replace_paths(provenance) == provenance


def test_settings_of_another_run_are_not_used(trained: Path, bundle):
    assert run_settings(load_bundle(trained)) == Settings.from_dict(
        json.loads((trained / "settings.json").read_text())
    )
    save_bundle(trained, bundle)
    assert run_settings(load_bundle(trained)) is None
    assert run_settings(bundle) is None


def test_a_model_without_its_run_recognises_its_texts_by_hash(reviews: Path, tmp_path: Path):
    """Only its validation texts are measured, but all texts of another source."""
    fit(tiny(reviews), tmp_path / "run")
    classifier = SentimentClassifier.from_pretrained(tmp_path / "run")
    kept_back = classifier.evaluate()
    classifier.save_pretrained(tmp_path / "saved")
    moved = tmp_path / "elsewhere" / "renamed.csv"
    moved.parent.mkdir()
    reviews.rename(moved)
    for folder in ("run", "saved"):
        values = SentimentClassifier.from_pretrained(tmp_path / folder).evaluate(str(moved))
        assert values == {**kept_back, "data": str(moved), "mistakes": values["mistakes"]}
    another = tmp_path / "reviews.csv"
    another.write_text(moved.read_text() + "\na new film,good\n")
    saved = SentimentClassifier.from_pretrained(tmp_path / "saved")
    assert saved.evaluate(str(another))["n"] == 41


def make_old(folder: Path) -> None:
    """Rewrite a run as version 0.1 left it: its bundle has paths and no hashes."""
    config = json.loads((folder / "config.json").read_text())
    del config["training"]["sources"]
    config["training"]["settings"] = json.loads((folder / "settings.json").read_text())
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("typed", ["path", "name"])
def test_an_old_run_that_is_saved_again_recognises_its_texts(
    reviews: Path, tmp_path: Path, monkeypatch, caplog, typed
):
    """A file of the same name is not taken for the model's own source."""
    monkeypatch.chdir(tmp_path)
    fit(tiny(reviews if typed == "path" else reviews.name), tmp_path / "run")
    make_old(tmp_path / "run")
    kept_back = SentimentClassifier.from_pretrained("run").evaluate()["n"]
    SentimentClassifier.from_pretrained("run").save_pretrained("saved")
    sha256 = hashlib.sha256(reviews.read_bytes()).hexdigest()
    provenance = load_bundle(tmp_path / "saved").config.provenance
    assert provenance["sources"] == [{"source": "reviews.csv", "sha256": sha256}]
    saved = SentimentClassifier.from_pretrained("saved")
    for name in (str(reviews), "reviews.csv"):
        assert (saved.evaluate(name)["split"], saved.evaluate(name)["n"]) == (
            "validation",
            kept_back,
        )
    assert caplog.messages == []
    another = tmp_path / "elsewhere" / "reviews.csv"
    another.parent.mkdir()
    another.write_text("text,label\na new film,good\nan old film,bad\n")
    monkeypatch.chdir(another.parent)
    values = saved.evaluate("reviews.csv")
    assert (values["split"], values["n"]) == ("all", 2)


def test_a_bare_name_without_a_hash_is_no_own_source(reviews: Path, tmp_path: Path, monkeypatch):
    """The source was gone when the old run was saved, so nothing can prove that a file is it."""
    monkeypatch.chdir(tmp_path)
    fit(tiny(reviews), tmp_path / "run")
    make_old(tmp_path / "run")
    reviews.rename("gone.csv")
    SentimentClassifier.from_pretrained("run").save_pretrained("saved")
    Path("reviews.csv").write_text("text,label\na new film,good\nan old film,bad\n")
    SentimentClassifier.from_pretrained("saved").save_pretrained("again")
    for folder in ("saved", "again"):
        assert "sources" not in load_bundle(tmp_path / folder).config.provenance
        model = SentimentClassifier.from_pretrained(folder)
        assert model.evaluate("reviews.csv")["n"] == 2


def test_an_old_bundle_knows_the_file_at_its_path(reviews: Path, tmp_path: Path):
    fit(tiny(reviews), tmp_path / "run")
    make_old(tmp_path / "run")
    (tmp_path / "run" / "settings.json").unlink()
    model = SentimentClassifier.from_pretrained(tmp_path / "run")
    assert model.evaluate(str(reviews))["split"] == "validation"
    model.save_pretrained(tmp_path / "saved")
    saved = SentimentClassifier.from_pretrained(tmp_path / "saved")
    assert saved.evaluate(str(reviews))["split"] == "validation"


def test_a_changed_file_of_the_same_name_is_measured_with_a_warning(
    reviews: Path, tmp_path: Path, caplog
):
    fit(tiny(reviews), tmp_path / "run")
    SentimentClassifier.from_pretrained(tmp_path / "run").save_pretrained(tmp_path / "saved")
    model = SentimentClassifier.from_pretrained(tmp_path / "saved")
    assert model.evaluate(str(reviews))["split"] == "validation"
    reviews.write_text(reviews.read_text() + "\na new film,good\n")
    values = model.evaluate(str(reviews))
    assert (values["split"], values["n"]) == ("all", 41)
    assert caplog.messages == [
        "reviews.csv has the name of a file that trained this model, but other content; "
        "texts that trained the model make the result too high."
    ]


def test_files_that_are_not_read_do_not_change_the_hash_of_a_folder(tmp_path: Path):
    table, acl = tmp_path / "table", tmp_path / "acl"
    table.mkdir()
    for name in ("train.csv", "test.csv"):
        (table / name).write_text("text,label\nfilm,1\n")
    for label in ("pos", "neg"):
        (acl / "train" / label).mkdir(parents=True)
        (acl / "train" / label / "0_9.txt").write_text(label)
    for folder, part in ((table, "test.csv"), (acl, "train/pos/0_9.txt")):
        before = sha256_of(str(folder))
        for stray in ("notes.txt", "extra.json", "old.zip"):
            (folder / stray).write_text("{}")
        assert sha256_of(str(folder)) == before
        (folder / part).write_text("text,label\nanother film,1\n")
        assert sha256_of(str(folder)) not in (before, None)
