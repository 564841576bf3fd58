"""Trainings with two real processes."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_task import WORDS, texts
from two_ranks import outputs, start_two

from sentiment_lstm.batching import Position, Window, epoch_batches, padded
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.records import Batch
from sentiment_lstm.settings import ModelSettings, TrainingSettings
from sentiment_lstm.training import loop
from sentiment_lstm.training.feed import Feed
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.metrics_log import read_metrics
from sentiment_lstm.training.objective import Classification

if not torch.distributed.is_available():
    pytest.skip("this torch has no torch.distributed", allow_module_level=True)

TINY = TrainingSettings(
    epochs=2, batch_tokens=60, learning_rate=0.01, device="cpu", precision="float32", threads=1
)
TEXTS, HELD_OUT = texts(120, seed=0), texts(40, seed=1)


class Ignoring:
    """Watches a training and does nothing (`loop.Watcher`)."""

    def stepped(self, step: dict[str, float]) -> None: ...
    def validated(self) -> None: ...
    def epoch_ended(self, epoch: dict[str, float]) -> None: ...


def trainer(settings: TrainingSettings = TINY) -> Trainer:
    torch.manual_seed(0)
    shape = ModelSettings(
        embedding_size=8, hidden_size=8, layers=1, dropout=0.0, embedding_dropout=0.0
    )
    model = LSTMClassifier(shape, WORDS, classes=2)
    feed = Feed(lambda: [TEXTS], TEXTS, HELD_OUT, 20)
    return Trainer(model, settings, feed, Classification(adversarial=0.5))


def train_and_save(path: str) -> None:
    """What each of two ranks does in the test below."""
    from sentiment_lstm.training.distributed import with_all_ranks
    from sentiment_lstm.training.ranks import rank

    @with_all_ranks
    def train() -> Trainer:
        trained = trainer()
        trained.run(Ignoring())
        return trained

    trained = train()
    names = {file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")}
    print(f"threads of torch.distributed: {sorted(name for name in names if 'gloo' in name)}")
    losses = torch.tensor([trained.progress.best["validation_loss"]])
    save_file(trained.best | {"losses": losses}, f"{path}{rank()}")


def both_at_once(
    windows: list[Window], batch_tokens: int, seed: int, at: Position, **_: object
) -> Iterator[Batch]:
    """The batches of two ranks, joined to one."""
    parts = [
        epoch_batches(windows, batch_tokens, seed, at, rank=rank, world_size=2) for rank in range(2)
    ]
    for first, second in zip(*parts, strict=True):
        yield padded(TEXTS, np.concatenate([first.rows, second.rows]))


def test_two_ranks_make_the_updates_of_one_with_both_batches(tmp_path: Path, monkeypatch):
    code = f"import test_distributed as t; t.train_and_save({str(tmp_path / 'rank')!r})"
    folder = os.fspath(Path(__file__).parent)
    path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", path)
    processes = start_two(["-c", code])
    monkeypatch.setattr(loop, "epoch_batches", both_at_once)
    # Ranks multiply the learning rate by the square root of their number.
    expected = trainer(replace(TINY, learning_rate=TINY.learning_rate * math.sqrt(2)))
    expected.run(Ignoring())
    written = outputs(processes)
    assert [process.returncode for process in processes] == [0, 0], written
    # A thread that outlives the training makes some exits of Python abort.
    assert all("threads of torch.distributed: []" in text for text in written), written
    first, second = (load_file(tmp_path / f"rank{rank}") for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    loss = float(first.pop("losses"))
    assert loss == pytest.approx(expected.progress.best["validation_loss"], abs=1e-4)
    for name, weight in first.items():
        torch.testing.assert_close(weight, expected.best[name], atol=1e-3, rtol=0)


CALL = ("-m", "sentiment_lstm", "train")
OPTIONS = (
    "--data=grammar:600", "--unlabelled=grammar:1000-1200", "--preset=quick", "--threads=1",
    "--set=text.min_frequency=1", "--set=model.embedding_size=8", "--set=model.hidden_size=8",
    "--set=training.embeddings=random", "--set=training.batch_tokens=200",
    "--set=training.epochs=4", "--set=training.checkpoint_seconds=0.01",
    "--set=training.trials=1", "--set=language.epochs=1", "--set=model.wide_features=500",
)  # fmt: skip
SENTENCE = "Error: Expected all 2 processes at work"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The weights of a run of two ranks."""
    folder = tmp_path_factory.mktemp("ranks") / "run"
    processes = start_two([*CALL, *OPTIONS, "--out", str(folder)])
    first, second = outputs(processes)
    assert f"Saved {folder}" in first
    assert second == ""
    return (folder / "model.safetensors").read_bytes()


