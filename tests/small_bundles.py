"""Bundles so small that each test makes its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sentiment_lstm.bundle import Bundle, Config, expected_shapes
from sentiment_lstm.settings import ModelSettings, TextSettings
from sentiment_lstm.text.features import learn_features
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.weights_file import WIDE


def random_bundle(
    texts: Sequence[str],
    classes: tuple[str, ...] = ("negative", "positive"),
    text: TextSettings | None = None,
    wide: bool = False,
    thresholds: tuple[float, ...] | None = None,
    **model: Any,
) -> Bundle:
    """Make a bundle of random weights whose vocabulary is learnt from `texts`.

    Args:
        texts: the texts that hold the vocabulary.
        classes: the names of the classes.
        text: how texts are tokenised; by default into words, rare ones included.
        wide: add a wide path with all features of `texts`.
        thresholds: those of the labels if a text may have several.
        model: fields of `ModelSettings`.
    """
    text = text or TextSettings(min_frequency=1)
    tokenizer = TextTokenizer.learn(texts, text)
    if wide:
        parts = map(tokenizer.parts, texts)
        hashes = learn_features(parts, tokenizer.words_of_parts, 10_000, min_texts=1)
        tokenizer = tokenizer.with_features(hashes)
    features = 0 if tokenizer.features is None else len(tokenizer.features)
    settings = ModelSettings(**{"embedding_size": 4, "hidden_size": 3, "layers": 2, **model})
    rng = np.random.default_rng(0)
    several = thresholds is not None
    shapes = expected_shapes(settings, len(tokenizer), len(classes), features, multi_label=several)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    if wide:  # a word has many features: their sum is as large as what the LSTM says
        weights[WIDE] = (weights[WIDE] / 16).astype(np.float16).astype(np.float32)
    provenance = {"texts": len(texts)}
    config = Config(settings, text, classes, provenance=provenance, thresholds=thresholds)
    return Bundle(config, tokenizer, weights, {"validation_accuracy": 0.5})
