"""Small models for the tests of `factory/`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factory_texts import TEXTS

from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.settings import Settings, TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer


@pytest.fixture
def pieces(bundle):
    """A model of pieces of words."""
    tokenizer = TextTokenizer.learn(TEXTS, TextSettings(kind="bpe", vocabulary=30))
    shape = (len(tokenizer), bundle.config.model.embedding_size)
    table = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    weights = {**bundle.weights, "embedding.weight": table}
    return replace(bundle, tokenizer=tokenizer, weights=weights)


@pytest.fixture
def knowing(pieces):
    """Makes a model that has these words as tokens, and pieces of the words of some texts."""

    def make(words, texts):
        from factory.surgery.embeddings import START, with_words

        tokenizer = TextTokenizer.learn(texts, TextSettings(kind="bpe", vocabulary=60))
        rng = np.random.default_rng(2)
        shape = (len(tokenizer), pieces.config.model.embedding_size)
        table = rng.normal(size=shape).astype(np.float32)
        weights = {**pieces.weights, "embedding.weight": table}
        rows = rng.normal(size=(len(words), shape[1])).astype(np.float32)
        new = dict(zip((START + word for word in words), rows, strict=True))
        return with_words(replace(pieces, tokenizer=tokenizer, weights=weights), new)

    return make


@pytest.fixture
def trained(bundle, reviews, tmp_path: Path):
    """Saves a model that says it was trained with these settings."""

    def save(name: str, **changes: object) -> Path:
        values = {name.replace("__", "."): value for name, value in changes.items()}
        settings = Settings().updated({"data.source": str(reviews)} | values).to_dict()
        config = replace(bundle.config, provenance={"settings": settings})
        save_bundle(tmp_path / name, replace(bundle, config=config))
        (tmp_path / name / "settings.json").write_text(json.dumps(settings))
        return tmp_path / name

    return save
