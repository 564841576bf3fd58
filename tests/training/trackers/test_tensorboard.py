import socket
from pathlib import Path

import pytest
from numbers_of_a_run import EPOCH, STEP

from sentiment_lstm.training.listener import Stage
from sentiment_lstm.training.trackers.tensorboard import Tracker

pytest.importorskip("tensorboard")


def _board(folder: Path) -> None:
    board = Tracker(folder)
    board.on_start(Stage(folder, 2))
    board.on_note("sentences are not plotted")
    board.on_update(STEP)
    board.on_epoch(EPOCH)
    board.on_end()


def test_event_files_are_written(tmp_path: Path):
    _board(tmp_path)
    assert list((tmp_path / "tensorboard").iterdir())


def test_tensorboard_reads_the_numbers_of_a_continued_run(tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _board(tmp_path)
    _board(tmp_path)
    read = EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    assert {"step/loss", "epoch/train_loss"} <= set(read.Tags()["scalars"])
    losses = read.Scalars("step/loss")
    assert losses[-1].step == STEP["step"]
    assert losses[-1].value == pytest.approx(STEP["loss"])


def test_event_files_do_not_name_the_machine(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "anns-laptop")
    _board(tmp_path)
    for file in (tmp_path / "tensorboard").iterdir():
        assert "anns-laptop" not in file.name
        assert b"anns-laptop" not in file.read_bytes()


def test_a_stage_whose_file_cannot_be_opened_is_left_out(tmp_path: Path):
    _board(tmp_path / "first")
    board = Tracker(tmp_path)
    board.on_start(Stage(tmp_path / "first", 2))
    board.on_end()
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "tensorboard").write_text("no folder")
    board.on_start(Stage(tmp_path / "second", 2))
    board.on_update(STEP)
    board.on_end()
    assert (tmp_path / "second" / "tensorboard").read_text() == "no folder"
