"""What several test files share: a saved model small enough to make anew in every test."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads only get in the way of models this small

import numpy as np
import pytest

from sentiment_lstm.bundle import Bundle, Config, expected_shapes
from sentiment_lstm.settings import ModelSettings, TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer

TEXTS = ["a good film", "a bad film", "not bad at all", "good , not bad"]


@pytest.fixture
def make_bundle() -> Callable[..., Bundle]:
    """Makes a bundle of random weights; keywords are fields of `ModelSettings`."""

    def make(classes: tuple[str, ...] = ("negative", "positive"), **model: Any) -> Bundle:
        text = TextSettings(min_frequency=1)
        tokenizer = TextTokenizer.learn(TEXTS, text)
        settings = ModelSettings(**{"embedding": 4, "hidden": 3, "layers": 2, **model})
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
