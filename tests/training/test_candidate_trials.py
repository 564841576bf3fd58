"""Whole runs with a race: trials of candidates with tiny networks, interruptions, folders."""

import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import QUIET, Heard, tiny, tiny_auto

from sentiment_lstm.bundle import RUN_SETTINGS
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.training import candidate_trials, combining, race, run, trials
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.run import resume, train

LONG = 60.0
"""Minutes that no race of a test needs: all that can be varied is raced."""


def _settings(source: Path, **changes: object) -> Settings:
    """All but dropout is given, so a race has one round of two challengers."""
    return tiny_auto(source, training__epochs=None, training__max_steps=12, **changes)


def _sha(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_winner_is_trained_as_without_a_race(csv_file: Path, tmp_path: Path, count):
    heard, folder = Heard(), tmp_path / "run"
    metrics = train(_settings(csv_file, training__trials=count), folder, heard, minutes=LONG)
    assert metrics["train_seconds"] < 60
    assert any(s == "race: round 1: dropout x0.5; dropout x1.3" for s in heard.sentences)
    settings = read_json(folder / RUN_SETTINGS)
    assert (settings.training.auto, settings.training.trials) == (False, count)
    assert {path.name for path in folder.iterdir()} >= {"config.json", "metrics.jsonl"}
    for gone in ("race", "trials", "checkpoint.safetensors"):
        assert not (folder / gone).exists()
    again = train(settings, tmp_path / "again", QUIET)
    assert _sha(folder) == _sha(tmp_path / "again")
    assert {**metrics, "train_seconds": 0} == {**again, "train_seconds": 0}


def test_the_winner_counts_with_its_wide_path(csv_file: Path, tmp_path: Path, monkeypatch):
    measured = []
    measure = candidate_trials.CandidateTrials.measure

    def watched(self: Any, settings: Settings, folder: Path) -> Any:
        measured.append(measure(self, settings, folder))
        return measured[-1]

    monkeypatch.setattr(candidate_trials.CandidateTrials, "measure", watched)
    settings = _settings(csv_file, model__dropout=0.1, model__embedding_dropout=0.1)
    settings = settings.updated({"training.word_dropout": 0.0})
    given = (*settings.training.given, "training.word_dropout")
    metrics = train(
        settings.updated({"training.given": given}), tmp_path / "run", QUIET, minutes=LONG
    )
    (outcome,) = measured
    assert outcome.log_loss == pytest.approx(metrics["validation_calibrated_loss"], abs=1e-6)
    assert outcome.accuracy == metrics["validation_accuracy"]
    assert len(outcome.losses) == 400


def test_without_a_wide_path_the_network_is_calibrated(csv_file: Path, tmp_path: Path):
    wide = {"model__wide_features": 0, "training__trials": 1}
    metrics = train(_settings(csv_file, **wide), tmp_path / "run", QUIET, minutes=LONG)
    assert "wide_accuracy" not in metrics
    assert 0 < metrics["validation_accuracy"] <= 1


def test_several_labels_per_text(tmp_path: Path):
    words = ("awful", "lovely")
    rows = [f"{words[n % 2]} film {n},{'a|b' if n % 2 else 'b'}" for n in range(60)]
    source = tmp_path / "labels.csv"
    source.write_text("\n".join(["text,label", *rows]))
    settings = _settings(source, data__multi_label=True, training__trials=1)
    metrics = train(settings, tmp_path / "run", QUIET, minutes=LONG)
    assert "validation_macro_f1" in metrics


def test_a_short_time_makes_fewer_updates(csv_file: Path, tmp_path: Path):
    heard = Heard()
    changes = {"training__epochs": None, "training__trials": 1}
    train(tiny_auto(csv_file, **changes), tmp_path / "run", heard, minutes=0.01)
    assert read_json(tmp_path / "run" / RUN_SETTINGS).training.max_steps < 200
    assert any(s.startswith("race: no time to compare") for s in heard.sentences)
    assert not (tmp_path / "run" / "race").exists()


# Interruptions and folders.


def _ended(patch: pytest.MonkeyPatch, module: Any, name: str, number: int, end: Any) -> None:
    """End before a call of a function."""
    original, calls = getattr(module, name), []

    def ended(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        if len(calls) == number:
            end()
        return original(*arguments, **options)

    patch.setattr(module, name, ended)


class _KilledError(BaseException):
    """Ends a run like SIGKILL: nothing is saved."""


def _killed() -> None:
    raise _KilledError


def _terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


MOMENTS = {
    "in the look": (run.automatic, "look", 1),
    "while the first wide path is fitted": (combining, "fit_linear", 1),
    "in the probe": (Trainer, "_train_step", 5),
    "in the first candidate": (Trainer, "_train_step", 20),
    "in the first challenger": (Trainer, "_train_step", 28),
    "in the second challenger": (Trainer, "_train_step", 34),
    "before a trial is kept": (trials, "write_atomically", 2),
    "before a result is kept": (race, "write_atomically", 3),
    "before the settings are written": (run, "write_atomically", 1),
    "before the trials are handed over": (run, "hand_over", 1),
    "before the race is removed": (race, "remove", 1),
    "in the last training": (Trainer, "_train_step", 52),
    "before the bundle is saved": (run, "save_bundle", 1),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Path]:
    """A source, and a run with a race on it that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    rows = [f"{('awful', 'lovely')[n % 2]} film {n},{'ab'[n % 2]}" for n in range(100)]
    (folder / "films.csv").write_text("\n".join(["text,label", *rows]))
    settings = _settings(folder / "films.csv", training__trials=1)
    train(settings, folder / "run", QUIET, minutes=LONG)
    return folder / "films.csv", folder / "run"


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("end", "error"), [(_killed, _KilledError), (_terminated, Interrupted)])
def test_an_ended_race_goes_on(whole, tmp_path, monkeypatch, moment, end, error):
    source, uninterrupted = whole
    folder, heard = tmp_path / "run", Heard()
    settings = _settings(source, training__trials=1, training__checkpoint_seconds=0.01)
    with monkeypatch.context() as patch:
        _ended(patch, *MOMENTS[moment], end)
        with pytest.raises(error):
            train(settings, folder, heard, minutes=LONG)
    is_saved = (folder / "config.json").exists()
    if end is _terminated and not is_saved:
        assert heard.sentences[-1] == f"Continue with 'sentiment-lstm train --resume {folder}'."
    assert (resume(folder, QUIET) is None) == is_saved
    assert _sha(folder) == _sha(uninterrupted)
    assert not (folder / "race").exists()
    assert not (folder / "trials").exists()


def test_the_used_time_counts(whole, tmp_path, monkeypatch):
    source, _ = whole
    folder, heard = tmp_path / "run", Heard()
    with monkeypatch.context() as patch:
        _ended(patch, *MOMENTS["in the second challenger"], _killed)
        with pytest.raises(_KilledError):
            train(_settings(source, training__trials=1), folder, QUIET, minutes=LONG)
    path = folder / "race" / "race.json"
    state = json.loads(path.read_text())
    assert [row["candidate"] for row in state["results"]] == ["auto", "dropout x0.5"]
    path.write_text(json.dumps({**state, "seconds": 60 * LONG}))
    metrics = resume(folder, heard)
    assert metrics
    assert metrics["train_seconds"] >= 60 * LONG
    assert not any("dropout x1.3" in sentence for sentence in heard.sentences)


def test_a_failure_before_the_first_result_leaves_the_folder_free(
    csv_file: Path, tmp_path: Path, monkeypatch
):
    def fails(*_: object, **__: object) -> Trainer:
        raise DataError("Expected memory.")

    with monkeypatch.context() as patch:
        patch.setattr(candidate_trials, "make_trainer", fails)
        with pytest.raises(DataError):
            train(_settings(csv_file), tmp_path / "run", QUIET, minutes=LONG)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("minutes", [LONG, None])
def test_a_kill_before_the_settings_are_written_leaves_no_run(csv_file: Path, tmp_path, minutes):
    folder = tmp_path / "run"
    race.begin(folder, LONG)
    train(_settings(csv_file, training__trials=1), folder, QUIET, minutes=minutes)
    assert (folder / "config.json").exists()
    assert not (folder / "race").exists()


def test_a_folder_of_the_user_named_race_stays(csv_file: Path, tmp_path: Path):
    mine = tmp_path / "run" / "race" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("laps")
    with pytest.raises(UsageError, match="found race in"):
        train(_settings(csv_file), tmp_path / "run", QUIET, minutes=LONG)
    train(tiny(csv_file, training__max_steps=1), tmp_path / "run", QUIET)
    assert mine.read_text() == "laps"
