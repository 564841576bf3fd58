"""Runs are compared by their settings and numbers, in a table and on a page."""

from dataclasses import replace
from typing import Any

import pytest

from sentiment_lstm.evaluation.report import Training
from sentiment_lstm.evaluation.side_by_side import (
    KnownSource,
    Run,
    comparison_page,
    same_validation,
    side_by_side,
)
from sentiment_lstm.settings import Settings

HISTORY = [
    *({"step": n, "epoch": 1, "loss": 1 / n, "grad_norm": 0.5} for n in range(1, 400)),
    {"step": 399, "epoch": 1, "validation_loss": 0.6, "validation_accuracy": 0.7},
]


def run(name: str, changes: dict[str, Any], **more: Any) -> Run:
    settings = Settings().updated(changes).to_dict()
    metrics = {"validation_accuracy": 0.8, "behaviour": more.pop("behaviour", [])}
    history = more.pop("history", HISTORY)
    return Run(name, Training(history, {}, settings), {"parameters": 7}, metrics, **more)


def test_differing_settings_and_numbers_are_listed():
    mixture = [{"source": "grammar:10"}, {"source": "b.csv"}]
    runs = [run("a", {}), run("b", {"model.hidden_size": 9, "mixture": mixture})]
    comparison = side_by_side(runs)
    assert comparison["runs"] == ["a", "b"]
    hidden = Settings().model.hidden_size
    assert comparison["settings"] == {
        "model.hidden_size": [hidden, 9],
        "mixture": ["", "grammar:10, b.csv"],
    }
    assert comparison["numbers"] == {"parameters": [7, 7], "validation_accuracy": [0.8, 0.8]}


def test_validation_compares_only_on_the_same_texts():
    assert same_validation([run("a", {}), run("b", {"model.hidden_size": 9, "data.weight": 0.5})])
    assert not same_validation([run("a", {}), run("b", {"training.seed": 9})])
    assert not same_validation([run("a", {}), run("b", {"data.source": "b.csv"})])


def test_class_names_do_not_change_the_validation_texts():
    maps = [
        {"1": "bad", "5": "good"},
        {"1": "negative", "5": "positive"},
        {"1": "bad", "4": "good"},
    ]
    first, renamed, other = (run("a", {"data.label_map": labels}) for labels in maps)
    assert same_validation([first, renamed])
    assert not same_validation([first, other])
    assert not same_validation([first, run("b", {})])


def test_distances_are_compared_if_classes_are_numbers():
    values = {"accuracy": 0.5, "mean_absolute_error": 0.75, "within_one": None}
    numbers = side_by_side([run("a", {}, measured=values), run("b", {})])["numbers"]
    assert numbers["measured mean_absolute_error"] == [0.75, None]
    assert "measured within_one" not in numbers


def test_the_page_escapes_names_and_warns_of_different_validation_texts():
    values = {"data": "f.csv", "split": "train", "n": 9, "accuracy": 0.5}
    values |= {"accuracy_interval": [0.2, 0.8]}
    capability = {"capability": "time", "failure_rate": 0.2, "limit": 0.1}
    first = run("<b>$a", {}, measured=values, behaviour=[capability])
    second = run("b", {"training.seed": 9}, history=[])
    page = comparison_page([first, second])
    assert "<b>$a" not in page
    assert "&lt;b&gt;$a" in page
    assert "have different validation texts" in page
    assert "20.0% !" in page
    assert page.count("<svg ") == 4
    assert len(page) < 300_000
    plain = comparison_page([run("a", {}, history=[]), run("b", {}, history=[])])
    assert "No learning curves" in plain
    assert "did not keep" not in plain


def known(path: str, sha256: str = "") -> KnownSource:
    return KnownSource(path.rpartition("/")[2], path if "/" in path else "", sha256)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (known("/x/a.csv"), known("/x/a.csv"), True),
        (known("/x/a.csv"), known("/y/a.csv"), False),
        (known("/x/a.csv", "00"), known("/x/a.csv", "11"), False),
        (known("/x/a.csv", "00"), known("/y/b.csv", "00"), True),
        (known("/x/a.csv", "00"), known("/x/a.csv"), True),
        (known("/x/a.csv", "00"), known("/y/a.csv"), False),
        (known("a.csv", "00"), known("/x/a.csv"), True),
        (known("a.csv"), known("b.csv"), False),
    ],
)
@pytest.mark.parametrize("setting", ["source", "exclude"])
def test_files_are_the_same_by_hash_else_by_path_else_by_name(first, second, same, setting):
    def with_source(source: KnownSource) -> Run:
        written = source.path or source.name
        value = written if setting == "source" else [written]
        return run("a", {f"data.{setting}": value}, sources={written: source})

    runs = [with_source(first), with_source(second)]
    assert same_validation(runs) is same
    row = side_by_side(runs)["settings"].get(f"data.{setting}")
    if same and first.name == second.name:
        assert row is None
    elif first.name == second.name:
        assert row == ["a.csv (1)", "a.csv (2)"]
    else:
        assert row == ["a.csv", "b.csv"]


def test_the_page_holds_no_full_path():
    values = {"data": "/x/films.csv", "split": "train", "n": 9, "accuracy": 0.5}
    values |= {"accuracy_interval": [0.2, 0.8]}
    sources = {path: known(path) for path in ("/x/a.csv", "/y/a.csv")}
    runs = [
        run(f"/x/runs/{n}", {"data.source": path}, sources=sources, measured=values, history=[])
        for n, path in enumerate(sources)
    ]
    page = comparison_page(runs)
    assert "films.csv, train" in page
    assert "/x/" not in page
    twins = [replace(run, name=f"/x/{n}/run") for n, run in enumerate(runs)]
    assert "/x/0/run" in comparison_page(twins)
