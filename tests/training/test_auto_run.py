"""Whole runs of preset `auto`: what they write, odd data, and exact resumption."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import QUIET, TINY, Heard, tiny, tiny_auto

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.bundle import RUN_SETTINGS, load_bundle
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.errors import DataError, SentimentError, TrainingError, UsageError
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.training import (
    automatic,
    combining,
    finishing,
    run,
    run_folder,
    search,
    stages,
    trials,
)
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.run import resume, train
from sentiment_lstm.weights_file import WIDE


def _sha(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def _rows(path: Path, rows: list[tuple[str, str]], header: str = "text,label") -> Path:
    lines = [f'"{text}",{label}' for text, label in rows]
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return path


def _films(number: int, labels: str = "ab") -> list[tuple[str, str]]:
    words = ("awful", "lovely", "fine", "odd")
    return [
        (f"{words[n % len(labels)]} film number {n}", labels[n % len(labels)])
        for n in range(number)
    ]


@pytest.mark.parametrize(("count", "read"), [(0, 360), (1, 400), (4, 400)])
def test_trials_calibrate_and_the_last_training_reads_all_texts(csv_file, tmp_path, count, read):
    heard, folder = Heard(), tmp_path / "run"
    metrics = train(tiny_auto(csv_file, training__trials=count), folder, heard)
    assert metrics == json.loads((folder / "metrics.json").read_text())
    assert metrics["validation_accuracy"] > 0.9
    assert metrics["linear_accuracy"] > 0.9
    assert metrics["largest_class_accuracy"] <= 0.6
    measured = sum(row["n"] for row in metrics["validation_per_class"])
    assert measured == (400 if count == 4 else 40)
    assert load_bundle(folder).config.provenance["texts"] == read
    settings = read_json(folder / RUN_SETTINGS)
    assert (settings.training.auto, settings.training.trials) == (False, count)
    assert not (folder / "trials").exists()
    assert not (folder / "checkpoint.safetensors").exists()
    noted = [s for s in heard.sentences if s.startswith(("trial", "last"))]
    expected = [f"trial {n} of {count}" for n in range(1, count + 1)]
    assert noted == expected + (["last training, on all 400 texts"] if count else [])


def test_two_runs_with_the_same_seed_give_the_same_bits(csv_file: Path, tmp_path: Path):
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        train(tiny_auto(csv_file, training__seed=seed, training__trials=1), tmp_path / name, QUIET)
    assert _sha(tmp_path / "one") == _sha(tmp_path / "two") != _sha(tmp_path / "three")


def test_an_initial_model_gets_a_wide_path_and_loses_it(csv_file: Path, tmp_path: Path):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    train(tiny_auto(csv_file, training__trials=0), first, QUIET)
    assert WIDE in load_bundle(first).weights
    init = {"training__init": str(first), "training__max_steps": 2, "training__trials": 0}
    metrics = train(tiny_auto(csv_file, **init), second, QUIET)
    assert metrics["validation_accuracy"] > 0.9
    assert WIDE in load_bundle(second).weights
    train(tiny(csv_file, training__init=str(second), training__max_steps=1), third, QUIET)
    assert WIDE not in load_bundle(third).weights
    assert load_bundle(third).tokenizer.features is None


def test_an_initial_model_with_a_wide_path_and_another_class(csv_file: Path, tmp_path: Path):
    train(tiny_auto(csv_file, training__trials=0), tmp_path / "first", QUIET)
    rows = csv_file.read_text().splitlines()
    csv_file.write_text(
        "\n".join(r.replace(",good", ",ok") if n % 3 else r for n, r in enumerate(rows))
    )
    init = str(tmp_path / "first")
    train(tiny_auto(csv_file, training__init=init), tmp_path / "second", QUIET)
    bundle = load_bundle(tmp_path / "second")
    assert bundle.config.classes == ("bad", "good", "ok")
    assert bundle.weights[WIDE].shape[1] == 3


def test_a_language_stage_from_a_model_with_a_wide_path(csv_file: Path, tmp_path: Path):
    train(tiny_auto(csv_file, training__trials=0), tmp_path / "first", QUIET)
    more = {"language.epochs": 1, "training.init": str(tmp_path / "first")}
    settings = tiny_auto(csv_file, training__trials=1).updated(more)
    settings = settings.updated({"training.given": (*settings.training.given, "training.init")})
    metrics = train(settings, tmp_path / "second", QUIET)
    assert metrics["validation_accuracy"] > 0.9


def test_the_own_validation_split_of_a_source_calibrates(csv_file, tmp_path, monkeypatch):
    def loaded(*arguments: Any) -> Any:
        corpus = load_corpus(*arguments)
        corpus.validation = corpus.validation[:9]
        return corpus

    # A folder of csv files is read by `datasets`, which leaves files open.
    monkeypatch.setattr(run, "load_corpus", loaded)
    monkeypatch.setattr(automatic, "has_own_validation", lambda _: True)
    heard = Heard()
    metrics = train(tiny_auto(csv_file), tmp_path / "run", heard)
    assert read_json(tmp_path / "run" / RUN_SETTINGS).training.trials == 0
    assert sum(row["n"] for row in metrics["validation_per_class"]) == 9
    assert any("the source's own validation texts" in s for s in heard.sentences)


def test_a_stream_has_no_trials(csv_file: Path, tmp_path: Path):
    stream = {"data__streaming": True, "data__stream_rows": 100}
    metrics = train(tiny_auto(csv_file, **stream), tmp_path / "run", QUIET)
    assert metrics["validation_accuracy"] > 0.9
    assert read_json(tmp_path / "run" / RUN_SETTINGS).training.trials == 0
    with pytest.raises(UsageError, match="leave --streaming out"):
        train(tiny_auto(csv_file, training__trials=2, **stream), tmp_path / "other", QUIET)
    assert not (tmp_path / "other").exists()


def test_a_mixture_is_trained_on_but_never_left_out(csv_file: Path, tmp_path: Path):
    more = _rows(tmp_path / "more.csv", [(f"lovely more {n}", "good") for n in range(30)])
    settings = tiny_auto(csv_file).updated({"mixture": [{"source": str(more), "weight": 0.5}]})
    metrics = train(settings, tmp_path / "run", QUIET)
    assert sum(row["n"] for row in metrics["validation_per_class"]) == 400
    assert load_bundle(tmp_path / "run").config.provenance["texts"] == 430


def test_soft_labels(tmp_path: Path):
    rows = [*_films(80, "01"), *[(f"neutral film {n}", "2") for n in range(20)]]
    source = _rows(tmp_path / "soft.csv", rows)
    soft = {"data__label_map": {"0": "bad", "1": "good", "2": "0.5"}}
    metrics = train(tiny_auto(source, **soft), tmp_path / "run", QUIET)
    assert metrics["validation_accuracy"] > 0.7
    assert metrics["validation_loss"] > 0.2 * 0.69
    model = SentimentClassifier.from_pretrained(tmp_path / "run")
    assert model.predict_proba(["neutral film"])[0, 1] == pytest.approx(0.5, abs=0.2)


def test_groups_stay_together(tmp_path: Path, monkeypatch):
    lines = [f"{text},group {n % 9},{label}" for n, (text, label) in enumerate(_films(90))]
    source = tmp_path / "groups.csv"
    source.write_text("\n".join(["text,film,label", *lines]))
    kept: list[Any] = []

    def watched(corpus, tokenizer, trials, held_out, **options):
        kept.extend(trials)
        return combining.combine(corpus, tokenizer, trials, held_out, **options)

    monkeypatch.setattr(stages, "combine", watched)
    train(tiny_auto(source, data__group_column="film"), tmp_path / "run", QUIET)
    assert len(kept) == 4
    for trial in kept:
        assert not {e.group for e in trial.training} & {e.group for e in trial.held_out}


# Odd data.


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(_films(5), id="five rows"),
        pytest.param([*_films(60), *[(f"rare {n}", "c") for n in range(3)]], id="a rare class"),
        pytest.param([*_films(60), ("a rare text", "c")], id="a class of one text"),
        pytest.param([*_films(60), *[("the same text", "a")] * 150], id="a repeated text"),
        pytest.param([*_films(60), ("", "a"), (" ", "b")], id="empty texts"),
        pytest.param(
            [("\U0001f600" * (n + 1), "ab"[n % 2]) for n in range(60)], id="emoji of any number"
        ),
        pytest.param([(chr(0x1F300 + n), "ab"[n % 2]) for n in range(60)], id="an emoji each"),
        pytest.param([(f"https://example.org/{n}", "ab"[n % 2]) for n in range(30)], id="links"),
        pytest.param([(f"word{n}", "ab"[n % 2]) for n in range(30)], id="words of their own"),
        pytest.param(_films(60, "12"), id="numbers as labels"),
        pytest.param([("a " * 5_000 + t, label) for t, label in _films(12)], id="long texts"),
        pytest.param([*_films(60, "a"), ("the other one", "b"), ("another", "b")], id="b is rare"),
        pytest.param(
            [
                *[(f"tr\u00e8s bon film {n}", "good") for n in range(20)],
                *[(f"sehr schlechter Film {n}", "bad") for n in range(20)],
                *[(f"\u597d\u770b{n}", "good") for n in range(20)],
            ],
            id="three languages",
        ),
    ],
)
def test_odd_texts_give_a_model(tmp_path: Path, rows):
    source = _rows(tmp_path / "odd.csv", rows)
    metrics = train(tiny_auto(source), tmp_path / "run", QUIET)
    assert 0 <= metrics["validation_accuracy"] <= 1
    assert "largest_class_accuracy" in metrics
    model = SentimentClassifier.from_pretrained(tmp_path / "run")
    assert model.predict_proba([text for text, _ in rows]).shape[1] == len(model.classes_)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param(_films(2), "Expected at least two classes to train on", id="one text each"),
        pytest.param(_films(40, "a"), "Expected at least two classes in", id="one class"),
        pytest.param([("", "a"), ("", "b")], "Expected", id="no text"),
        pytest.param([], "Expected", id="no row"),
    ],
)
def test_texts_that_cannot_train_are_refused_and_leave_the_folder_free(tmp_path, rows, sentence):
    source = _rows(tmp_path / "odd.csv", rows)
    with pytest.raises(DataError, match=sentence):
        train(tiny_auto(source), tmp_path / "run", QUIET)
    assert not (tmp_path / "run" / RUN_SETTINGS).exists()
    _rows(source, _films(40))
    train(tiny(source, training__max_steps=1), tmp_path / "run", QUIET)


def test_a_label_that_every_fold_lacks_is_still_learnt(tmp_path: Path):
    """In one fold all labels are equal: the group of b is in no fold, or alone in one."""
    rows = [
        f"{t},{'k' if label == 'a' else 'l'}{n % 6},{label}"
        for n, (t, label) in enumerate(_films(60))
    ]
    source = tmp_path / "groups.csv"
    source.write_text("\n".join(["text,film,label", *rows]))
    metrics = train(tiny_auto(source, data__group_column="film"), tmp_path / "run", QUIET)
    assert metrics["validation_accuracy"] > 0.9


# Folders.


@pytest.mark.parametrize("count", [0, 4])
def test_a_folder_of_the_user_named_trials_stays(csv_file: Path, tmp_path: Path, count):
    mine = tmp_path / "run" / "trials" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("phase II")
    with pytest.raises(UsageError, match="found trials in"):
        train(tiny_auto(csv_file, training__trials=count), tmp_path / "run", QUIET)
    train(tiny(csv_file, training__max_steps=1), tmp_path / "run", QUIET)
    assert resume(tmp_path / "run", QUIET) is None
    assert mine.read_text() == "phase II"


def test_a_search_needs_settings_to_vary(csv_file: Path, tmp_path: Path):
    pytest.importorskip("optuna")
    for settings in (tiny_auto(csv_file), tiny(csv_file, training__trials=1)):
        with pytest.raises(UsageError, match="Expected settings that keep texts for validation"):
            search.search(settings, 2, tmp_path / "run")


# Interruptions.


class _KilledError(BaseException):
    """Ends a run like SIGKILL: nothing is saved."""


def _killed() -> None:
    raise _KilledError


def _terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _at_step(stage: int, step: int) -> Callable[[pytest.MonkeyPatch, Callable[[], None]], None]:
    """Ends before an update of the stage with this number."""

    def plan(patch: pytest.MonkeyPatch, end: Callable[[], None]) -> None:
        original, begun = Trainer._train_step, []

        def ended(self: Trainer, batch: Any) -> dict[str, float]:
            if self not in begun:
                begun.append(self)
            if len(begun) == stage and self.progress.step == step:
                end()
            return original(self, batch)

        patch.setattr(Trainer, "_train_step", ended)

    return plan


def _at_call(module: Any, name: str, number: int = 1, *, after: bool = False):
    """Ends at a call of a function."""

    def plan(patch: pytest.MonkeyPatch, end: Callable[[], None]) -> None:
        original, calls = getattr(module, name), []

        def ended(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == number and not after:
                end()
            result = original(*arguments, **options)
            if len(calls) == number and after:
                end()
            return result

        patch.setattr(module, name, ended)

    return plan


MOMENTS = {
    "in the look": _at_call(automatic, "look"),
    "after the look": _at_call(automatic, "explain"),
    "in the first trial": _at_step(1, 3),
    "in the third trial": _at_step(3, 5),
    "before a trial is kept": _at_call(trials, "write_atomically", 2),
    "between two trials": _at_call(trials, "write_atomically", 2, after=True),
    "in the last training": _at_step(5, 4),
    "after the last update": _at_call(stages, "with_learnt_features"),
    "while the wide path is fitted": _at_call(combining, "fit_linear", 3),
    "beside the linear baseline": _at_call(finishing, "compare"),
    "before the bundle is saved": _at_call(run, "save_bundle"),
    "before the trials are removed": _at_call(run_folder, "remove_trials"),
}
SETTINGS: dict[str, object] = {
    "training__checkpoint_seconds": 0.01,
    "training__weight_average": 0.9,
    "training__trials": 4,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Path]:
    """A source, and a run on it that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    source = _rows(folder / "films.csv", [*_films(100, "abc"), *_films(20, "ba")])
    train(tiny_auto(source, **SETTINGS), folder / "run", QUIET)
    return source, folder / "run"


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("end", "error"), [(_killed, _KilledError), (_terminated, Interrupted)])
def test_an_ended_run_continues_to_the_same_bits(whole, tmp_path, monkeypatch, moment, end, error):
    source, uninterrupted = whole
    folder, heard = tmp_path / "run", Heard()
    with monkeypatch.context() as patch:
        MOMENTS[moment](patch, end)
        with pytest.raises(error):
            train(tiny_auto(source, **SETTINGS), folder, heard)
    is_saved = (folder / "config.json").exists()
    metrics = resume(folder, QUIET)
    assert (metrics is None) == is_saved
    if end is _terminated and not is_saved:
        assert any(f"--resume {folder}" in sentence for sentence in heard.sentences)
    assert _sha(folder) == _sha(uninterrupted)
    assert not (folder / "trials").exists()
    assert not (folder / "checkpoint.safetensors").exists()
    ours, theirs = (json.loads((f / "metrics.json").read_text()) for f in (folder, uninterrupted))
    assert {**ours, "train_seconds": 0} == {**theirs, "train_seconds": 0}


