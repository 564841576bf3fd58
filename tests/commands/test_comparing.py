"""`compare RUN RUN` prints a table or JSON and writes a page about several models."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sentiment_lstm.bundle import Bundle, save_bundle
from sentiment_lstm.settings import DataSettings, Settings


@pytest.fixture
def pair(make_bundle, tmp_path: Path) -> None:
    """Two models. The first has the history of a run."""
    save_bundle(tmp_path / "a", make_bundle())
    save_bundle(tmp_path / "b", make_bundle(hidden_size=5))
    lines = [
        {"step": 1, "epoch": 1, "loss": 0.7, "accuracy": 0.5, "grad_norm": 1.0},
        {"step": 1, "epoch": 1, "validation_loss": 0.6, "validation_accuracy": 0.7},
    ]
    (tmp_path / "a" / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))


@pytest.mark.usefixtures("pair", "reviews")
def test_runs_side_by_side(run, tmp_path: Path):
    code, out, err = run("compare", "a", "b", "--out", "page.html", "--json")
    assert code == 0, err
    values = json.loads(out)
    assert values["runs"] == ["a", "b"]
    assert values["numbers"]["validation_accuracy"] == [0.5, 0.5]
    assert values["numbers"]["parameters"][0] < values["numbers"]["parameters"][1]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "2 models side by side" in page
    assert page.count("<svg ") == 4
    maps = ("--label-map", "bad=negative,good=positive")
    code, out, _ = run("compare", "a", "b", "--data", "reviews.csv", *maps)
    assert code == 0
    assert "measured accuracy" in out


@pytest.mark.usefixtures("pair", "reviews")
def test_models_of_two_and_of_three_classes_are_compared_by_polarity(run, three, tmp_path: Path):
    save_bundle(tmp_path / "of_three", three)
    texts = ("--data", "reviews.csv", "--label-map", "bad=negative,good=positive")
    code, out, err = run("compare", "a", "of_three", *texts, "--polarity", "--json")
    assert code == 0, err
    assert None not in json.loads(out)["numbers"]["measured accuracy"]


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("a",), 2, "two runs or more"),
        (("a", "nothing"), 1, "nothing"),
        (("a", "b", "--steps", "3"), 2, "--steps"),
        (("a", "b", "--split", "test"), 2, "--data"),
        (("a", "b", "--polarity"), 2, "--data"),
        (("--data", "reviews.csv"), 2, "--data"),
        (("a", "b", "--out", "a/metrics.jsonl/page.html"), 2, "found the file"),
    ],
)
def test_wrong_calls_are_refused_in_one_sentence(run, arguments, code, words):
    exit_code, _, err = run("compare", *arguments)
    assert (exit_code, err.count("\n")) == (code, 1)
    assert words in err


def test_runs_are_not_compared_on_their_training_texts(run, make_bundle, reviews, tmp_path: Path):
    """Each run would be measured on its own validation texts."""
    data = DataSettings(source="reviews.csv", label_map={"bad": "negative", "good": "positive"})
    for seed, name in enumerate("ab"):
        bundle = make_bundle()
        settings = Settings(data=data).updated({"training.seed": seed}).to_dict()
        config = replace(bundle.config, provenance={"settings": settings})
        save_bundle(tmp_path / name, replace(bundle, config=config))
    code, _, err = run("compare", "a", "b", "--data", "reviews.csv")
    assert code == 2
    assert "texts that no run was trained on" in err
    assert run("compare", "a", "a", "--data", "reviews.csv")[0] == 0


def test_the_label_map_of_one_run_holds_for_all(run, three, tmp_path: Path):
    """Only one of the models was trained on stars, but the classes are the same."""
    label_map = {"<=2": "negative", "3": "neutral", ">=4": "positive"}
    settings = Settings(data=DataSettings(source="other.csv", label_map=label_map)).to_dict()
    config = replace(three.config, provenance={"settings": settings})
    save_bundle(tmp_path / "stars", replace(three, config=config))
    save_bundle(tmp_path / "plain", three)
    rows = [f"a good film {n},{1 + n % 5}" for n in range(10)]
    (tmp_path / "stars.csv").write_text("\n".join(["text,label", *rows]))
    code, out, err = run("compare", "plain", "stars", "--data", "stars.csv", "--json")
    assert code == 0, err
    first, second = json.loads(out)["numbers"]["measured accuracy"]
    assert first == second
    assert "the label map of the training applies" in err


def test_files_of_the_same_name_differ_by_their_hash(run, make_bundle, tmp_path: Path):
    """Numbers of validation texts compare only if both runs have the same ones."""
    for name, sha256 in (("a", "00"), ("b", "11"), ("c", "00")):
        bundle = make_bundle()
        settings = Settings(data=DataSettings(source="reviews.csv")).to_dict()
        sources = [{"source": "reviews.csv", "sha256": sha256}]
        config = replace(bundle.config, provenance={"settings": settings, "sources": sources})
        save_bundle(tmp_path / name, replace(bundle, config=config))
    assert "did not keep the same texts" in run("compare", "a", "b")[2]
    assert run("compare", "a", "c")[2] == ""


def make_run(folder: Path, bundle: Bundle, source: Path, sources: object = ()) -> None:
    """Save a run; without `sources` as version 0.1 did, with a path and no hash."""
    settings = Settings(data=DataSettings(source=str(source))).to_dict()
    provenance = {"settings": settings, "sources": sources or []}
    save_bundle(folder, replace(bundle, config=replace(bundle.config, provenance=provenance)))
    (folder / "settings.json").write_text(json.dumps(settings))
    if not sources:
        config = json.loads((folder / "config.json").read_text())
        config["training"] = {"settings": settings}
        (folder / "config.json").write_text(json.dumps(config))


def test_runs_without_hashes_differ_by_their_paths(run, make_bundle, tmp_path: Path):
    """A run with a hash and a run without one have the same texts at the same path."""
    first, second = tmp_path / "x" / "a.csv", tmp_path / "y" / "a.csv"
    make_run(tmp_path / "old", make_bundle(), first)
    make_run(tmp_path / "other", make_bundle(), second)
    make_run(tmp_path / "new", make_bundle(), first, [{"source": "a.csv", "sha256": "00"}])
    code, out, err = run("compare", "old", "other", "--json", "--out", "page.html")
    assert code == 0
    assert "did not keep the same texts" in err
    assert json.loads(out)["settings"] == {"data.source": ["a.csv (1)", "a.csv (2)"]}
    assert str(tmp_path) not in (tmp_path / "page.html").read_text(encoding="utf-8")
    code, out, err = run("compare", "old", "new", "--json")
    assert (json.loads(out)["settings"], err) == ({}, "")
