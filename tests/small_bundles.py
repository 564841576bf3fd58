"""Bundles so small that each test makes its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sentiment_lstm.bundle import Bundle, Config, expected_shapes
from sentiment_lstm.settings import ModelSettings, TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer


def random_bundle(
    texts: Sequence[str],
    classes: tuple[str, ...] = ("negative", "positive"),
    text: TextSettings | None = None,
    **model: Any,
) -> Bundle:
    """Make a bundle of random weights whose vocabulary is learnt from `texts`.

    Args:
        texts: the texts that hold the vocabulary.
        classes: the names of the classes.
        text: how texts are tokenised; by default into words, rare ones included.
        model: fields of `ModelSettings`.
    """
    text = text or TextSettings(min_frequency=1)
    tokenizer = TextTokenizer.learn(texts, text)
    settings = ModelSettings(**{"embedding_size": 4, "hidden_size": 3, "layers": 2, **model})
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(size=shape).astype(np.float32)
        for name, shape in expected_shapes(settings, len(tokenizer), len(classes)).items()
    }
    config = Config(settings, text, classes, provenance={"texts": len(texts)})
    return Bundle(config, tokenizer, weights, {"validation_accuracy": 0.5})