def test_the_seconds_of_all_stages_count(whole, tmp_path, monkeypatch):
    source, _ = whole
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        MOMENTS["in the last training"](patch, _killed)
        patch.setattr(run, "Clock", lambda *a: _clock(1_000.0))
        with pytest.raises(_KilledError):
            train(tiny_auto(source, **SETTINGS), folder, QUIET)
    metrics = resume(folder, QUIET)
    assert metrics is not None
    assert 1_000 <= metrics["train_seconds"] < 1_060


def _clock(before: float):
    from sentiment_lstm.training.clock import Clock

    return Clock(before)


def test_other_texts_are_not_resumed_after_a_trial(whole, tmp_path, monkeypatch):
    source, _ = whole
    copy = tmp_path / "films.csv"
    copy.write_bytes(source.read_bytes())
    with monkeypatch.context() as patch:
        MOMENTS["between two trials"](patch, _killed)
        with pytest.raises(_KilledError):
            train(tiny_auto(copy, **SETTINGS), tmp_path / "run", QUIET)
    copy.write_text(copy.read_text().replace("lovely", "superb"))
    with pytest.raises(TrainingError, match="found others"):
        resume(tmp_path / "run", QUIET)


@pytest.mark.parametrize("name", ["look", "choose"])
def test_a_failed_look_leaves_the_folder_free(csv_file: Path, tmp_path: Path, monkeypatch, name):
    def fails(*_: object) -> Settings:
        raise DataError("Expected something else.")

    with monkeypatch.context() as patch:
        patch.setattr(automatic, name, fails)
        with pytest.raises(SentimentError):
            train(tiny_auto(csv_file), tmp_path / "run", QUIET)
    assert not (tmp_path / "run").exists()


