import io
import json
import re
import sys

import pytest

from sentiment_lstm.bundle import save_bundle

TEXT = "not <b>bad</b> at all, a good film"


def test_the_explanation_as_json(run, model):
    code, out, err = run("explain", "--model", str(model), "--json", TEXT)
    explanation = json.loads(out)
    assert code == 0
    assert err == ""
    assert explanation["text"] == TEXT
    assert explanation["method"] == "contextual gradients"
    assert [TEXT[t["start"] : t["end"]] for t in explanation["tokens"]] == [
        "not", "bad", "at", "all", ",", "a", "good", "film"
    ]  # fmt: skip
    total = sum(token["attribution"] for token in explanation["tokens"])
    moved = explanation["score"] - explanation["baseline_score"]
    assert abs(total - moved) == pytest.approx(explanation["completeness_error"], abs=1e-9)
    assert explanation["completeness_error"] <= 0.01
    whole = json.loads(run("predict", "--model", str(model), "--json", TEXT)[1])
    assert explanation["label"] == whole["label"]
    assert explanation["score"] == pytest.approx(whole["score"], abs=1e-6)
    assert explanation["reading"][-1]["score"] == pytest.approx(explanation["score"], abs=1e-6)


def test_phrases_have_the_sum_of_their_words(run, model):
    explanation = json.loads(run("explain", "--model", str(model), "--json", TEXT)[1])
    phrases = explanation["phrases"]
    assert [TEXT[p["start"] : p["end"]] for p in phrases] == [p["text"] for p in phrases]
    assert phrases[0]["text"].startswith("not <b>bad</b>")
    words = sum(token["attribution"] for token in explanation["tokens"])
    assert sum(p["attribution"] for p in phrases) == pytest.approx(words, abs=1e-12)


def test_no_torch_is_needed(run, model, monkeypatch):
    """The model has no graph, so its predictor needs torch; the explanation does not."""
    monkeypatch.setitem(sys.modules, "sentiment_lstm.interpret.integrated_gradients", None)
    out = run("explain", "--model", str(model), "--json", TEXT)[1]
    assert json.loads(out)["method"] == "contextual gradients"


def test_the_text_and_its_strongest_words_are_printed(run, model):
    code, out, _ = run("explain", "--model", str(model), TEXT + "\x1b[2J")
    assert code == 0
    assert out.splitlines()[0].startswith(TEXT)
    assert "\x1b" not in out
    assert re.search(
        r"(negative|positive) 0\.\d{3}, 0\.\d{3} for function words alone; .* within 0\.\d", out
    )
    assert re.search(r"good +│ [+-]0\.\d{3} ", out)


def test_words_that_moved_nothing_are_left_out(run, model):
    call = ["explain", "--model", str(model), "the good film, the"]
    words = json.loads(run(*call, "--json")[1])["tokens"]
    assert any(word["attribution"] == 0 for word in words)
    table = run(*call)[1].rpartition("┃ word")[2]
    assert table.count("│") == 4 * sum(word["attribution"] != 0 for word in words)


def test_standard_input_is_one_text(run, model, monkeypatch):
    data = io.TextIOWrapper(io.BytesIO("a good\nb\u00e4d ".encode() + b"\xff film\n"))
    monkeypatch.setattr(sys, "stdin", data)
    code, out, _ = run("explain", "--model", str(model), "--json", "-")
    assert code == 0
    assert json.loads(out)["text"] == "a good\nb\u00e4d \ufffd film"


def test_an_explanation_against_another_class(run, model):
    label = json.loads(run("predict", "--model", str(model), "--json", TEXT)[1])["label"]
    other = {"negative": "positive", "positive": "negative"}[label]
    code, out, _ = run("explain", "--model", str(model), "--json", "--against", other, TEXT)
    assert code == 0
    assert json.loads(out)["against"] == other
    code, _, err = run("explain", "--model", str(model), "--against", "mixed", TEXT)
    assert code == 2
    assert f"Expected a class to compare {label} with among {other}, found 'mixed'" in err


def test_the_explanation_as_a_page(run, model, tmp_path):
    code, out, err = run("explain", "--model", str(model), "--html", "why.html", TEXT + "\ud800")
    page = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert code == 0
    assert "Wrote why.html." in err
    assert out
    body = page[page.index('<div class="text"') :]
    shown = re.sub(r"<[^>]*>", "", body[: body.index("</div>")])
    assert shown.replace("&lt;", "<").replace("&gt;", ">") == TEXT + "\ufffd"
    assert "<svg" in page
    assert "supports negative" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_a_page_without_matplotlib(run, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("explain", "--model", str(model), "--html", "why.html", TEXT)[0] == 0
    assert "<svg" not in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_without_captum_occlusion_explains_two_directions(run, make_bundle, tmp_path, monkeypatch):
    save_bundle(tmp_path / "two", make_bundle(bidirectional=True))
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    code, out, err = run("explain", "--model", "two", "--json", TEXT)
    explanation = json.loads(out)
    assert code == 0
    assert (explanation["method"], explanation["completeness_error"]) == ("occlusion", None)
    assert "pip install 'sentiment-lstm[explain]'" in err.replace("\n", " ")


@pytest.mark.parametrize("text", ["", "\x00", "\U0001f600", "\u05e9\u05dc\u05d5\u05dd"])
def test_unusual_texts_are_explained(run, model, text):
    code, _, _ = run("explain", "--model", str(model), "--html", "why.html", text)
    assert code == 0


def test_bidirectional_models_of_three_classes_are_explained(run, make_bundle, tmp_path):
    save_bundle(tmp_path / "two", make_bundle(("x", "$y", "z"), bidirectional=True))
    code, out, _ = run("explain", "--model", "two", "--json", "--html", "why.html", TEXT)
    assert code == 0
    assert json.loads(out)["reading"] == []
    assert json.loads(out)["method"] == "integrated gradients"
    assert "As it was read" not in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_a_page_overwrites_no_other_file(run, model, tmp_path):
    (tmp_path / "mine.csv").write_text("kept")
    for path in ("mine.csv", "mine.csv/why.html", "."):
        code, out, err = run("explain", "--model", str(model), "--html", path, TEXT)
        assert (code, out, err.count("\n")) == (2, "", 1)
    assert (tmp_path / "mine.csv").read_text() == "kept"


def test_a_missing_folder_of_a_page_is_made(run, model, tmp_path):
    assert run("explain", "--model", str(model), "--html", "new/folder/why.html", TEXT)[0] == 0
    assert (tmp_path / "new/folder/why.html").exists()


def test_texts_send_no_control_characters_to_the_terminal(run, model):
    _, out, _ = run("explain", "--model", str(model), "a\x1b[2J good\u00a0film \u202e bad")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "good\u00a0film" in out
