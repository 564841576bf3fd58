import contextlib
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from sentiment_lstm.errors import SentimentError
from sentiment_lstm.training.display import MetricsLog, Screen, displays, read_metrics

STEP = {
    "step": 1, "epoch": 1, "loss": 0.7, "accuracy": 0.5, "grad_norm": 1.0,
    "learning_rate": 0.1, "tokens": 100,
}  # fmt: skip
EPOCH = {
    "epoch": 1, "step": 1, "train_loss": 0.7, "train_accuracy": 0.5,
    "validation_loss": 0.6, "validation_accuracy": 0.6, "seconds": 1.0,
}  # fmt: skip


def test_a_terminal_gets_a_bar_and_everyone_a_line_an_epoch():
    for terminal in (True, False):
        out = io.StringIO()
        screen = Screen(10, 0, Console(file=out, force_terminal=terminal, width=120))
        screen.step(STEP | {"tokens_per_second": 5.0})
        screen.epoch(EPOCH)
        screen.close()
        assert "validation loss 0.6000" in out.getvalue()
        assert ("5 tokens/s" in out.getvalue()) == terminal


def test_resuming_drops_what_was_not_saved(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    log = MetricsLog(tmp_path, step=2, epochs=1)
    log.step({"step": 3, "again": 1})
    log.close()
    assert read_metrics(tmp_path) == [{"step": 1}, {"step": 2}, {"step": 3, "again": 1}]


def test_resuming_before_an_epochs_end_drops_its_line_though_the_step_is_saved(tmp_path: Path):
    first, second = EPOCH | {"epoch": 1, "step": 2}, EPOCH | {"epoch": 2, "step": 4}
    lines = [first, STEP | {"epoch": 2, "step": 4}, second]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    MetricsLog(tmp_path, step=4, epochs=1).close()
    assert read_metrics(tmp_path) == lines[:2]
    MetricsLog(tmp_path, step=4, epochs=2).close()
    assert read_metrics(tmp_path) == lines[:2]


def test_the_usual_displays_log_speed_and_write_event_files(tmp_path: Path):
    shown = displays(tmp_path, 2, 0, 0, Console(file=io.StringIO()))
    shown.step(STEP)
    shown.epoch(EPOCH)
    shown.close()
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["tokens_per_second"] > 0
    assert json.loads(lines[1])["validation_loss"] == 0.6
    assert list((tmp_path / "tensorboard").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence(tmp_path: Path):
    log = MetricsLog(tmp_path, step=0, epochs=0)
    log.file.close()
    log.file = open("/dev/full", "a", encoding="utf-8")  # noqa: SIM115, PTH123
    with pytest.raises(SentimentError, match="No space left"):
        log.step(STEP)
    with contextlib.suppress(OSError):
        log.close()