def test_a_first_trial_that_fails_leaves_the_folder_free(csv_file, tmp_path: Path, monkeypatch):
    def fails(*_: object, **__: object) -> Trainer:
        raise TrainingError("Expected memory.")

    with monkeypatch.context() as patch:
        patch.setattr(run, "make_trainer", fails)
        with pytest.raises(TrainingError):
            train(tiny_auto(csv_file), tmp_path / "run", QUIET)
    assert not (tmp_path / "run").exists()


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from sentiment_lstm.cli import main; main()", *arguments]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_ended_again_and_again_ends_with_the_same_bits(whole, tmp_path, number):
    source, _ = whole
    settings = {**TINY, "training.epochs": 20, "training.checkpoint_seconds": 0.1}
    sets = [f"--set={name}={value}" for name, value in settings.items()]
    begin = ["train", "--data", str(source), *sets, "--out"]
    subprocess.run(_command(*begin, str(tmp_path / "whole")), check=True, capture_output=True)
    folder, rng, ends = tmp_path / "run", random.Random(0), 0
    command = _command(*begin, str(folder))
    while ends < 6:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        # Some time after the first line; the imports take long and differ.
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(rng.uniform(0.0, 2.0))
        process.send_signal(number)
        _, errors = process.communicate()
        assert "Traceback" not in errors
        if process.returncode == 0:
            break
        ends += 1
        # Before the command has set up its signals, SIGTERM ends it; a shell shows 143 for both.
        assert process.returncode in ((143, -15) if number == signal.SIGTERM else (-9,))
        if (folder / RUN_SETTINGS).exists():
            command = _command("train", "--resume", str(folder))
    subprocess.run(_command("train", "--resume", str(folder)), check=True, capture_output=True)
    assert _sha(folder) == _sha(tmp_path / "whole")
