"""Settings, listeners and an interruption for trainings small enough for a test."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.records import Batch
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.listener import Listener, Listeners
from sentiment_lstm.training.loop import Trainer

QUIET = Listeners()


class Heard(Listener):
    """A listener that keeps the sentences that it is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def on_note(self, sentence: str) -> None:
        self.sentences.append(sentence)


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


def tiny_auto(source: Path | str, **changes: object) -> Settings:
    """Return settings of preset `auto` with a tiny network, which keep what is named here."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    given = {**TINY, "data.source": str(source), **named}
    names = tuple(sorted(name for name, value in given.items() if value is not None))
    values = {name: value for name, value in given.items() if value is not None}
    return Settings().updated({**values, "training.auto": True, "training.given": names})


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
