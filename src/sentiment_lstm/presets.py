"""The settings that have a name; `docs/log.md` tells how their numbers were found."""

from __future__ import annotations

from sentiment_lstm.errors import UsageError
from sentiment_lstm.settings import ModelSettings, Settings, TextSettings, TrainingSettings

PRESETS: dict[str, Settings] = {
    # The study this project grew from: its model, optimiser, batch (64 texts of 250) and clipping.
    "seed": Settings(
        text=TextSettings(max_tokens=250),
        training=TrainingSettings(epochs=10, warmup=0.0, patience=0),
    ),
    # The best found for five minutes of two cores: `docs/log.md` tells what was tried.
    "quick": Settings(
        text=TextSettings(max_tokens=300),
        model=ModelSettings(
            hidden=128, layers=1, pooling="max+mean", dropout=0.5, embedding_dropout=0.3
        ),
        training=TrainingSettings(
            epochs=3,
            batch_tokens=3_000,
            batch_texts=64,
            learning_rate=2e-3,
            decay="linear",
            weight_average=0.998,
            word_dropout=0.1,
            embeddings="word2vec",
            embedding_rate=0.2,
        ),
    ),
    # The same with four times the state and twice the passes, for half an hour and more.
    "large": Settings(
        text=TextSettings(max_tokens=400, vocabulary=50_000),
        model=ModelSettings(
            embedding=256,
            hidden=512,
            layers=1,
            pooling="max+mean",
            dropout=0.5,
            embedding_dropout=0.4,
        ),
        training=TrainingSettings(
            epochs=6,
            batch_tokens=4_000,
            batch_texts=64,
            learning_rate=1e-3,
            decay="linear",
            weight_average=0.998,
            word_dropout=0.2,
            embeddings="word2vec",
            embedding_rate=0.2,
        ),
    ),
}


def preset(name: str) -> Settings:
    """The settings of a preset.

    Raises:
        UsageError: no such preset.
    """
    if name not in PRESETS:
        raise UsageError(f"Expected a preset among {', '.join(PRESETS)}, found {name!r}.")
    return PRESETS[name]
