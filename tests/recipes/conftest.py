"""Recipes are scripts beside the package: their folder goes on the path."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer

sys.path.insert(0, str(Path(__file__).parents[2] / "recipes"))

TEXTS = ["a good film", "a bad film", "not bad at all", "good , not bad"]


@pytest.fixture
def pieces(bundle):
    """A model of pieces of words."""
    tokenizer = TextTokenizer.learn(TEXTS, TextSettings(kind="bpe", vocabulary=30))
    shape = (len(tokenizer), bundle.config.model.embedding)
    table = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    weights = {**bundle.weights, "embedding.weight": table}
    return replace(bundle, tokenizer=tokenizer, weights=weights)
