"""Every setting of a training, frozen and checked, and its TOML and JSON forms.

A setting is named `section.key` (`model.hidden`). Nothing here knows how a setting is used.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from sentiment_lstm.conversion import converted
from sentiment_lstm.errors import UsageError

_MOST = 2**31 - 1
"""No number here may be larger: beyond it are mistakes, and what libraries cannot count."""


def _check(name: str, value: float, fits: bool, wanted: str) -> None:
    """One place for the sentence about a value out of range. NaN fits nothing."""
    if not fits:
        raise UsageError(f"Expected {name} to be {wanted}, found {value!r}.")
    if value > _MOST:
        raise UsageError(f"Expected {name} to be at most {_MOST:,}, found {value!r:.30}.")


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Where texts come from and which of them are used."""

    source: str = "imdb"
    """`imdb`, `kaggle:OWNER/NAME`, `hf:NAME` or a path."""
    split: str = "train"
    """Which part of the source to read, where it has parts."""
    text_column: str | None = None
    """Column of the text; None: the source's usual name."""
    label_column: str | None = None
    """Column of the label; None: the source's usual name."""
    group_column: str | None = None
    """Column whose values never stand in both training and validation (a film, a product)."""
    label_map: Mapping[str, str] = field(default_factory=dict)
    """Label as found, or a comparison such as `>=7`, to class name; others are set aside."""
    soft_labels: bool = False
    """Labels are numbers from 0 to 1: the second class's share, such as a teacher gives."""
    streaming: bool = False
    """Read rows as they are needed, never holding the whole source."""
    stream_rows: int = 50_000
    """Rows of a stream held at once: they teach the vocabulary and serve as shuffle buffer."""
    strict: bool = False
    """Stop at the first bad row instead of setting it aside."""
    exclude: tuple[str, ...] = ()
    """Sources whose texts are dropped from training (an evaluation set)."""
    validation: float = 0.1
    """Share of the texts kept for validation."""
    max_characters: int = 1_000_000
    """Longer texts are set aside as absurd."""
    weight: float = 1.0
    """How much each of the texts counts in training."""

    def __post_init__(self) -> None:
        _check("data.validation", self.validation, 0 < self.validation < 1, "between 0 and 1")
        _check("data.stream_rows", self.stream_rows, self.stream_rows >= 100, "at least 100")
        _check("data.weight", self.weight, 0 < self.weight <= 1000, "above 0, at most 1000")
        _check("data.max_characters", self.max_characters, self.max_characters >= 1, "at least 1")


