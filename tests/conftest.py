"""What several test files share: a saved model small enough to make anew in every test, and the
command line run in an empty folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads only get in the way of models this small

import numpy as np
import pytest

from sentiment_lstm.bundle import Bundle, Config, expected_shapes, save_bundle
from sentiment_lstm.cli import main
from sentiment_lstm.settings import ModelSettings, TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer

TEXTS = ["a good film", "a bad film", "not bad at all", "good , not bad"]


@pytest.fixture
def make_bundle() -> Callable[..., Bundle]:
    """Makes a bundle of random weights; keywords are fields of `ModelSettings`."""

    def make(classes: tuple[str, ...] = ("negative", "positive"), **model: Any) -> Bundle:
        text = TextSettings(min_frequency=1)
        tokenizer = TextTokenizer.learn(TEXTS, text)
        settings = ModelSettings(**{"embedding_size": 4, "hidden_size": 3, "layers": 2, **model})
        rng = np.random.default_rng(0)
        weights = {
            name: rng.normal(size=shape).astype(np.float32)
            for name, shape in expected_shapes(settings, len(tokenizer), len(classes)).items()
        }
        config = Config(settings, text, classes, provenance={"texts": len(TEXTS)})
        return Bundle(config, tokenizer, weights, {"validation_accuracy": 0.5})

    return make


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle of two classes."""
    return make_bundle()


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs the command in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["sentiment-lstm", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return command


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A CSV of forty labelled texts."""
    path = tmp_path / "reviews.csv"
    rows = [f"{('awful', 'lovely')[n % 2]} film {n},{('bad', 'good')[n % 2]}" for n in range(40)]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return path


@pytest.fixture
def model(bundle, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    save_bundle(folder, bundle)
    return folder
