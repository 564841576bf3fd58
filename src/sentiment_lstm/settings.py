"""All settings of a training: their meaning, their defaults, and how they are read and written.

A setting's name is `section.key`. There are two ways to change one:

- on the command line: `sentiment-lstm train --set model.hidden_size=128`;
- in a TOML file for `--config`: `hidden_size = 128` under `[model]`.

The default is the value after `=`. A preset (`presets.py`) changes some defaults. A number outside
its range raises a `UsageError`. Settings are frozen. This file does not know how they are used.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from sentiment_lstm.conversion import (
    FROM_1_TO_100,
    NOT_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    at_least,
    check_ranges,
    converted,
)
from sentiment_lstm.data_settings import DataSettings as DataSettings
from sentiment_lstm.errors import UsageError
from sentiment_lstm.setting_names import MIXTURE, current_name, flattened


@dataclass(frozen=True, slots=True)
class TextSettings:
    """How a text becomes token ids."""

    kind: Literal["word", "bpe"] = "word"
    """`word`: each token is a word or a punctuation mark. `bpe`: rare words are split into several
    tokens by byte pair encoding. Use `bpe` if many words are rare or misspelt."""
    vocabulary: Annotated[int, at_least(3)] = 30_000
    """Maximum number of different tokens, padding and the unknown token included."""
    min_frequency: Annotated[int, at_least(1)] = 2
    """Minimum count of a word in the training texts; rarer words are unknown. Use 1 for a few
    hundred texts."""
    lowercase: bool = True
    """Treat `Good` and `good` as the same word."""
    correct_slips: bool = False
    """Correct long unknown words that have one letter missing, doubled or swapped."""
    max_tokens: Annotated[int, at_least(2)] = 400
    """Maximum length of a training text, in tokens. Longer ones keep only their beginning and end.
    Lower it to train faster. Prediction always reads the whole text."""

    def __post_init__(self) -> None:
        check_ranges("text", self)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The shape of the network."""

    embedding_size: Annotated[int, at_least(1)] = 128
    """Size E of the vector of a token. Most weights are usually here: vocabulary x E numbers."""
    hidden_size: Annotated[int, at_least(1)] = 256
    """Size H of the LSTM's hidden state, in each direction. Twice the size takes about four times
    as long. Raise it if there are many texts."""
    layers: Annotated[int, FROM_1_TO_100] = 2
    """Number L of LSTM layers."""
    bidirectional: bool = False
    """Also read each text from its end. It takes twice as long, and such a model cannot stream."""
    pooling: Literal["last", "max+mean", "max+mean+last", "attention"] = "last"
    """How the hidden states of all tokens become one vector: `last` takes the last one, `max+mean`
    the maximum and the mean, `max+mean+last` all three, `attention` a mean with learnt weights.
    `max+mean` suits long texts."""
    dropout: Annotated[float, PROBABILITY] = 0.3
    """Probability that a unit is set to 0 in training, between layers and before the output. Raise
    it if the validation loss rises while the training loss falls."""
    embedding_dropout: Annotated[float, PROBABILITY] = 0.0
    """Probability that a dimension of the embedding is set to 0 in training, for all tokens of a
    text."""
    wide_features: Annotated[int, NOT_NEGATIVE] = 0
    """Maximum number of features of the wide path: words, pairs of words and character n-grams that
    add to the logits directly. 0: no wide path. 100,000 suits most data."""

    def __post_init__(self) -> None:
        check_ranges("model", self)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How the weights are learnt."""

    seed: Annotated[int, NOT_NEGATIVE] = 0
    """Fixes all that is random: split, first weights, order of the texts, dropout. The same seed,
    data, settings and number of threads give the same weights."""
    threads: Annotated[int, NOT_NEGATIVE] = 0
    """Number of CPU threads. 0: one for each core."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """The device that computes. `auto`: a GPU if there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of matrix products in training. `auto`: bfloat16 if the GPU or CPU computes
    faster with it, else float32. Weights are always float32."""
    epochs: Annotated[int, at_least(1)] = 5
    """Maximum number of passes over the training texts."""
    max_steps: Annotated[int, NOT_NEGATIVE] = 0
    """Maximum number of updates. 0: only `epochs` limits them."""
    batch_tokens: Annotated[int, at_least(1)] = 16_000
    """Maximum number of tokens in a batch, padding included. Lower it if memory runs out."""
    batch_texts: Annotated[int, NOT_NEGATIVE] = 0
    """Maximum number of texts in a batch. 0: as many as `batch_tokens` allows. Set it if the texts
    are short or an epoch has very few updates."""
    learning_rate: Annotated[float, POSITIVE] = 1e-3
    """Highest learning rate of AdamW. Halve it if the loss jumps or is not finite."""
    embedding_rate: Annotated[float, POSITIVE] = 1.0
    """Factor of `learning_rate` for the embedding. Lower it to keep pretrained embeddings
    (`embeddings`, `init`)."""
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0
    """Weight decay of AdamW, applied to matrices, not to biases."""
    warmup: Annotated[float, PROBABILITY] = 0.05
    """Fraction of all steps during which the learning rate rises from 0."""
    decay: Literal["none", "linear", "cosine"] = "none"
    """How the learning rate falls to 0 after the warm-up. `none`: it stays."""
    clip_norm: Annotated[float, POSITIVE] = 5.0
    """Maximum L2 norm of the gradient. A larger gradient is scaled down to it."""
    weight_average: Annotated[float, PROBABILITY] = 0.0
    """Decay of a moving average of the weights, for example 0.998. Validation and the saved model
    use the average. 0: no average."""
    class_weights: bool = False
    """Multiply the loss of each class by the inverse of its frequency. Set it if a rare class is as
    important as a frequent one."""
    patience: Annotated[int, NOT_NEGATIVE] = 2
    """Stop after this number of epochs without a better validation loss. 0: never stop early."""
    keep: Literal["best", "last"] = "best"
    """The weights to save: those of the epoch with the lowest validation loss, or the last ones."""
    trials: Annotated[int, NOT_NEGATIVE] = 0
    """Number of trial trainings. Each leaves out a part of the texts; together they calibrate the
    model. Then the last training reads all texts. 1: one trial, without `data.validation` of the
    texts. 0: no trial; the validation texts are never trained on."""
    linear_probe: bool = False
    """After several trials, also fit only a new output layer on the initial model, and keep what is
    better on the texts that the trials left out."""
    word_dropout: Annotated[float, PROBABILITY] = 0.0
    """Probability that a word is read as unknown in training. Raise it if the model relies too much
    on single words."""
    adversarial: Annotated[float, NOT_NEGATIVE] = 0.0
    """Weight of the loss on embeddings that are shifted to raise the loss. Training takes about
    twice as long. 0: off."""
    perturbation: Annotated[float, POSITIVE] = 0.25
    """Size of the shifts of the adversarial loss: sqrt(mean over a text's tokens of the squared L2
    norm of the token's shift)."""
    self_training: bool = False
    """Train every model twice if there are unlabelled texts (`language.sources`): the first model
    labels them, and the second one learns from all texts. It helps if few texts are labelled."""
    embeddings: Literal["random", "word2vec"] = "random"
    """First values of the embedding: random, or learnt by word2vec from the training texts, which
    needs gensim."""
    init: str | None = None
    """Folder of a bundle to start from. The run takes its network, vocabulary and weights."""
    checkpoint_seconds: Annotated[float, POSITIVE] = 180.0
    """Seconds between checkpoints. A run that is killed loses at most this much work."""
    private: bool = False
    """Learn no words and no features of the wide path from words with digits and from addresses,
    and set rows aside without their texts and labels."""
    trackers: tuple[str, ...] = ()
    """Programs that get the numbers of the training: `mlflow`, `tensorboard`."""
    auto: bool = False
    """Look at the texts, and choose the settings that are not in `given` (preset `auto`)."""
    given: tuple[str, ...] = ()
    """Names of settings that `auto` must not change, such as `training.epochs`."""

    def __post_init__(self) -> None:
        check_ranges("training", self)


@dataclass(frozen=True, slots=True)
class LanguageSettings:
    """A stage before the training on labels: the network learns to predict the next token.

    It helps if there are many unlabelled texts and few labelled ones.
    """

    epochs: Annotated[int, NOT_NEGATIVE] = 0
    """Number of passes over the training texts and the unlabelled texts. 0: skip this stage."""
    sources: tuple[str, ...] = ()
    """Sources of unlabelled texts, for this stage and for the losses on texts without labels."""
    max_tokens: Annotated[int, at_least(2)] = 250
    """Maximum length of a text, in tokens. Longer texts are cut into pieces."""
    batch_tokens: Annotated[int, at_least(1)] = 8_000
    """Maximum number of tokens in a batch, padding included."""
    learning_rate: Annotated[float, POSITIVE] = 2e-3
    """Highest learning rate. It falls linearly to 0."""
    negatives: Annotated[int, at_least(1)] = 2_048
    """Number of random tokens that each update compares with the right ones (sampled softmax)."""
    dropout: Annotated[float, PROBABILITY] = 0.1
    """Probability that a unit of the embedding or of a hidden state is set to 0 in this stage."""

    def __post_init__(self) -> None:
        check_ranges("language", self)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one training, by section."""

    data: DataSettings = field(default_factory=DataSettings)
    mixture: tuple[DataSettings, ...] = ()
    """More sources to train on: `[[mixture]]` tables with the keys of `[data]`. They have the
    classes of `data.source`. None of their texts is used for validation."""
    text: TextSettings = field(default_factory=TextSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    language: LanguageSettings = field(default_factory=LanguageSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def updated(self, changes: Mapping[str, object]) -> Self:
        """A copy with other values for the settings named in `changes`, as `section.key`.

        A string, as the command line gives it, is converted to the setting's type. Old names are
        accepted.

        Raises:
            UsageError: there is no such setting, or the value does not fit it.
        """
        sections: dict[str, dict[str, object]] = {}
        mixture = self.mixture
        for name, value in changes.items():
            if name == MIXTURE:
                mixture = _sources(value)
                continue
            name = current_name(name)
            section, key = _split_name(name)
            hint = typing.get_type_hints(_SECTIONS[section])[key]
            sections.setdefault(section, {})[key] = converted(name, hint, value)
        replaced = {
            section: dataclasses.replace(getattr(self, section), **values)
            for section, values in sections.items()
        }
        return dataclasses.replace(self, mixture=mixture, **replaced)

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries, ready for JSON."""
        sections: dict[str, Any] = {name: _plain_section(getattr(self, name)) for name in _SECTIONS}
        return sections | {MIXTURE: [_plain_section(source) for source in self.mixture]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; missing keys get their defaults.

        Raises:
            UsageError: there is no such setting, or a value does not fit it.
        """
        return cls().updated(flattened(values))


_SECTIONS: dict[str, type] = {
    "data": DataSettings,
    "text": TextSettings,
    "model": ModelSettings,
    "language": LanguageSettings,
    "training": TrainingSettings,
}


def read_json(path: Path) -> Settings:
    """The settings in a run's `settings.json`.

    Raises:
        UsageError: the file is missing, not JSON, or holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"Expected settings in JSON at {path}, found: {error}.") from error
    return Settings.from_dict(values)


def _sources(tables: Any) -> tuple[DataSettings, ...]:  # noqa: ANN401
    """The `[[mixture]]` tables of a TOML file, as settings."""
    listed = isinstance(tables, list | tuple)
    if not listed or not all(isinstance(t, Mapping) and "source" in t for t in tables):
        raise UsageError(f"Expected [[mixture]] tables, each with a source, found {tables!r:.200}.")
    return tuple(
        Settings().updated({f"data.{key}": value for key, value in table.items()}).data
        for table in tables
    )


def _plain_section(section: Any) -> dict[str, Any]:  # noqa: ANN401
    return {f.name: _json_value(getattr(section, f.name)) for f in dataclasses.fields(section)}


def _json_value(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _split_name(name: object) -> tuple[str, str]:
    if not isinstance(name, str):
        raise UsageError(
            f"Expected names of settings such as 'training.epochs', found {name!r:.40}."
        )
    section, _, key = name.partition(".")
    keys = [f.name for f in dataclasses.fields(_SECTIONS[section])] if section in _SECTIONS else []
    if key not in keys:
        known = ", ".join(f"{section}.{k}" for k in keys) or ", ".join(f"{s}.*" for s in _SECTIONS)
        every = [f"{s}.{f.name}" for s, kind in _SECTIONS.items() for f in dataclasses.fields(kind)]
        same_key = [full for full in every if full.endswith(f".{name}")]
        # The last one: `training.epochs` is meant more often than `language.epochs`.
        near = same_key[-1:] or difflib.get_close_matches(name, every, 1)
        advice = f"use {near[0]}, or another of" if near else "use one of"
        raise UsageError(f"Expected the name of a setting, found {name!r:.200}: {advice} {known}.")
    return section, key
