"""Models on the Hugging Face hub, with a stand-in for it: a server on loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hub_server import TOKEN, RefusedError, Repository

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.bundle import FILES, save_bundle
from sentiment_lstm.errors import BundleError, HubError, MissingExtraError, UsageError

huggingface_hub = pytest.importorskip("huggingface_hub", minversion="2")

TEXTS = ["a good film", "bad", "not bad at all"]
NAME = "ann/films"
ADVICE = r"; [^.]+\.$"


@pytest.fixture
def files(model):
    """The files of a model, by name."""
    return {path.name: path.read_bytes() for path in model.iterdir()}


@pytest.fixture
def films(hub, files):
    """The repository `ann/films`, which holds the model."""
    hub.repositories[NAME] = Repository()
    hub.repositories[NAME].commit(files)
    return hub.repositories[NAME]


@pytest.fixture
def no_waiting(monkeypatch):
    """The client waits a second before it asks again, and keeps only whole pieces of 10 MB."""
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 128)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)


def pulled(**options):
    return SentimentClassifier.from_pretrained(NAME, **options)


def cached(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "hub_cache").rglob("*") if path.is_file()]


def test_a_model_is_pulled(films, model):
    expected = SentimentClassifier.from_pretrained(model).predict_proba(TEXTS)
    np.testing.assert_array_equal(pulled().predict_proba(TEXTS), expected)


def test_a_second_pull_downloads_nothing(hub, films):
    pulled()
    hub.requests.clear()
    pulled()
    assert not hub.asked("resolve|lfs")


def test_the_cache_may_be_elsewhere(films, tmp_path):
    pulled(cache_dir=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "models--ann--films").is_dir()
    assert not cached(tmp_path)


@pytest.mark.parametrize("revision", ["draft", "v1", "refs/pr/3", "commit"])
def test_a_revision_is_pulled(films, make_bundle, tmp_path, revision):
    save_bundle(tmp_path / "older", make_bundle(("x", "y", "z")))
    older = {path.name: path.read_bytes() for path in (tmp_path / "older").iterdir()}
    commit = films.commit(older, revision)
    revision = commit if revision == "commit" else revision
    assert pulled().classes_ == ["negative", "positive"]
    assert pulled(revision=revision).classes_ == ["x", "y", "z"]
    in_name = SentimentClassifier.from_pretrained(f"{NAME}@{revision}")
    assert in_name.classes_ == ["x", "y", "z"]
    assert in_name.bundle.folder.name == commit


def test_a_revision_given_twice_is_refused(films):
    with pytest.raises(UsageError, match=r"^Expected one revision, found v1 in the name and v2"):
        SentimentClassifier.from_pretrained(f"{NAME}@v1", revision="v2")


@pytest.mark.parametrize("name", [None, "tiny", "folder"])
def test_a_revision_of_a_folder_is_refused(hub, model, name):
    path = model if name == "folder" else name
    with pytest.raises(UsageError, match=r"^Expected a revision only for a model on the hub"):
        SentimentClassifier.from_pretrained(path, revision="v1")


@pytest.mark.parametrize("revision", ["v9", "0" * 40])
def test_a_missing_revision_is_one_sentence(films, revision, tmp_path):
    expected = f"^Expected the revision {revision} of the model ann/films on the hub, found none"
    with pytest.raises(HubError, match=expected + ADVICE):
        pulled(revision=revision)
    assert not cached(tmp_path)


def test_without_a_connection_the_copy_is_used(hub, films, monkeypatch):
    pulled()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert pulled().classes_ == ["negative", "positive"]
    assert pulled(revision=films.refs["main"]).classes_ == ["negative", "positive"]


@pytest.mark.parametrize("revision", [None, "0" * 40])
def test_without_a_connection_and_a_copy_it_is_one_sentence(hub, monkeypatch, revision):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        HubError, match="found no connection to the hub and no complete copy in the cache" + ADVICE
    ):
        pulled(revision=revision)


def test_offline_without_a_copy_is_one_sentence(hub, films, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="cache while HF_HUB_OFFLINE is set" + ADVICE):
        pulled()
    assert not hub.requests


def test_a_push_without_a_connection_does_not_speak_of_copies(hub, bundle, monkeypatch):
    sentence = "hub to push to, found no connection to the hub; check the connection, and that HF"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=sentence):
        SentimentClassifier(bundle).push_to_hub("someone/films", token="hf_x")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match=sentence):
        SentimentClassifier(bundle).push_to_hub("someone/films", token="hf_x")


def test_only_local_files_are_used_if_asked(hub, films):
    with pytest.raises(HubError, match="found no complete copy in the cache" + ADVICE):
        pulled(local_files_only=True)
    assert not hub.requests
    pulled()
    hub.requests.clear()
    assert pulled(local_files_only=True).classes_ == ["negative", "positive"]
    assert not hub.requests


def test_a_wrong_token_is_one_sentence(films, tmp_path):
    with pytest.raises(HubError, match="found that the hub refuses the token" + ADVICE):
        pulled(token="hf_of_nobody")
    assert not cached(tmp_path)


def test_a_mistyped_folder_is_called_a_folder_first(hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"^Expected a folder runs/yours, found none, so the hub"):
        SentimentClassifier.from_pretrained("runs/yours")


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_repository_that_may_not_be_read_is_one_sentence(hub, files, token):
    hub.repositories["bob/secrets"] = Repository(private=True)
    hub.repositories["bob/secrets"].commit(files)
    for name in ("bob/secrets", "bob/nothing"):
        expected = (
            f"^Expected a folder {name}, found none, so the hub was asked: .*, found none that"
        )
        with pytest.raises(HubError, match=expected + " you may use" + ADVICE):
            SentimentClassifier.from_pretrained(name, token=token)


def test_a_private_model_is_pulled_with_a_token(films, monkeypatch):
    films.private = True
    assert pulled(token=TOKEN).classes_ == ["negative", "positive"]
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert pulled().classes_ == ["negative", "positive"]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "GatedRepo", "its owner must grant you access"),
        (403, "", "the token does not permit it"),
        (503, "", "no connection to the hub and no complete copy in the cache"),
        (429, "", r"the hub cannot answer now \(status 429\)"),
    ],
)
def test_a_refused_pull_is_one_sentence(hub, films, status, code, expected):
    def refuse(method, path):
        raise RefusedError(status, code, "no")

    hub.refuse = refuse
    with pytest.raises(HubError, match=expected + ADVICE):
        pulled()


def test_an_interrupted_download_goes_on(hub, films, no_waiting, files):
    hub.cuts = [1000]
    folder = pulled().bundle.folder
    assert hub.ranges == ["bytes=896-"]
    assert (folder / "model.safetensors").read_bytes() == files["model.safetensors"]


def test_a_download_that_fails_leaves_nothing_half(hub, films, no_waiting, files, tmp_path):
    def refuse(method, path):
        if hub.asked("GET /lfs")[1:]:
            raise RefusedError(503)

    hub.cuts, hub.refuse = [len(files["model.safetensors"]) // 2], refuse
    with pytest.raises(HubError, match=r"the hub cannot answer now \(status 503\)" + ADVICE):
        pulled()
    assert not [path for path in cached(tmp_path) if path.suffix == ".incomplete"]
    assert not [path for path in cached(tmp_path) if path.name == "model.safetensors"]
    with pytest.raises(HubError, match="no complete copy"):
        pulled(local_files_only=True)
    finished = {path.name for path in (tmp_path / "hub_cache").glob("*/snapshots/*/*")}
    hub.refuse = lambda method, path: None
    hub.requests.clear()
    folder = pulled().bundle.folder
    assert {name: (folder / name).read_bytes() for name in FILES} == files
    assert not [request for request in hub.asked("GET .*resolve") if Path(request).name in finished]


def test_a_connection_that_ends_for_good_is_one_sentence(hub, films, no_waiting, files):
    hub.cuts = [len(files["model.safetensors"]) // 2] + [0] * 6
    with pytest.raises(HubError, match="the connection ended early; run it again"):
        pulled()
    assert pulled().classes_ == ["negative", "positive"]


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt; a test of the command may have left another handler."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("step", ["GET /lfs", "PUT /lfs"])
def test_an_interrupt_ends_a_transfer_at_once(hub, films, make_bundle, logged_in, ctrl_c, step):
    over = threading.Event()

    def interrupt(method, path):
        if f"{method} {path}".startswith(step):
            ctrl_c()
            over.wait(20)

    hub.refuse, commits = interrupt, dict(films.commits)
    pushed = SentimentClassifier(make_bundle(("x", "y", "z")))
    transfer = {"GET /lfs": pulled, "PUT /lfs": partial(pushed.push_to_hub, NAME)}[step]
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        transfer()
    assert time.monotonic() - start < 10
    over.set()
    assert films.commits == commits


def test_other_files_are_not_downloaded(hub, films, files, tmp_path):
    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harmed"),)

    import pickle

    others = {
        "pytorch_model.bin": pickle.dumps(Harmful()),
        "model.pkl": pickle.dumps(Harmful()),
        "modeling.py": b"raise SystemExit",
        "data/model.safetensors": b"other weights",
        "settings.json": b"{}",
    }
    films.commit(files | others)
    folder = pulled().bundle.folder
    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert not (tmp_path / "harmed").exists()
    assert not [line for line in hub.asked("resolve") if line.endswith((".bin", ".pkl", ".py"))]


@pytest.mark.parametrize(
    ("name", "size"), [("model.safetensors", 2**31 + 1), ("tokenizer.json", 2**26 + 1)]
)
def test_a_file_that_is_too_large_is_not_downloaded(hub, films, tmp_path, name, size):
    films.sizes[name] = size
    expected = rf"^Expected {name} of ann/films on the hub to have at most [\d,]+ bytes, found"
    with pytest.raises(HubError, match=expected):
        pulled()
    assert not hub.asked("resolve|lfs")


def test_a_repository_without_a_bundle_is_one_sentence(hub, films, files):
    films.commit({"config.json": b"{}", "model.safetensors": files["model.safetensors"]})
    expected = r"found no README\.md, metrics\.json, tokenizer\.json there; name another model\.$"
    with pytest.raises(HubError, match=expected):
        pulled()
    assert not hub.asked("resolve|lfs")


def test_another_kind_of_model_is_refused(films, files):
    config = json.loads(files["config.json"]) | {"architecture": "BertForSequenceClassification"}
    films.commit(files | {"config.json": json.dumps(config).encode()})
    with pytest.raises(BundleError, match="Expected the architecture 'lstm-classifier'"):
        pulled()


def test_a_model_is_pushed(hub, bundle, logged_in):
    commit = SentimentClassifier(bundle).push_to_hub(NAME)
    repository = hub.repositories[NAME]
    assert commit.oid == repository.refs["main"]
    assert commit == f"{hub.url}/{NAME}/commit/{commit.oid}"
    assert repository.files().keys() == {".gitattributes", *FILES}
    assert not repository.private
    expected = SentimentClassifier(bundle).predict_proba(TEXTS)
    np.testing.assert_array_equal(pulled(revision=commit.oid).predict_proba(TEXTS), expected)


def test_a_new_repository_may_be_private(hub, bundle, logged_in):
    SentimentClassifier(bundle).push_to_hub(NAME, private=True)
    assert hub.repositories[NAME].private


def test_a_private_model_is_not_pushed_to_a_public_repository(hub, films, bundle, logged_in):
    commits = dict(films.commits)
    with pytest.raises(HubError, match=r"^Expected a private repository, found that ann/films is"):
        SentimentClassifier(bundle).push_to_hub(NAME, private=True)
    assert films.commits == commits


def test_a_branch_is_made_for_the_push(hub, films, make_bundle, logged_in):
    SentimentClassifier(make_bundle(("x", "y", "z"))).push_to_hub(NAME, revision="draft")
    assert pulled(revision="draft").classes_ == ["x", "y", "z"]
    assert pulled().classes_ == ["negative", "positive"]


def test_a_pull_request_changes_no_branch(hub, films, make_bundle, logged_in):
    commits = films.refs["main"]
    commit = SentimentClassifier(make_bundle(("x", "y", "z"))).push_to_hub(NAME, create_pr=True)
    assert commit.pr_url == f"{hub.url}/{NAME}/discussions/1"
    assert films.refs["main"] == commits
    assert pulled(revision=commit.pr_revision).classes_ == ["x", "y", "z"]


def test_graphs_of_an_older_model_are_deleted_in_the_same_commit(
    hub, films, files, model, logged_in
):
    films.commit(files | {"model.onnx": b"graph", "notes.txt": b"kept"})
    before = len(films.commits)
    SentimentClassifier.from_pretrained(model).push_to_hub(NAME)
    assert films.files().keys() == {*FILES, "notes.txt"}
    assert len(films.commits) == before + 1


def test_the_card_shows_how_to_use_the_pushed_model(hub, bundle, logged_in):
    SentimentClassifier(bundle).push_to_hub(NAME)
    card = huggingface_hub.ModelCard(hub.repositories[NAME].files()["README.md"].decode())
    assert 'SentimentClassifier.from_pretrained("ann/films")' in card.text
    assert card.data.library_name == "sentiment-lstm"
    assert card.data.pipeline_tag == "text-classification"
    (result,) = card.data.eval_results
    assert (result.metric_name, result.metric_value) == ("validation_accuracy", 0.5)


def test_a_card_without_front_matter_gets_one(hub, bundle, logged_in):
    SentimentClassifier(replace(bundle, card="# My films\n")).push_to_hub(NAME)
    content = hub.repositories[NAME].files()["README.md"].decode()
    assert content.endswith("# My films\n")
    card = huggingface_hub.ModelCard(content)
    assert (card.data.library_name, card.data.pipeline_tag) == (
        "sentiment-lstm",
        "text-classification",
    )


@pytest.mark.parametrize("front", ["a: [", "- a", "tags: 3"])
def test_a_card_with_broken_front_matter_is_not_pushed(hub, bundle, logged_in, front):
    classifier = SentimentClassifier(replace(bundle, card=f"---\n{front}\n---\n# My films\n"))
    with pytest.raises(HubError, match=r"^Expected front matter in the model's README\.md that"):
        classifier.push_to_hub(NAME)
    assert not hub.requests


def test_a_push_without_a_token_is_one_sentence(hub, bundle):
    with pytest.raises(
        HubError, match=r"^Expected a token to push to ann/films on the hub, found none; run"
    ):
        SentimentClassifier(bundle).push_to_hub(NAME)
    assert not hub.requests


@pytest.mark.parametrize(
    ("name", "token", "expected"),
    [
        (NAME, "hf_of_nobody", "the hub refuses the token"),
        ("bob/films", TOKEN, "the token does not permit it"),
    ],
)
def test_a_push_without_the_right_is_one_sentence(hub, bundle, name, token, expected):
    with pytest.raises(HubError, match=f"^Expected a repository {name} on the hub to push to, "):
        SentimentClassifier(bundle).push_to_hub(name, token=token)
    assert not hub.repositories


@pytest.mark.parametrize("name", ["films", "a/b/c", "./films", ""])
def test_a_push_needs_owner_and_name(hub, bundle, name):
    with pytest.raises(UsageError, match=r"^Expected OWNER/NAME to push to, found"):
        SentimentClassifier(bundle).push_to_hub(name)
    assert not hub.requests


@pytest.mark.parametrize("request_", ["PUT /lfs", "POST .*/commit/main", "POST .*/preupload"])
def test_an_interrupted_push_commits_nothing(hub, films, make_bundle, logged_in, request_):
    def refuse(method, path):
        if hub.asked(request_):
            raise RefusedError(400, "", "broken")

    commits, hub.refuse = dict(films.commits), refuse
    with pytest.raises(HubError, match=r"^Expected a repository ann/films on the hub to push to, "):
        SentimentClassifier(make_bundle(("x", "y", "z"))).push_to_hub(NAME)
    assert films.commits == commits
    hub.refuse = lambda method, path: None
    assert pulled().classes_ == ["negative", "positive"]


def test_two_pushes_at_once_do_not_mix(hub, films, files, make_bundle, logged_in):
    def commit_first(method, path):
        if method == "PUT":
            films.commit(files | {"model.onnx": b"graph"})

    hub.refuse = commit_first
    with pytest.raises(HubError, match="someone else has just changed the repository; run it"):
        SentimentClassifier(make_bundle(("x", "y", "z"))).push_to_hub(NAME)
    assert films.files() == files | {"model.onnx": b"graph"}


def test_an_older_client_is_named(hub, films, monkeypatch):
    monkeypatch.delattr(huggingface_hub.errors, "RevisionResolutionError")
    with pytest.raises(MissingExtraError, match=r"pip install 'sentiment-lstm\[hub\]'"):
        pulled()


def test_the_command_is_silent_and_sends_no_usage_data(hub, films, tmp_path):
    """In a process of its own: no bars if standard error is no terminal, and few requests."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("HF_")}
    command = ["predict", "--model", NAME, "a good film"]
    done = subprocess.run(
        [sys.executable, "-m", "sentiment_lstm", *command],
        env=kept | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert not hub.asked("telemetry|agent")
