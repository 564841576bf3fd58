"""Presets: settings under a name. `docs/log.md` says how their numbers were chosen."""

from __future__ import annotations

from collections.abc import Mapping

from sentiment_lstm.errors import UsageError
from sentiment_lstm.setting_names import current_name, warn_of_old_names
from sentiment_lstm.settings import ModelSettings, Settings, TextSettings, TrainingSettings

PRESETS: dict[str, Settings] = {
    # Looks at the texts first, and then chooses (`training/automatic.py`).
    "auto": Settings(training=TrainingSettings(auto=True)),
    # The study that this project grew from: its model, optimiser, batch and clipping.
    "seed": Settings(
        text=TextSettings(max_tokens=250),
        training=TrainingSettings(epochs=10, warmup=0.0, patience=0),
    ),
    # The best settings that were found for five minutes on two cores.
    "quick": Settings(
        text=TextSettings(max_tokens=300),
        model=ModelSettings(
            hidden_size=128, layers=1, pooling="max+mean", dropout=0.5, embedding_dropout=0.3
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
}
FIXED_BY_START = {
    *("model.embedding_size", "model.hidden_size", "model.layers", "model.bidirectional"),
    *("model.pooling", "text.kind", "text.vocabulary", "text.min_frequency", "text.lowercase"),
}
"""Settings that a model to start from decides."""


def preset(name: str) -> Settings:
    """The settings of a preset.

    Raises:
        UsageError: there is no such preset.
    """
    if name not in PRESETS:
        raise UsageError(f"Expected a preset among {', '.join(PRESETS)}, found {name!r}.")
    return PRESETS[name]


def chosen(name: str, given: Mapping[str, object]) -> Settings:
    """The settings of a preset, changed by those that are given. `auto` must not change these.

    Raises:
        UsageError: there is no such preset or setting, or a value does not fit it.
    """
    warn_of_old_names(given)
    given = {current_name(setting): value for setting, value in given.items()}
    settings = preset(name).updated(given)
    if not settings.training.auto:
        return settings
    return settings.updated({"training.given": tuple(sorted(given))})
