from pathlib import Path

import pytest
from numbers_of_a_run import EPOCH, STEP

from sentiment_lstm.training.listener import Stage
from sentiment_lstm.training.tensorboard import TensorBoard

pytest.importorskip("tensorboard")


def test_event_files_are_written(tmp_path: Path):
    board = TensorBoard()
    board.on_start(Stage(tmp_path, 2))
    board.on_note("sentences are not plotted")
    board.on_update(STEP)
    board.on_epoch(EPOCH)
    board.on_end()
    assert list((tmp_path / "tensorboard").iterdir())
