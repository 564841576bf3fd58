"""A whole training in a run folder is killed, interrupted, resumed, and started from a bundle."""

import hashlib
import io
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from tiny_runs import QUIET, TINY, interrupted_at, tiny

from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.errors import BundleError, DataError, SentimentError, TrainingError, UsageError
from sentiment_lstm.text.cleaning import older_normalizer
from sentiment_lstm.training import checkpoint, temperature
from sentiment_lstm.training.display import Display
from sentiment_lstm.training.metrics_log import read_metrics
from sentiment_lstm.training.run import resume, train


def test_a_run_folder_is_a_bundle(csv_file: Path, tmp_path: Path):
    folder = tmp_path / "runs" / "one"
    metrics = train(tiny(csv_file), folder, QUIET)
    bundle = load_bundle(folder)
    assert bundle.config.classes == ("bad", "good")
    assert metrics["validation_accuracy"] > 0.9
    assert bundle.config.temperature == metrics["temperature"]
    assert 1 / 20 <= metrics["temperature"] <= 20
    assert metrics["validation_calibrated_loss"] <= metrics["validation_loss"] + 1e-6
    assert bundle.metrics == json.loads((folder / "metrics.json").read_text()) == metrics
    assert json.loads((folder / "settings.json").read_text())["training"]["threads"] == 1
    assert not (folder / "checkpoint.safetensors").exists()
    updates = [line for line in read_metrics(folder) if "loss" in line]
    assert all(line["tokens_per_second"] > 0 for line in updates)
    assert resume(folder, QUIET) is None
    with pytest.raises(UsageError, match="--resume"):
        train(tiny(csv_file), folder, QUIET)


def test_a_run_keeps_the_validation_measures_of_each_class(csv_file: Path, tmp_path: Path):
    metrics = train(tiny(csv_file), tmp_path / "run", QUIET)
    rows = metrics["validation_per_class"]
    hits = sum(row["n"] * row["recall"] for row in rows)
    assert hits / sum(row["n"] for row in rows) == pytest.approx(metrics["validation_accuracy"])
    assert "validation_mean_absolute_error" not in metrics


def test_a_column_of_ids_is_no_label(tmp_path: Path):
    source = tmp_path / "films.csv"
    rows = [f"film number {n},{n},{('bad', 'good')[n % 2]}" for n in range(100)]
    source.write_text("\n".join(["text,id,label", *rows]))
    with pytest.raises(DataError, match="100 labels that occur only once in 100 rows"):
        train(tiny(source, data__label_column="id"), tmp_path / "run", QUIET)
    assert not (tmp_path / "run").exists()


def test_a_run_from_word2vec_with_subwords(csv_file: Path, tmp_path: Path):
    pytest.importorskip("gensim")
    changes = {"training__embeddings": "word2vec", "text__kind": "bpe", "text__vocabulary": 60}
    metrics = train(tiny(csv_file, **changes), tmp_path / "run", QUIET)
    assert metrics["validation_accuracy"] > 0.9


def test_a_run_from_a_bundle_keeps_its_words_and_weights(csv_file: Path, tmp_path: Path):
    train(tiny(csv_file), tmp_path / "first", QUIET)
    short = {"training__init": str(tmp_path / "first"), "training__max_steps": 1}
    metrics = train(tiny(csv_file, model__hidden_size=99, **short), tmp_path / "second", QUIET)
    first, second = load_bundle(tmp_path / "first"), load_bundle(tmp_path / "second")
    assert second.config.model.hidden_size == 8
    assert second.tokenizer.to_json() == first.tokenizer.to_json()
    assert metrics["validation_accuracy"] > 0.9


def test_a_run_from_an_older_bundle_takes_the_current_cleaning(csv_file: Path, tmp_path: Path):
    train(tiny(csv_file), tmp_path / "first", QUIET)
    file = tmp_path / "first" / "tokenizer.json"
    today = file.read_text()
    steps = json.loads(today)
    steps["normalizer"] = json.loads(older_normalizer(lowercase=True).__getstate__())
    file.write_text(json.dumps(steps))
    short = {"training__init": str(tmp_path / "first"), "training__max_steps": 1}
    train(tiny(csv_file, **short), tmp_path / "second", QUIET)
    assert (tmp_path / "second" / "tokenizer.json").read_text() == today


@pytest.mark.parametrize(("before", "asked"), [(True, False), (False, True)])
def test_a_run_from_a_bundle_corrects_slips_like_the_bundle_or_as_set(
    csv_file: Path, tmp_path: Path, before: bool, asked: bool
):
    train(tiny(csv_file, text__correct_slips=before), tmp_path / "first", QUIET)
    assert load_bundle(tmp_path / "first").tokenizer.correct_slips is before
    short = {"training__init": str(tmp_path / "first"), "training__max_steps": 1}
    train(tiny(csv_file, text__correct_slips=asked, **short), tmp_path / "second", QUIET)
    assert load_bundle(tmp_path / "second").tokenizer.correct_slips


