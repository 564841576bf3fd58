"""Fixtures: a trainer of a tiny LSTM on a simple task, and a watcher of its calls."""

import random
from pathlib import Path

import pytest
import torch
from small_task import WORDS, texts

from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.settings import ModelSettings, TrainingSettings
from sentiment_lstm.training.feed import Feed
from sentiment_lstm.training.hardware import resolve_auto
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import Classification


class Notes:
    """A watcher that keeps the values that it is called with."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.epochs: list[dict[str, float]] = []

    def stepped(self, step: dict[str, float]) -> None:
        self.steps.append(step)

    def validated(self) -> None:
        pass

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        self.epochs.append(epoch)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def make_trainer():
    """Makes a trainer of a tiny model; keywords are fields of `TrainingSettings`."""

    def make(classes: int = 2, **changes) -> Trainer:
        torch.manual_seed(0)
        shape = ModelSettings(
            embedding_size=6, hidden_size=8, layers=1, pooling="max+mean", dropout=0.1
        )
        usual = {"batch_tokens": 100, "learning_rate": 0.02, "epochs": 3, "precision": "float32"}
        settings = resolve_auto(TrainingSettings(**{**usual, **changes}))
        sample = texts(120, 1, classes)
        feed = Feed(lambda: [sample], sample, texts(40, 2, classes), None)
        objective = Classification(settings.word_dropout)
        return Trainer(LSTMClassifier(shape, WORDS, classes), settings, feed, objective)

    return make


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """Four hundred labelled sentences."""
    rng = random.Random(0)
    filler = ["the", "film", "and", "its", "plot", "with", "an", "actor", "in", "a", "scene"]
    path = tmp_path / "reviews.csv"
    rows = ["text,label"]
    for number in range(400):
        words = rng.choices(filler, k=rng.randint(3, 20))
        words.insert(rng.randrange(len(words)), ("awful", "lovely")[number % 2])
        rows.append(f"{' '.join(words)} {number},{('bad', 'good')[number % 2]}")
    path.write_text("\n".join(rows), encoding="utf-8")
    return path