def wait_for_updates(folder: Path, processes: list[subprocess.Popen[str]], count: int) -> None:
    """Wait until a stage has made a number of updates."""
    end = time.monotonic() + 90
    while len(read_metrics(folder)) < count:
        assert all(process.poll() is None for process in processes), outputs(processes)
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("killed", "stage"), [(1, "language"), (0, "trials/1"), (1, ".")])
def test_after_a_kill_of_one_rank_the_resumed_run_has_the_same_weights(
    tmp_path: Path, uninterrupted: bytes, killed: int, stage: str
):
    folder = tmp_path / "run"
    processes = start_two([*CALL, *OPTIONS, "--out", str(folder)])
    wait_for_updates(folder / stage, processes, 3)
    processes[killed].kill()
    written = outputs(processes)
    assert processes[killed].returncode == -signal.SIGKILL
    assert processes[1 - killed].returncode == 1
    assert "".join(written).count(SENTENCE) == 1
    assert "Traceback" not in "".join(written)
    assert "frame #" not in "".join(written)
    resumed = start_two([*CALL, "--resume", str(folder)])
    first, second = outputs(resumed)
    assert f"Saved {folder}" in first
    assert second == ""
    assert (folder / "model.safetensors").read_bytes() == uninterrupted
    assert not (folder / "ranks.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("killed", "advice"),
    [
        (1, "start the same number again, as before, because nothing was trained."),
        (0, "start the same number again, with train --resume and the run folder."),
    ],
)
def test_the_advice_after_a_kill_before_the_first_update(tmp_path: Path, killed: int, advice: str):
    folder = tmp_path / "run"
    processes = start_two([*CALL, *OPTIONS, "--out", str(folder)])
    end = time.monotonic() + 60
    while not (folder / "settings.json").exists():
        assert time.monotonic() < end
        time.sleep(0.005)
    processes[killed].kill()
    written = outputs(processes)[1 - killed]
    assert written.splitlines()[-1].endswith(advice)
    assert "frame #" not in written
    assert (folder / "settings.json").exists() == (killed == 0)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_torchrun_saves_the_state(
    tmp_path: Path, uninterrupted: bytes, number: signal.Signals
):
    folder = tmp_path / "run"
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(*arguments: str) -> subprocess.Popen[str]:
        call = [*torchrun, *CALL, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(call, env=environment, text=True, **pipes)

    process = start(*OPTIONS, "--out", str(folder))
    wait_for_updates(folder, [process], 5)
    process.send_signal(number)
    (written,) = outputs([process])
    assert process.returncode
    assert written.count("Saved after ") == 1
    assert written.count("Interrupted by ") == 1
    assert SENTENCE not in written
    process = start("--resume", str(folder))
    (written,) = outputs([process])
    assert f"Saved {folder}" in written
    assert (folder / "model.safetensors").read_bytes() == uninterrupted
    process = start("--resume", str(folder))
    (written,) = outputs([process])
    assert written.count("is finished already") == 1


def test_a_rank_that_waits_for_the_others_obeys_signals(csv_file, tmp_path):
    out = tmp_path / "run"
    command = ["-m", "sentiment_lstm", "train", "--data", str(csv_file), "--out", str(out)]
    first, second = start_two(command)
    second.kill()
    second.communicate()
    time.sleep(5)  # until the first one waits
    first.send_signal(signal.SIGTERM)
    try:
        assert first.communicate(timeout=10)[0] == ""
    finally:
        first.kill()
        first.wait()
    assert first.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    assert not out.exists()