@dataclass(frozen=True, slots=True)
class TextSettings:
    """How text becomes token ids."""

    kind: Literal["word", "bpe"] = "word"
    """One id a word, or subwords by byte pair encoding."""
    vocabulary: int = 30_000
    """Most ids, the padding and the unknown token included."""
    min_frequency: int = 2
    """A word seen less often in training is unknown."""
    lowercase: bool = True
    """Fold case before the vocabulary is consulted."""
    correct_slips: bool = False
    """Read long words with a letter missing, doubled or swapped as what was meant."""
    max_tokens: int = 400
    """Training texts longer than this keep their head and tail; prediction reads all."""

    def __post_init__(self) -> None:
        _check("text.vocabulary", self.vocabulary, self.vocabulary >= 3, "at least 3")
        _check("text.min_frequency", self.min_frequency, self.min_frequency >= 1, "at least 1")
        _check("text.max_tokens", self.max_tokens, self.max_tokens >= 2, "at least 2")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The network's shape."""

    embedding: int = 128
    """Width E of a token's vector."""
    hidden: int = 256
    """Width H of the LSTM's state, in each direction."""
    layers: int = 2
    """LSTM layers L, stacked."""
    bidirectional: bool = False
    """Read also from the end; such a model cannot stream."""
    pooling: Literal["last", "max+mean", "max+mean+last", "attention"] = "last"
    """What of the states reaches the linear unit."""
    dropout: float = 0.3
    """Chance of a unit being zeroed between layers and before the linear unit."""
    embedding_dropout: float = 0.0
    """Chance of a unit of the embedding being zeroed, all through a text."""

    def __post_init__(self) -> None:
        for name in ("embedding", "hidden"):
            value = getattr(self, name)
            _check(f"model.{name}", value, value >= 1, "at least 1")
        _check("model.layers", self.layers, 1 <= self.layers <= 100, "from 1 to 100")
        for name in ("dropout", "embedding_dropout"):
            value = getattr(self, name)
            _check(f"model.{name}", value, 0 <= value < 1, "at least 0 and below 1")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How the weights are learnt."""

    seed: int = 0
    """Fixes split, initial weights, order and dropout."""
    threads: int = 0
    """CPU threads; 0: one for each core. The same seed needs the same number."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU where there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of products in training; `auto`: bfloat16 where GPU or CPU has units for it, else float32."""
    epochs: int = 5
    """Passes over the training texts, at most."""
    max_steps: int = 0
    """Updates, at most; 0: as many as the epochs hold."""
    batch_tokens: int = 16_000
    """Most tokens of a batch, padding included."""
    batch_texts: int = 0
    """Most texts of a batch, so that short ones get their updates too; 0: as many as fit."""
    learning_rate: float = 1e-3
    """Peak step size of AdamW."""
    embedding_rate: float = 1.0
    """Step size of the embedding, as a share of the others': a low one keeps its start."""
    weight_decay: float = 0.0
    """AdamW's decay, on matrices alone."""
    warmup: float = 0.05
    """Share of all steps in which the learning rate rises from 0."""
    decay: Literal["none", "linear", "cosine"] = "none"
    """How the learning rate falls after the warm-up."""
    clip_norm: float = 5.0
    """Cap of the gradient's norm."""
    weight_average: float = 0.0
    """Decay of the moving average of weights that is evaluated and kept; 0: none."""
    class_weights: bool = False
    """Weigh each class by the inverse of its frequency."""
    patience: int = 2
    """Stop after this many epochs without a better validation loss; 0: never."""
    word_dropout: float = 0.0
    """Chance of a word being read as unknown, so that no word is leant on alone."""
    adversarial: float = 0.0
    """Weight of the loss under the shift of a text's embeddings that raises it most."""
    virtual_adversarial: float = 0.0
    """Weight of how far such a shift moves the verdict on texts without labels."""
    entropy: float = 0.0
    """Weight of the doubt left in verdicts on texts without labels."""
    perturbation: float = 0.25
    """Size of such a shift: the root mean square over a text's tokens of their L2 norms."""
    embeddings: Literal["random", "word2vec"] = "random"
    """Where the embedding starts: chance, or word2vec on the training texts themselves."""
    init: str | None = None
    """Folder of a bundle whose network, words and weights the training goes on from."""
    checkpoint_seconds: float = 180.0
    """Seconds between checkpoints."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_tokens"):
            value = getattr(self, name)
            _check(f"training.{name}", value, value >= 1, "at least 1")
        counts = ("threads", "max_steps", "batch_texts", "weight_decay", "patience", "seed")
        for name in (*counts, "adversarial", "virtual_adversarial", "entropy"):
            value = getattr(self, name)
            _check(f"training.{name}", value, value >= 0, "0 or more")
        rates = ("learning_rate", "embedding_rate")
        for name in (*rates, "clip_norm", "checkpoint_seconds", "perturbation"):
            value = getattr(self, name)
            _check(f"training.{name}", value, value > 0, "above 0")
        for name in ("warmup", "weight_average", "word_dropout"):
            value = getattr(self, name)
            _check(f"training.{name}", value, 0 <= value < 1, "at least 0 and below 1")


@dataclass(frozen=True, slots=True)
class LanguageSettings:
    """The stage before labels: the network first learns to predict each next token."""

    epochs: int = 0
    """Passes over training and unlabelled texts; 0: no such stage."""
    sources: tuple[str, ...] = ()
    """Sources of unlabelled texts, for this stage and for losses that need no labels."""
    max_tokens: int = 250
    """Longer texts are read in pieces of this many tokens."""
    batch_tokens: int = 8_000
    """Most tokens of a batch, padding included."""
    learning_rate: float = 2e-3
    """Peak step size; it falls in a line to 0."""
    negatives: int = 2_048
    """Tokens drawn at each update to tell the right one from."""
    dropout: float = 0.1
    """Chance of a unit of embedding or state being zeroed."""

    def __post_init__(self) -> None:
        _check("language.epochs", self.epochs, self.epochs >= 0, "0 or more")
        for name in ("batch_tokens", "negatives"):
            value = getattr(self, name)
            _check(f"language.{name}", value, value >= 1, "at least 1")
        _check("language.max_tokens", self.max_tokens, self.max_tokens >= 2, "at least 2")
        rate = self.learning_rate
        _check("language.learning_rate", rate, rate > 0, "above 0")
        _check("language.dropout", self.dropout, 0 <= self.dropout < 1, "at least 0 and below 1")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one training."""

    data: DataSettings = field(default_factory=DataSettings)
    mixture: tuple[DataSettings, ...] = ()
    """More sources to train on, labelled with the first one's classes; none of them validates."""
    text: TextSettings = field(default_factory=TextSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    language: LanguageSettings = field(default_factory=LanguageSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def updated(self, changes: Mapping[str, object]) -> Self:
        """A copy with `section.key` values replaced.

        Values may be strings, as the command line gives them; they are read as the setting's type.

        Raises:
            UsageError: no such setting, or a value that does not fit it.
        """
        sections: dict[str, dict[str, object]] = {}
        mixture = self.mixture
        for name, value in changes.items():
            if name == _MIXTURE:
                mixture = _sources(value)
                continue
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
        return sections | {_MIXTURE: [_plain_section(source) for source in self.mixture]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; keys that are missing keep their defaults."""
        return cls().updated(flattened(values))


_SECTIONS: dict[str, type] = {
    "data": DataSettings,
    "text": TextSettings,
    "model": ModelSettings,
    "language": LanguageSettings,
    "training": TrainingSettings,
}

_MIXTURE = "mixture"


def _sources(tables: Any) -> tuple[DataSettings, ...]:  # noqa: ANN401
    """`[[mixture]]` tables of a TOML file, each with the keys of `[data]`."""
    listed = isinstance(tables, list | tuple)
    if not listed or not all(isinstance(t, Mapping) and "source" in t for t in tables):
        raise UsageError(f"Expected [[mixture]] tables, each with a source, found {tables!r}.")
    return tuple(
        Settings().updated({f"data.{key}": value for key, value in table.items()}).data
        for table in tables
    )


def read_toml(path: Path) -> dict[str, object]:
    """The settings of a TOML file by `section.key`.

    Raises:
        UsageError: the file is missing or not TOML.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"Expected a settings file in TOML at {path}, found: {error}.") from error
    return flattened(values)


def read_json(path: Path) -> Settings:
    """The settings of a run; raises UsageError if the file is missing or not JSON."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"Expected settings in JSON at {path}, found: {error}.") from error
    return Settings.from_dict(values)


def flattened(values: Mapping[str, Any]) -> dict[str, object]:
    """Name nested values `section.key`: `{"model": {"hidden": 8}}` -> `{"model.hidden": 8}`."""
    flat: dict[str, object] = {}
    if not isinstance(values, Mapping):
        raise UsageError(f"Expected sections of settings, found {values!r}.")
    for section, keys in values.items():
        if section == _MIXTURE:
            flat[section] = keys
            continue
        if not isinstance(keys, Mapping):
            raise UsageError(f"Expected a section of settings, found {section!r} = {keys!r}.")
        flat.update({f"{section}.{key}": value for key, value in keys.items()})
    return flat


def _plain_section(section: Any) -> dict[str, Any]:  # noqa: ANN401
    return {f.name: _plain(getattr(section, f.name)) for f in dataclasses.fields(section)}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _split_name(name: str) -> tuple[str, str]:
    section, _, key = name.partition(".")
    keys = [f.name for f in dataclasses.fields(_SECTIONS[section])] if section in _SECTIONS else []
    if key not in keys:
        known = ", ".join(f"{section}.{k}" for k in keys) or ", ".join(f"{s}.*" for s in _SECTIONS)
        raise UsageError(f"Expected a setting among {known}, found {name!r}.")
    return section, key
