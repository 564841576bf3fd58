import contextlib
import json
from pathlib import Path

import pytest
from numbers_of_a_run import EPOCH, STEP

from sentiment_lstm.errors import SentimentError
from sentiment_lstm.training.listener import Stage
from sentiment_lstm.training.metrics_log import MetricsLog, read_metrics


def started(folder: Path, updates: int, epochs: int) -> MetricsLog:
    log = MetricsLog()
    log.on_start(Stage(folder, None, updates, epochs))
    return log


def test_resuming_drops_lines_after_the_checkpoint(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    log = started(tmp_path, updates=2, epochs=1)
    log.on_update({"step": 3, "again": 1})
    log.on_end()
    assert read_metrics(tmp_path) == [{"step": 1}, {"step": 2}, {"step": 3, "again": 1}]


def test_resuming_before_an_epochs_end_drops_its_line_though_the_step_is_saved(tmp_path: Path):
    first, second = EPOCH | {"epoch": 1, "step": 2}, EPOCH | {"epoch": 2, "step": 4}
    lines = [first, STEP | {"epoch": 2, "step": 4}, second]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    started(tmp_path, updates=4, epochs=1).on_end()
    assert read_metrics(tmp_path) == lines[:2]
    started(tmp_path, updates=4, epochs=2).on_end()
    assert read_metrics(tmp_path) == lines[:2]


def test_a_log_that_could_not_be_opened_ends(tmp_path: Path):
    log = MetricsLog()
    (tmp_path / "run").write_text("no folder")
    with pytest.raises((SentimentError, OSError)):
        log.on_start(Stage(tmp_path / "run", None))
    log.on_end()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence(tmp_path: Path):
    log = started(tmp_path, updates=0, epochs=0)
    log.file.close()
    log.file = open("/dev/full", "a", encoding="utf-8")  # noqa: SIM115, PTH123
    with pytest.raises(SentimentError, match="No space left"):
        log.on_update(STEP)
    with contextlib.suppress(OSError):
        log.on_end()