def test_a_run_with_other_classes_starts_a_new_output_layer(csv_file: Path, tmp_path: Path):
    train(tiny(csv_file), tmp_path / "first", QUIET)
    three = csv_file.read_text().replace("lovely", "fine", 60).splitlines()
    rows = [r.rsplit(",", 1)[0] + ",ok" if "fine" in r else r for r in three]
    csv_file.write_text("\n".join(rows))
    train(tiny(csv_file, training__init=str(tmp_path / "first")), tmp_path / "second", QUIET)
    second = load_bundle(tmp_path / "second")
    assert second.config.classes == ("bad", "good", "ok")
    assert second.weights["output.weight"].shape[0] == 3


def test_a_stream_trains_like_a_file(csv_file: Path, tmp_path: Path):
    metrics = train(tiny(csv_file, data__streaming=True), tmp_path / "run", QUIET)
    assert metrics["validation_accuracy"] > 0.9


def test_a_stream_resumes_exactly(csv_file: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(temperature, "FEWEST", 1)
    stream = {"data__streaming": True, "data__stream_rows": 100}
    train(tiny(csv_file, **stream), tmp_path / "whole", QUIET)
    folder = _interrupted(csv_file, tmp_path, monkeypatch, **stream)
    resume(folder, QUIET)
    assert _sha(folder) == _sha(tmp_path / "whole")
    resumed, whole = load_bundle(folder), load_bundle(tmp_path / "whole")
    assert resumed.config.temperature == whole.config.temperature != 1.0


def test_changed_data_are_not_resumed(csv_file: Path, tmp_path: Path, monkeypatch):
    folder = _interrupted(csv_file, tmp_path, monkeypatch)
    csv_file.write_text(csv_file.read_text().replace("lovely", "superb"))
    with pytest.raises(TrainingError, match="found others"):
        resume(folder, QUIET)


def test_an_interrupted_run_says_how_to_resume_it(csv_file: Path, tmp_path: Path, monkeypatch):
    folder = _interrupted(csv_file, tmp_path, monkeypatch)
    with pytest.raises(SentimentError, match="--resume"):
        load_bundle(folder)
    assert resume(folder, QUIET) is not None
    steps = [line["step"] for line in read_metrics(folder)]
    assert sorted(steps) == steps
    assert len(set(steps)) >= len(steps) - 3  # the line of an epoch has the number of its last step


def test_a_run_with_the_old_names_of_settings_is_resumed(csv_file, tmp_path: Path, monkeypatch):
    train(tiny(csv_file), tmp_path / "whole", QUIET)
    folder = _interrupted(csv_file, tmp_path, monkeypatch)
    text = (folder / "settings.json").read_text()
    old = text.replace('"hidden_size"', '"hidden"').replace('"embedding_size"', '"embedding"')
    assert old != text
    (folder / "settings.json").write_text(old)
    resume(folder, QUIET)
    assert _sha(folder) == _sha(tmp_path / "whole")


def test_changed_settings_are_not_resumed(csv_file: Path, tmp_path: Path, monkeypatch):
    folder = _interrupted(csv_file, tmp_path, monkeypatch)
    content = (folder / "settings.json").read_text()
    (folder / "settings.json").write_text(content.replace('"epochs": 3', '"epochs": 5'))
    with pytest.raises(TrainingError, match=r"Expected the settings .* found others"):
        resume(folder, QUIET)
    (folder / "settings.json").write_text(content.replace('"hidden_size": 8', '"hidden_size": 9'))
    with pytest.raises(TrainingError, match="Expected a whole checkpoint of this run"):
        resume(folder, QUIET)


@pytest.mark.parametrize("group", ["model/", "average/", "optimizer/"])
def test_an_incomplete_checkpoint_is_not_resumed(
    csv_file: Path, tmp_path: Path, monkeypatch, group
):
    folder = _interrupted(csv_file, tmp_path, monkeypatch, training__weight_average=0.9)
    path = folder / checkpoint.FILE
    tensors, facts = checkpoint.load_checkpoint(path)
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(group)}
    checkpoint.save_checkpoint(path, kept, facts)
    with pytest.raises(TrainingError, match="delete it and resume"):
        resume(folder, QUIET)


def test_a_finished_run_without_weights_is_not_called_finished(csv_file, tmp_path: Path):
    train(tiny(csv_file, training__max_steps=1), tmp_path / "run", QUIET)
    assert resume(tmp_path / "run", QUIET) is None
    (tmp_path / "run" / "model.safetensors").unlink()
    with pytest.raises(BundleError, match=r"model\.safetensors"):
        resume(tmp_path / "run", QUIET)


