import csv
import json
import os
import random
import signal
import threading
import time
from collections.abc import Set
from multiprocessing.process import BaseProcess
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from tiny_runs import tiny

from sentiment_lstm import phases as module
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, TrainingError, UsageError
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.phases import compare_phases, train_phase
from sentiment_lstm.training.listener import Listeners

STEPS = 3
TINY = tiny("", training__batch_tokens=100, training__epochs=5)


def reviews(count, seed):
    """Make short texts with labels, half of each class."""
    rng = random.Random(seed)
    words = {0: ["bad", "dull", "poor"], 1: ["good", "fine", "great"]}
    return [
        (
            f"{rng.choice(words[i % 2])} film number {seed}{i} {rng.choice(['!', '.', 'again'])}",
            i % 2,
        )
        for i in range(count)
    ]


TRAIN, TEST = reviews(120, 1), reviews(80, 2)


@pytest.fixture
def kaggle(tmp_path):
    """Training and test reviews shuffled into one file, like Kaggle's."""
    rows = TRAIN + TEST
    random.Random(0).shuffle(rows)
    path = tmp_path / "IMDB Dataset.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "sentiment"])
        writer.writerows((text, ["negative", "positive"][label]) for text, label in rows)
    return str(path)


@pytest.fixture
def hub(tmp_path):
    return hub_folder(tmp_path / "hub", train=TRAIN, test=TEST)


def hub_folder(root, **splits):
    root.mkdir()
    for name, rows in splits.items():
        table = pa.table({"text": [t for t, _ in rows], "label": [n for _, n in rows]})
        parquet.write_table(table, root / f"{name}.parquet")
    return str(root)


def compare(phase1, phase2, out, settings=TINY, steps=STEPS):
    return compare_phases(phase1, phase2, settings, steps, out, Listeners())


@pytest.fixture
def in_process(monkeypatch):
    """Trains phases in this process, because others take seconds to start."""
    monkeypatch.setattr(
        module, "_in_own_process", lambda phase: train_phase(phase.settings, phase.folder)
    )


def test_both_phases_are_measured_on_the_same_texts(kaggle, hub, tmp_path, in_process):
    out = tmp_path / "out"
    first, second = compare(kaggle, hub, out)
    assert first.keys() == second.keys()
    assert (first["rows_read"], second["rows_read"]) == (200, 120)
    assert first["steps"] == second["steps"] == STEPS
    assert first["evaluation_texts"] == second["evaluation_texts"] == len(TEST)
    assert 0 < second["reading_peak_mb"] <= second["peak_mb"]
    assert json.loads((out / "comparison.json").read_text()) == [first, second]
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    runs = [json.loads((out / run / "settings.json").read_text()) for run in ("phase1", "phase2")]
    assert [run["data"]["streaming"] for run in runs] == [False, True]
    assert runs[0]["model"] == runs[1]["model"]
    assert runs[0]["training"] == runs[1]["training"]


def test_no_phase_trains_on_the_measured_texts(kaggle, hub, tmp_path):
    settings = module._same_footing(TINY, STEPS)
    phases, split = module._phases(kaggle, hub, settings, tmp_path)
    assert split == "test"
    assert seen_by(phases[0]) == {text for text, _ in TRAIN}
    assert seen_by(phases[1]) == {text for text, _ in TRAIN}


def test_without_a_test_split_phase_1_does_not_train_on_the_measured_texts(kaggle, tmp_path):
    hub = hub_folder(tmp_path / "hub", train=TRAIN)
    settings = module._same_footing(TINY, STEPS)
    phases, split = module._phases(kaggle, hub, settings, tmp_path)
    assert split == "validation"
    corpus = module.load_corpus(phases[1].settings.data, 0, SetAside(None))
    held_out = {review.text for review in corpus.validation}
    assert held_out
    assert seen_by(phases[0]) == {text for text, _ in TRAIN + TEST} - held_out


def test_without_a_test_split_validation_texts_of_phase_2_are_measured(
    kaggle, tmp_path, in_process
):
    hub = hub_folder(tmp_path / "hub", train=TRAIN)
    first, second = compare(kaggle, hub, tmp_path / "out")
    lines = (tmp_path / "out" / "evaluation.jsonl").read_text().splitlines()
    assert first["evaluation_texts"] == second["evaluation_texts"] == len(lines)


def seen_by(phase):
    corpus = module.load_corpus(phase.settings.data, 0, SetAside(None))
    return {review.text for review in [*corpus.sample, *corpus.validation]}


@pytest.mark.parametrize("name", ["phase1", "phase2", "comparison.json"])
def test_a_folder_with_runs_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=f"without runs .* found {name} in"):
        compare("absent.csv", "absent", tmp_path)


def test_steps_below_one_are_refused(tmp_path):
    with pytest.raises(UsageError, match="at least 1, found 0"):
        compare("absent.csv", "absent", tmp_path / "out", steps=0)


@pytest.mark.slow
def test_each_phase_has_its_own_process(kaggle, hub, tmp_path):
    first, second = compare(kaggle, hub, tmp_path / "out")
    assert first["steps"] == second["steps"] == STEPS
    with pytest.raises(DataError, match="absent"):
        compare(str(tmp_path / "absent.csv"), hub, tmp_path / "other")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_phase_saves_its_run_and_a_killed_one_is_reported(kaggle, tmp_path, number):
    """SIGTERM to this process ends the phase, which saves its run."""
    settings = module._same_footing(TINY, 20_000)
    data = {"data.source": kaggle}
    phase = module._Phase("phase 1", settings.updated(data), tmp_path / "phase1")
    others = set(module.multiprocessing.active_children())  # of earlier tests
    threading.Thread(target=stop_when_training, args=(phase.folder, number, others)).start()
    expected = Interrupted if number == signal.SIGTERM else TrainingError
    with Interrupts(), pytest.raises(expected):
        module._in_own_process(phase)
    assert (phase.folder / "checkpoint.safetensors").exists() == (number == signal.SIGTERM)


def stop_when_training(folder: Path, number: int, others: Set[BaseProcess]) -> None:
    while not (log := folder / "metrics.jsonl").exists() or not log.read_text():
        time.sleep(0.05)
    (child,) = set(module.multiprocessing.active_children()) - others
    os.kill(os.getpid() if number == signal.SIGTERM else child.pid, number)
