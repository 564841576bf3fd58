"""Writes the numbers of a run to `metrics.jsonl` while it trains, and reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from sentiment_lstm.storage import explain_write_errors, write_atomically
from sentiment_lstm.training.listener import Listener, Numbers, Stage

METRICS_LOG = "metrics.jsonl"


class MetricsLog(Listener):
    """Writes a line for each update and each epoch, with the numbers that the listener gets.

    A run that was killed may have written lines after its last checkpoint. A resumed run
    first drops these lines, because it repeats their updates and epochs.
    """

    file: TextIO | None = None

    def on_start(self, stage: Stage) -> None:
        """Drop the lines of updates and epochs that will be repeated, and open the file."""
        path = stage.folder / METRICS_LOG
        lines = [line for line in read_metrics(stage.folder) if line["step"] <= stage.updates]
        kept = [e for e in lines if "train_loss" not in e or e["epoch"] <= stage.epochs]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self.file = path.open("a", encoding="utf-8")

    def on_update(self, numbers: Numbers) -> None:
        """Add a line."""
        self._write(numbers)

    def on_epoch(self, numbers: Numbers) -> None:
        """Add a line."""
        self._write(numbers)

    def on_end(self) -> None:
        """Close the file."""
        if self.file:  # otherwise `on_start` failed
            self.file.close()

    def _write(self, numbers: Numbers) -> None:
        assert self.file
        with explain_write_errors(Path(self.file.name)):
            self.file.write(json.dumps(numbers) + "\n")
            self.file.flush()


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's `metrics.jsonl`, without an incomplete last line (after a kill)."""
    path = folder / METRICS_LOG
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return [line for line in lines if isinstance(line, dict) and "step" in line]
