import pytest
from hub_server import Repository

from sentiment_lstm.bundle import FILES, GRAPHS, fingerprint, load_bundle

pytest.importorskip("huggingface_hub", minversion="2")
pytestmark = pytest.mark.usefixtures("logged_in")


def test_push_prints_the_commit_and_how_to_use_the_model(hub, run, model):
    code, out, err = run("push", str(model), "ann/films")
    commit = hub.repositories["ann/films"].refs["main"]
    assert (code, out) == (0, f"{hub.url}/ann/films/commit/{commit}\n")
    words = f"predict --model ann/films@{commit}"
    assert err == f'Use it with: sentiment-lstm {words} "A text of yours."\n'
    assert run("predict", "--model", f"ann/films@{commit}", "a good film")[0] == 0


def test_a_model_that_ships_can_be_pushed_to_a_private_branch(hub, run):
    assert run("push", "tiny", "ann/films", "--private", "--revision", "draft")[0] == 0
    repository = hub.repositories["ann/films"]
    assert repository.private
    assert repository.files("main").keys() == {".gitattributes"}
    assert repository.files("draft").keys() == {".gitattributes", *FILES, GRAPHS[1]}
    code, out, _ = run("predict", "--model", "ann/films@draft", "Superb!", "--json")
    assert (code, out) == run("predict", "--model", "tiny", "Superb!", "--json")[:2]


def test_a_pull_request_is_opened_if_asked(hub, run, model):
    hub.repositories["ann/films"] = Repository()
    hub.repositories["ann/films"].commit({})
    code, out, err = run("push", str(model), "ann/films", "--create-pr")
    assert (code, out) == (0, f"{hub.url}/ann/films/discussions/1\n")
    assert "--model ann/films@refs/pr/1 " in err
    assert hub.repositories["ann/films"].files() == {}


def test_a_failed_push_is_one_sentence(hub, run, model, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    code, out, err = run("push", str(model), "ann/films")
    assert (code, out) == (1, "")
    assert err == (
        "Error: Expected a token to push to ann/films on the hub, found none; run `hf auth login`, "
        "or set HF_TOKEN.\n"
    )
    assert run("push", str(model), "films")[0] == 2
    assert not hub.requests


def test_the_token_is_no_option(run):
    assert "--token" not in run("push", "--help")[1]


def test_a_training_from_the_hub_stores_the_commit(hub, run, model, reviews, tmp_path):
    assert run("push", str(model), "ann/films")[0] == 0
    small = ("--preset", "quick", "--set", "training.max_steps=1", "--out", "run")
    code, _, err = run("train", "--data", str(reviews), "--init", "ann/films", *small)
    assert code == 0, err
    trained = load_bundle(tmp_path / "run")
    assert trained.config.provenance["started_from"] == {
        "name": "ann/films",
        "fingerprint": fingerprint(load_bundle(model)),
        "revision": hub.repositories["ann/films"].refs["main"],
    }
    assert trained.config.provenance["settings"]["training"]["init"] == "ann/films"