def _interrupted(csv_file: Path, tmp_path: Path, monkeypatch, **changes) -> Path:
    """Make a run that SIGINT ended after a few updates."""
    folder = tmp_path / "run"
    settings = tiny(csv_file, **changes)
    interrupted_at(
        monkeypatch,
        train=lambda: train(settings, folder, QUIET),
        when=lambda trainer: trainer.progress.step == 7,
    )
    return folder


def test_a_failure_before_training_leaves_no_folder(csv_file: Path, tmp_path: Path):
    folder = tmp_path / "run"
    with pytest.raises(SentimentError):
        train(tiny(tmp_path / "missing.csv"), folder, QUIET)
    assert not folder.exists()
    train(tiny(csv_file, training__max_steps=1), folder, QUIET)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from sentiment_lstm.cli import main; main()", *arguments]


def _train_command(csv_file: Path, folder: Path) -> list[str]:
    changes = {**TINY, "training.epochs": 30, "training.checkpoint_seconds": 0.15}
    changes |= {"training.patience": 0, "training.weight_average": 0.9}
    sets = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    return _command("train", "--data", str(csv_file), "--out", str(folder), *sets)


def _sha(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_run_killed_three_times_ends_with_the_same_weights(csv_file: Path, tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(_train_command(csv_file, whole), check=True, capture_output=True)
    rng = random.Random(int(time.time()))
    command, kills = _train_command(csv_file, killed), 0
    while kills < 3:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        log, size = killed / "metrics.jsonl", 0
        size = log.stat().st_size if log.exists() else 0
        while process.poll() is None and (not log.exists() or log.stat().st_size == size):
            time.sleep(0.01)
        time.sleep(rng.uniform(0.05, 0.6))
        # All three kills may come before anything is saved; the last one must not.
        saved = killed / "checkpoint.safetensors"
        while kills == 2 and process.poll() is None and not saved.exists():
            time.sleep(0.01)
        assert process.poll() is None, "the training ended before it could be killed"
        process.kill()
        process.wait()
        kills += 1
        command = _command("train", "--resume", str(killed))
    assert saved.exists()
    subprocess.run(command, check=True, capture_output=True)
    assert _sha(killed) == _sha(whole)
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0
    assert "finished already" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_exits(csv_file: Path, tmp_path: Path, number, code):
    folder = tmp_path / "run"
    process = subprocess.Popen(_train_command(csv_file, folder), stderr=subprocess.PIPE, text=True)
    log = folder / "metrics.jsonl"
    while process.poll() is None and (not log.exists() or log.stat().st_size == 0):
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert "--resume" in errors
    assert (folder / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("name", ["README.md", "metrics.jsonl"])
def test_a_run_overwrites_no_other_file(csv_file: Path, tmp_path: Path, name):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text("my notes")
    with pytest.raises(UsageError, match=rf"found {name} in"):
        train(tiny(csv_file), folder, QUIET)
    assert (folder / name).read_text() == "my notes"


def test_a_run_does_not_overwrite_its_source(csv_file: Path, tmp_path: Path, monkeypatch):
    """The source is the corrected file of bad rows of an earlier run."""
    mended = tmp_path / "run" / "set_aside.jsonl"
    mended.parent.mkdir()
    mended.write_text('{"text": "a lovely film", "label": "good"}\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    for changes in (
        {"data.source": str(mended)},
        {"data.source": "~/run/set_aside.jsonl"},
        {"mixture": [{"source": str(mended)}]},
    ):
        with pytest.raises(UsageError, match=r"found set_aside\.jsonl in"):
            train(tiny(csv_file).updated(changes), mended.parent, QUIET)
    assert "lovely" in mended.read_text()


def test_a_new_output_layer_and_few_mistakes_are_reported(csv_file: Path, tmp_path: Path):
    train(tiny(csv_file, training__max_steps=1), tmp_path / "first", QUIET)
    output = io.StringIO()
    changes = {
        "training.init": str(tmp_path / "first"),
        "data.label_map": {"bad": "a", "good": "b"},
    }
    train(tiny(csv_file).updated(changes), tmp_path / "run", Display(Console(file=output)))
    assert "because the classes differ. Map labels to bad, good (--label-map)" in output.getvalue()
    assert "Fewer than 10 validation mistakes: too few to calibrate." in output.getvalue()
    assert load_bundle(tmp_path / "run").config.temperature == 1.0


def test_rows_set_aside_in_any_source_are_reported(csv_file: Path, tmp_path: Path):
    more = tmp_path / "more.csv"
    more.write_text("text,label\na lovely scene,good\nodd,strange\n,bad\n")
    output = io.StringIO()
    changes = {"mixture": [{"source": str(more)}], "training.max_steps": 1}
    train(tiny(csv_file).updated(changes), tmp_path / "run", Display(Console(file=output)))
    message = "Rows set aside: 2 (unmapped label: 1, empty text: 1)"
    assert message in output.getvalue()
    assert "(rows read 403, set aside 2)" in output.getvalue()
