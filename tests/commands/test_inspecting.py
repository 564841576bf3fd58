import io
import json
import re
import sys

import pytest

from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.training import gradient_study

TEXT = "not bad at all, a good film"


def test_the_numbers_are_printed(run, model):
    code, out, err = run("inspect", TEXT, "--model", str(model))
    assert code == 0
    assert err == ""
    for word in ("forget gate", "half-lives", "the score", "the last state"):
        assert word in out


def test_the_numbers_as_json(run, model):
    code, out, _ = run("inspect", TEXT, "--model", str(model), "--json", "--before", "tiny")
    values = json.loads(out)
    assert code == 0
    assert len(values["tokens"]) == len(values["reach"]["score"]) == 8
    assert len(values["layers"]) == 2
    assert {"text", "label", "score", "neighbours"} < values.keys()
    assert "terrible" in dict(next(n for n in values["neighbours"] if n["word"] == "bad")["before"])


def test_a_folder_of_pictures_and_one_page(run, model, tmp_path):
    code, _, err = run("inspect", TEXT, "--model", str(model), "--out", "a/b")
    folder = tmp_path / "a" / "b"
    assert code == 0
    assert "Wrote a/b/index.html" in err
    names = {path.name for path in folder.iterdir()}
    assert names == {"index.html", "inspect.json"} | {
        f"{name}.{kind}"
        for name in ("reading", "forget", "half_lives", "reach", "gates_1", "gates_2")
        for kind in ("png", "svg")
    }
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 6
    assert TEXT in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "@import" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert run("inspect", "<b>bad</b>", "--model", str(model), "--out", "a/b")[0] == 0
    assert "&lt;b&gt;bad" in (folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_the_page_of_an_empty_text_says_that_it_has_no_label(run, model, tmp_path, text):
    code, _, err = run("inspect", text, "--model", str(model), "--out", "empty")
    assert code == 0, err
    page = (tmp_path / "empty" / "index.html").read_text(encoding="utf-8")
    assert "no label, the text is empty" in page


def test_the_page_of_a_text_without_labels_shows_a_dash(run, make_bundle, tmp_path):
    bundle = make_bundle(("joy", "anger"), thresholds=(0.99999, 0.99999))
    save_bundle(tmp_path / "several", bundle)
    code, _, err = run("inspect", TEXT, "--model", str(tmp_path / "several"), "--out", "none")
    assert code == 0, err
    page = (tmp_path / "none" / "index.html").read_text(encoding="utf-8")
    assert '<span class="number">- 0.' in page


def test_standard_input_is_one_text(run, model, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"not bad\n\xff good")))
    values = json.loads(run("inspect", "-", "--model", str(model), "--json")[1])
    assert values["text"] == "not bad\n\ufffd good"


def test_without_torch_all_but_the_reach_is_shown(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentiment_lstm.interpret.reach", None)
    code, out, err = run("inspect", TEXT, "--model", "tiny", "--out", "o")
    assert code == 0
    assert "the score" not in out
    assert "torch is not installed" in err


def test_an_infinite_half_life_is_valid_json(run, make_bundle, tmp_path):
    bundle = make_bundle(layers=1)
    bundle.weights["ahead.0.bias_ih_l0"][3:6] = 99.0  # forget gates that never shut
    save_bundle(tmp_path / "open", bundle)
    values = json.loads(run("inspect", "good", "--model", str(tmp_path / "open"), "--json")[1])
    assert values["layers"][0]["half_life"]["median"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 2, "Expected either a text or --gradients"),
        (("x", "--gradients"), 2, "Expected either a text or --gradients"),
        (("--gradients", "--before", "tiny"), 2, "found --before"),
        (("x", "--model", "nowhere"), 1, "Expected a saved model in nowhere"),
        (("x", "--model", "tiny", "--before", "nowhere"), 1, "Expected a saved model in nowhere"),
        (("x", "--model", "tiny", "--out", "/dev/null/o"), 1, "Expected to write to /dev/null/o"),
        (("good " * 4001, "--model", "tiny"), 2, "Expected a text of at most 4,000 tokens"),
    ],
)
def test_wrong_calls_are_refused_in_one_sentence(run, arguments, code, sentence):
    exit_code, _, err = run("inspect", *arguments)
    assert exit_code == code
    assert sentence in err
    assert "Traceback" not in err


def test_bidirectional_models_are_refused(run, make_bundle, tmp_path):
    save_bundle(tmp_path / "two", make_bundle(bidirectional=True))
    code, _, err = run("inspect", "good", "--model", str(tmp_path / "two"))
    assert code == 2
    assert "Expected a model of one direction" in err


def test_the_study_of_gradients(run, monkeypatch, tmp_path):
    small = gradient_study.Plan(
        steps=2, batch=4, hidden=8, embedding=6, measured=3, tested=4, sentences=60
    )
    monkeypatch.setattr(gradient_study, "Plan", lambda: small)
    code, out, err = run("inspect", "--gradients", "--out", "study")
    assert code == 0
    assert out.count("LSTM, forget bias 1") == 2
    assert "trained RNN, clipped" in err
    names = {path.name for path in (tmp_path / "study").iterdir()}
    assert {"distance.svg", "gradient_norm.png", "loss.svg", "index.html"} < names
    values = json.loads((tmp_path / "study" / "inspect.json").read_text(encoding="utf-8"))
    assert values["runs"][0]["name"] == "RNN"
    page = (tmp_path / "study" / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "forget bias 0" in page
