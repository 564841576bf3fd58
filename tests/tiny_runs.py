"""Settings, a silent listener and an interruption for trainings small enough for a test."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.records import Batch
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.listener import Listeners
from sentiment_lstm.training.loop import Trainer

QUIET = Listeners()
TINY = {
    "text.min_frequency": 1,
    "model.embedding_size": 8,
    "model.hidden_size": 8,
    "model.layers": 1,
    "model.pooling": "max+mean",
    "training.threads": 1,
    "training.batch_tokens": 200,
    "training.learning_rate": 0.02,
    "training.epochs": 3,
}


def tiny(source: Path | str, **changes: object) -> Settings:
    """Return the settings of a tiny run on a source. `model__layers=2` changes `model.layers`."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Settings().updated({**TINY, "data.source": str(source), **named})


def interrupted_at(
    monkeypatch: pytest.MonkeyPatch,
    train: Callable[[], object],
    when: Callable[[Trainer], bool],
) -> None:
    """Call `train`, and send SIGINT before the first update for which `when` is true."""
    step = Trainer._train_step

    def interrupted_step(self: Trainer, batch: Batch) -> dict[str, float]:
        if when(self):
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", interrupted_step)
        with pytest.raises(Interrupted):
            train()
