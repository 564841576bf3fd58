"""The configuration of a saved model, and its form in `config.json`.

Knows nothing of weights or other files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentiment_lstm.errors import BundleError, UsageError
from sentiment_lstm.setting_names import to_format_1
from sentiment_lstm.settings import ModelSettings, Settings, TextSettings
from sentiment_lstm.weights_file import ADVICE, require

ARCHITECTURE = "lstm-classifier"
FORMAT_VERSION = 2
"""The newest format. Only a model with a wide path, or with several labels per text, needs it.
Others are saved as format 1."""


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of a model, besides its weights.

    `classes`: the name of each class, in the order of the logits. `temperature`: logits are divided
    by it before they become probabilities. `provenance`: how the model was made (settings, hashes
    of sources, rows set aside, versions); any JSON value. Its paths are saved as names.
    `thresholds`: if a text may have several labels, it gets those whose probability is at least
    their threshold, [C]; None: each text has one class.
    """

    model: ModelSettings
    text: TextSettings
    classes: tuple[str, ...]
    temperature: float = 1.0
    provenance: Mapping[str, object] = field(default_factory=dict)
    thresholds: tuple[float, ...] | None = None

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels, each with a probability of its own."""
        return self.thresholds is not None


def config_as_json(config: Config, *, has_wide_path: bool) -> dict[str, object]:
    """The content of `config.json`, without the section `training`."""
    sections = to_format_1(Settings(model=config.model, text=config.text).to_dict())
    return {
        "architecture": ARCHITECTURE,
        "format_version": FORMAT_VERSION if has_wide_path or config.multi_label else 1,
        "model": sections["model"],
        "text": sections["text"],
        "id2label": {str(i): name for i, name in enumerate(config.classes)},
        "label2id": {name: i for i, name in enumerate(config.classes)},
        "temperature": config.temperature,
        **_thresholds_as_json(config),
    }


def _thresholds_as_json(config: Config) -> dict[str, object]:
    """Empty if the model gives each text one class: its file has no such keys."""
    if config.thresholds is None:
        return {}
    named = dict(zip(config.classes, config.thresholds, strict=True))
    return {"multi_label": True, "thresholds": named}


def config_from_json(path: Path, values: Mapping[str, Any]) -> Config:
    """The configuration in the content of a `config.json`.

    Raises:
        BundleError: something is missing, unknown or of another version; the message names `path`.
    """
    stored = values.get("architecture")
    require(stored == ARCHITECTURE, path, f"the architecture {ARCHITECTURE!r}", repr(stored))
    _check_version(path, values.get("format_version"))
    for key in ("model", "text", "id2label", "label2id", "training"):
        section = values.get(key)
        require(isinstance(section, dict), path, f"{key!r} as an object", repr(section))
    try:
        settings = Settings.from_dict({key: values[key] for key in ("model", "text")})
    except UsageError as error:
        raise BundleError(f"{str(error).removesuffix('.')} in {path}; {ADVICE}.") from error
    classes = _classes(path, values["id2label"], values["label2id"])
    return Config(
        model=settings.model,
        text=settings.text,
        classes=classes,
        temperature=values.get("temperature", 1.0),
        provenance=values["training"],
        thresholds=_read_thresholds(path, values, classes),
    )


def _check_version(path: Path, version: object) -> None:
    is_version = type(version) is int and version >= 1
    require(is_version, path, "a format version", repr(version))
    is_newer = type(version) is int and version > FORMAT_VERSION
    readable = f"at most format version {FORMAT_VERSION}"
    require(not is_newer, path, readable, version, "upgrade sentiment-lstm to read it")


def _classes(path: Path, id2label: dict[str, Any], label2id: dict[str, Any]) -> tuple[str, ...]:
    """The classes in the order of their index; the two maps must be each other's inverse."""
    names = [id2label.get(str(i)) for i in range(len(id2label))]
    inverse = {str(name): i for i, name in enumerate(names)}
    fits = len(names) >= 2 and None not in names and inverse == label2id
    require(fits, path, "id2label and label2id to agree", f"{id2label} and {label2id}")
    return tuple(inverse)


def _read_thresholds(
    path: Path, values: Mapping[str, Any], classes: Sequence[str]
) -> tuple[float, ...] | None:
    if not values.get("multi_label", False):
        return None
    thresholds = values.get("thresholds")
    named = thresholds if isinstance(thresholds, dict) else {}
    fits = named.keys() == set(classes) and all(
        isinstance(value, float) and 0 < value < 1 for value in named.values()
    )
    require(fits, path, "a threshold above 0 and below 1 for each label", repr(thresholds))
    return tuple(named[name] for name in classes)
