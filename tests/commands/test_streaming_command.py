import io
import json
import sys

import pytest

from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.commands.tables import _shade


def test_json_has_one_line_per_token(run, model):
    code, out, _ = run("stream", "--model", str(model), "--json", "a good film")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(r["text"], r["start"], r["end"]) for r in rows] == [
        ("a", 0, 1), ("good", 2, 6), ("film", 7, 11)
    ]  # fmt: skip
    whole = json.loads(run("predict", "--model", str(model), "--json", "a good film")[1])
    assert rows[-1]["label"] == whole["label"]
    assert rows[-1]["score"] == pytest.approx(whole["score"], abs=1e-6)


def test_a_neutral_text_is_printed_in_the_middle(run, three, tmp_path):
    save_bundle(tmp_path / "three", three)
    call = ("stream", "--model", "three", "film")
    (row,) = map(json.loads, run(*call, "--json")[1].splitlines())
    probabilities = row["probabilities"]
    assert list(probabilities) == ["negative", "neutral", "positive"]
    assert row["positive"] == probabilities["positive"]
    lean = (1 + probabilities["positive"] - probabilities["negative"]) / 2
    assert f"film {lean:.2f}" in run(*call)[1]


def test_standard_input_is_scored_as_it_arrives(run, model, monkeypatch):
    data = io.TextIOWrapper(io.BytesIO("not b\u00e4d ".encode() + b"\xff film"))
    monkeypatch.setattr(sys, "stdin", data)
    code, out, _ = run("stream", "--model", str(model), "--json", "-")
    texts = [json.loads(line)["text"] for line in out.splitlines()]
    assert code == 0
    assert texts == ["not", "b\u00e4d", "\ufffd", "film"]


def test_the_text_its_label_and_its_turning_points_are_printed(run, model):
    code, out, _ = run("stream", "--model", str(model), "not bad at all, a good film")
    assert code == 0
    assert "not 0." in out
    assert out.splitlines()[-1].startswith(("negative", "positive", "turned"))


def test_bidirectional_models_are_refused(run, make_bundle, tmp_path):
    save_bundle(tmp_path / "two", make_bundle(bidirectional=True))
    code, _, err = run("stream", "--model", str(tmp_path / "two"), "good")
    assert code == 2
    assert "Expected a model of one direction" in err


def test_shades_go_from_red_to_green():
    assert [_shade(p) for p in (0.0, 0.5, 1.0)] == [
        "rgb(240,75,75)", "rgb(130,130,130)", "rgb(130,185,75)"
    ]  # fmt: skip
