"""A search over settings: its trials, its best model, and what interruptions change."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_runs import QUIET, TINY, tiny

from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.errors import DataError, MissingExtraError, TrainingError, UsageError
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.training import search as searching
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.metrics_log import MetricsLog, read_metrics
from sentiment_lstm.training.run import train
from sentiment_lstm.training.search import resume_search, search
from sentiment_lstm.training.suggesting import space

pytest.importorskip("optuna")

GIVEN = {**TINY, "training.batch_tokens": 400, "training.epochs": 2}
del GIVEN["model.pooling"]  # trials vary this setting
FREE = {"training.learning_rate", "model.dropout", "model.pooling"}
FIXED = space(Settings()).keys() - FREE
WEIGHTS_AND_ALL = {"README.md", "tokenizer.json", "model.safetensors", "config.json"}


def small(source: Path, **changes) -> Settings:
    return tiny(source, **{"model.pooling": "last"} | GIVEN | changes)


def timeless(result) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in result.finished]


def sha(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@pytest.fixture
def interrupt(monkeypatch):
    """Sends SIGINT at the n-th update of all trials."""

    def at(number: int) -> None:
        step, seen = Trainer._train_step, []

        def interrupted_step(self, batch):
            seen.append(1)
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGINT)
            return step(self, batch)

        monkeypatch.setattr(Trainer, "_train_step", interrupted_step)

    return at


@pytest.fixture
def interrupted(csv_file: Path, tmp_path: Path, interrupt) -> Path:
    """The folder of a search of one trial that was interrupted."""
    interrupt(3)
    with pytest.raises(Interrupted):
        search(small(csv_file), 1, tmp_path / "s", FIXED, QUIET)
    return tmp_path / "s"


def test_the_folder_becomes_the_best_trials_bundle(csv_file: Path, tmp_path: Path):
    folder = tmp_path / "runs" / "search"
    result = search(small(csv_file), 3, folder, FIXED, QUIET)
    assert [row["trial"] for row in result.finished] == [1, 2, 3]
    assert result.finished[0]["settings"] == {
        "training.learning_rate": 0.02,
        "model.dropout": 0.3,
        "model.pooling": "last",
    }
    assert result.best["validation_loss"] == min(row["validation_loss"] for row in result.finished)
    bundle, settings = load_bundle(folder), read_json(folder / "settings.json")
    assert bundle.metrics["validation_loss"] == pytest.approx(result.best["validation_loss"])
    assert settings.model == bundle.config.model
    assert settings.model.dropout == result.best["settings"]["model.dropout"]
    assert bundle.config.provenance["search"] == {"trials": 3, "best": result.best["trial"]}
    assert "# search" in bundle.card
    written = json.loads((folder / "search.json").read_text())
    assert written["best"] == result.best["trial"]
    assert written["finished"] == list(result.finished)


def test_only_the_best_weights_are_kept(csv_file: Path, tmp_path: Path, monkeypatch):
    tidied = []
    tidy = searching._tidy

    def counted(now, folder):
        tidy(now, folder)
        tidied.append([path.parent.name for path in folder.glob("trials/*/model.safetensors")])

    monkeypatch.setattr(searching, "_tidy", counted)
    search(small(csv_file), 3, tmp_path / "s", FIXED, QUIET)
    assert all(len(held) == 1 for held in tidied[:3])
    assert tidied[3] == []
    for run in (tmp_path / "s" / "trials").iterdir():
        files = {path.name for path in run.iterdir()}
        assert {"settings.json", "metrics.jsonl", "metrics.json"} <= files
        assert not files & {*WEIGHTS_AND_ALL, "checkpoint.safetensors"}


def test_an_interrupted_search_ends_like_an_uninterrupted_one(
    csv_file: Path, tmp_path: Path, interrupt, capsys
):
    whole = search(small(csv_file), 3, tmp_path / "whole", FIXED, QUIET)
    steps = int(read_metrics(tmp_path / "whole/trials/01")[-1]["step"])
    folder = tmp_path / "halted"
    interrupt(steps + 5)
    with pytest.raises(Interrupted):
        search(small(csv_file), 3, folder, FIXED)
    err = " ".join(capsys.readouterr().err.split())
    assert f"train --resume {folder}'" in err
    assert (folder / "trials/02/checkpoint.safetensors").exists()
    halted = search(small(csv_file), 3, folder, FIXED, QUIET)  # the same call continues
    assert timeless(halted) == timeless(whole)
    assert sha(folder) == sha(tmp_path / "whole")
    assert resume_search(folder, QUIET) == halted


def test_a_trial_that_ended_unrecorded_is_not_run_again(
    csv_file: Path, tmp_path: Path, monkeypatch
):
    write = searching._write

    def killed(folder, now):
        if now.finished:
            raise RuntimeError("killed")
        write(folder, now)

    with monkeypatch.context() as patch:
        patch.setattr(searching, "_write", killed)
        with pytest.raises(RuntimeError, match="killed"):
            search(small(csv_file), 1, tmp_path / "s", FIXED, QUIET)
    monkeypatch.setattr(Trainer, "run", None)
    result = resume_search(tmp_path / "s", QUIET)
    metrics = load_bundle(tmp_path / "s").metrics
    assert metrics["validation_loss"] == pytest.approx(result.best["validation_loss"])


def test_a_pruned_trial_ends_early_and_the_search_continues(
    csv_file: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(searching, "lags_behind", lambda rows, *_: len(rows) == 1)
    result = search(small(csv_file), 3, tmp_path / "s", FIXED, QUIET)
    assert [row["outcome"] for row in result.finished] == ["complete", "pruned", "complete"]
    assert [row["epochs"] for row in result.finished] == [2, 1, 2]
    assert result.best["trial"] != 2


def test_a_signal_just_before_pruning_is_not_lost(csv_file: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(searching, "lags_behind", lambda rows, *_: len(rows) == 1)
    log, ended = MetricsLog.on_epoch, []

    def signalled(self, numbers):
        log(self, numbers)
        ended.append(numbers)
        if len(ended) == 3:  # the second trial's first epoch
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(MetricsLog, "on_epoch", signalled)
    with pytest.raises(Interrupted):
        search(small(csv_file), 2, tmp_path / "s", FIXED, QUIET)
    monkeypatch.setattr(Trainer, "run", None)  # nothing is left to train
    result = resume_search(tmp_path / "s", QUIET)
    assert [row["outcome"] for row in result.finished] == ["complete", "pruned"]
    assert [row["epochs"] for row in result.finished] == [2, 1]


def failing_but_for(rate: float):
    """Make an update that fails at every other learning rate."""
    step = Trainer._train_step

    def failing(self, batch):
        if self.settings.learning_rate != rate:
            raise TrainingError("Expected a finite loss, found none.")
        return step(self, batch)

    return failing


def test_a_trial_that_fails_is_a_row(csv_file: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(Trainer, "_train_step", failing_but_for(0.02))
    result = search(small(csv_file), 3, tmp_path / "s", FIXED, QUIET)
    assert [row["outcome"] for row in result.finished] == ["complete", "failed", "failed"]
    assert result.finished[1]["error"] == "Expected a finite loss, found none."
    assert result.finished[1]["validation_loss"] is None
    assert result.best["trial"] == 1


def test_if_every_trial_fails_the_first_reason_is_reported(
    csv_file: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(Trainer, "_train_step", failing_but_for(0.0))
    with pytest.raises(TrainingError, match="all failed, the first by: Expected a finite"):
        search(small(csv_file), 2, tmp_path / "s", FIXED, QUIET)


def test_a_trial_with_a_damaged_checkpoint_starts_again(interrupted: Path):
    (interrupted / "trials/01/checkpoint.safetensors").write_bytes(b"half")
    assert resume_search(interrupted, QUIET).best["epochs"] == 2


def test_a_search_is_not_continued_with_other_texts_or_settings(csv_file: Path, interrupted: Path):
    for other in ((small(csv_file), 3), (small(csv_file, training__seed=1), 1)):
        with pytest.raises(UsageError, match=r"found others: continue it with .* --resume"):
            search(*other, interrupted, FIXED, QUIET)
    csv_file.write_text(csv_file.read_text().replace("lovely", "superb"))
    with pytest.raises(TrainingError, match="found others: restore them"):
        resume_search(interrupted, QUIET)


def test_a_search_with_the_old_names_of_settings_is_resumed(
    csv_file: Path, tmp_path: Path, interrupt
):
    fixed = space(Settings()).keys() - {"model.hidden_size"}
    whole = search(small(csv_file), 2, tmp_path / "whole", fixed, QUIET)
    interrupt(int(read_metrics(tmp_path / "whole/trials/01")[-1]["step"]) + 3)
    with pytest.raises(Interrupted):
        search(small(csv_file), 2, tmp_path / "s", fixed, QUIET)
    for file in tmp_path.glob("s/**/*.json"):
        text = file.read_text().replace("hidden_size", "hidden")
        file.write_text(text.replace("embedding_size", "embedding"))
    assert timeless(resume_search(tmp_path / "s", QUIET)) == timeless(whole)


@pytest.mark.parametrize("trials", [0, -1])
def test_too_few_trials_are_refused(csv_file: Path, tmp_path: Path, trials: int):
    with pytest.raises(UsageError, match=f"found {trials}"):
        search(small(csv_file), trials, tmp_path / "s", FIXED, QUIET)


def test_wrong_searches_are_refused(csv_file: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="--init RUN/language"):
        search(small(csv_file, language__epochs=1), 1, tmp_path / "s", FIXED, QUIET)
    with pytest.raises(UsageError, match="a setting to vary"):
        search(small(csv_file), 1, tmp_path / "s", space(Settings()).keys(), QUIET)
    with pytest.raises(DataError):
        search(small(tmp_path / "missing.csv"), 1, tmp_path / "s", FIXED, QUIET)
    assert not (tmp_path / "s").exists()


def test_a_folder_with_a_plain_run_is_refused(csv_file: Path, tmp_path: Path):
    train(small(csv_file, training__max_steps=1), tmp_path / "s", QUIET)
    with pytest.raises(UsageError, match="folder without a run"):
        search(small(csv_file), 1, tmp_path / "s", FIXED, QUIET)


def test_a_plain_run_in_a_folder_with_a_search_is_refused(csv_file: Path, interrupted: Path):
    with pytest.raises(UsageError, match="folder without a run"):
        train(small(csv_file), interrupted, QUIET)


def test_a_damaged_state_is_one_sentence(tmp_path: Path):
    (tmp_path / "search.json").write_text('{"trials": 3')
    with pytest.raises(UsageError, match="found it damaged"):
        resume_search(tmp_path, QUIET)


def test_a_state_with_a_wrong_setting_names_the_setting(tmp_path: Path):
    state = {"trials": 3, "fixed": [], "data": "", "finished": []}
    settings = {"training": {"epochs": "many"}}
    (tmp_path / "search.json").write_text(json.dumps({**state, "settings": settings}))
    with pytest.raises(UsageError, match=r"^Expected training\.epochs to be int, found 'many'\.$"):
        resume_search(tmp_path, QUIET)


def test_without_optuna_the_extra_is_named(csv_file: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"sentiment-lstm\[search\]"):
        search(small(csv_file), 1, tmp_path / "s", FIXED, QUIET)


@pytest.mark.slow
def test_a_killed_search_ends_like_an_uninterrupted_one(csv_file: Path, tmp_path: Path):
    changes = GIVEN | {"training.epochs": 12, "training.checkpoint_seconds": 0.1}
    sets = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    code = "from sentiment_lstm.cli import main; main()"
    command = [sys.executable, "-c", code, "train", "--data", str(csv_file), "--preset", "seed"]
    command += ["--search", "4", *sets, "--out"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    rng, kills = random.Random(0), 0
    while kills < 3:
        process = subprocess.Popen([*command, str(killed)], stderr=subprocess.DEVNULL)
        size = written(killed)
        while process.poll() is None and written(killed) == size:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.05, 0.5))
        assert process.poll() is None, "the search ended before it could be killed"
        process.kill()
        process.wait()
        kills += 1
    subprocess.run([*command, str(killed)], check=True, capture_output=True)
    rows = [json.loads((f / "search.json").read_text())["finished"] for f in (whole, killed)]
    for trial in (row for finished in rows for row in finished):
        del trial["seconds"]
    assert rows[0] == rows[1]
    assert sha(killed) == sha(whole)


def written(folder: Path) -> int:
    """Return the size of all metrics so far, in bytes."""
    return sum(path.stat().st_size for path in folder.glob("trials/*/metrics.jsonl"))
