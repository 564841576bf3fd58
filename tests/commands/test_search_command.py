"""`train --search`: its output, and the calls that it refuses."""

import json
from pathlib import Path

import pytest

pytest.importorskip("optuna")

SEARCH = [
    "train", "--data", "reviews.csv", "--out", "s", "--threads", "1",
    "--set=text.min_frequency=1", "--set=model.embedding_size=4", "--set=model.hidden_size=4",
    "--set=training.embeddings=random", "--set=training.epochs=1",
]  # fmt: skip


def test_search_prints_a_table_and_keeps_the_best_model(run, reviews: Path, tmp_path: Path):
    code, out, err = run(*SEARCH, "--search", "3")
    assert code == 0
    assert all(word in out for word in ("trial", "settings", "log-loss", "best", "dropout"))
    assert "hidden" not in out  # a fixed setting is not varied
    record = json.loads((tmp_path / "s" / "search.json").read_text())
    assert len(record["finished"]) == 3
    assert f"s holds the model of trial {record['best']}" in err
    assert run("predict", "--model", "s", "a lovely film")[0] == 0
    before = (tmp_path / "s" / "model.safetensors").stat().st_mtime_ns
    assert run("train", "--resume", "s")[:2] == (0, out)
    assert run(*SEARCH, "--search", "3")[:2] == (0, out)
    assert (tmp_path / "s" / "model.safetensors").stat().st_mtime_ns == before


def test_a_setting_in_the_file_is_not_varied(run, reviews: Path, tmp_path: Path):
    (tmp_path / "mine.toml").write_text("[model]\ndropout = 0.25\n")
    assert run(*SEARCH, "--search", "2", "--config", "mine.toml")[0] == 0
    rows = json.loads((tmp_path / "s" / "search.json").read_text())["finished"]
    assert not any("model.dropout" in row["settings"] for row in rows)
    assert all("model.embedding_dropout" in row["settings"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*SEARCH, "--search", "0"], "found 0"),
        ([*SEARCH, "--search", "-2"], "found -2"),
        (["train", "--search", "3"], "--out"),
        (["train", "--resume", "s", "--search", "3"], "--search"),
        ([*SEARCH, "--search", "2", "--unlabelled", "reviews.csv"], "--init"),
    ],
)
def test_wrong_calls_are_refused_in_one_sentence(run, reviews: Path, arguments, message: str):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Error: Expected")
    assert message in err
    assert err.count("\n") == 1
