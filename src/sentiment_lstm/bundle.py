"""A saved model: a folder of files in safe formats, written as a whole and checked when read.

This module knows the names and shapes of the weights and needs no torch to check them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from sentiment_lstm.card import model_card
from sentiment_lstm.errors import BundleError, UsageError
from sentiment_lstm.provenance import as_stored, replace_paths, without_paths
from sentiment_lstm.setting_names import to_format_1
from sentiment_lstm.settings import ModelSettings, Settings, TextSettings, read_json
from sentiment_lstm.storage import as_json, write_together
from sentiment_lstm.text.tokenizer import TextTokenizer

ARCHITECTURE = "lstm-classifier"
FORMAT_VERSION = 1

CARD, METRICS, TOKENIZER, WEIGHTS, CONFIG = FILES = (
    "README.md",
    "metrics.json",
    "tokenizer.json",
    "model.safetensors",
    "config.json",
)
"""The files of a bundle in the order of writing: if the last one is there, all are there."""

GRAPHS = FLOAT_GRAPH, INT8_GRAPH = ("model.onnx", "model.int8.onnx")
"""Optional files of a bundle: graphs that run without torch (`export`)."""

RUN_SETTINGS = "settings.json"
"""A run's settings. The file lies beside the bundle and is not part of it."""

_ADVICE = "copy the whole model again, or train it again"


@dataclass(frozen=True, slots=True)
class Config:
    """What the weights are for.

    `classes`: the name of each class, in the order of the logits. `temperature`: logits are divided
    by it before they become probabilities. `provenance`: how the model was made (settings, hashes
    of sources, rows set aside, versions); any JSON value. Its paths are saved as names.
    """

    model: ModelSettings
    text: TextSettings
    classes: tuple[str, ...]
    temperature: float = 1.0
    provenance: Mapping[str, object] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model with all that is needed to use it.

    `weights`: float32 arrays by parameter name. `metrics`: measured numbers by name. `card`: the
    text of the model card; if empty, it is made from the rest when the bundle is saved. `graphs`:
    serialised ONNX graphs by their names in `GRAPHS`; a graph may take arrays from the weights.
    `half`: weights are stored in half precision, at half the size. `folder`: where the bundle was
    read from; None if it was made in memory. It is never saved.
    """

    config: Config
    tokenizer: TextTokenizer
    weights: Mapping[str, NDArray[np.float32]]
    metrics: Mapping[str, object]
    card: str = ""
    graphs: Mapping[str, bytes] = field(default_factory=dict)
    half: bool = False
    folder: Path | None = None


def is_bundle(folder: Path) -> bool:
    """Whether the folder holds a completely saved model."""
    return (folder / CONFIG).is_file()


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Write a bundle. After a crash the folder holds a complete bundle or none.

    A folder that does not exist is made. Paths of the sources and of the initial model are written
    as names, in `config.json` and in the card.

    Raises:
        BundleError: the parts do not fit one another; nothing is written.
        SentimentError: the disk is full, or the folder cannot be written to.
    """
    _check_fit(folder, bundle)
    config = _to_json(bundle) | {"graphs": list(bundle.graphs)}
    card = without_paths(bundle.card, bundle.config.provenance)
    card = card or model_card(folder.resolve().name, config, bundle.metrics)
    stored = np.float16 if bundle.half else np.float32
    contents = (
        card.encode("utf-8", errors="replace"),
        as_json(bundle.metrics),
        bundle.tokenizer.to_json().encode(),
        safetensors.numpy.save(
            {k: np.ascontiguousarray(v, dtype=stored) for k, v in bundle.weights.items()}
        ),
        as_json(config),
    )
    write_together(folder, {**bundle.graphs, **dict(zip(FILES, contents, strict=True))})


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and check that its parts are whole and fit one another.

    Raises:
        BundleError: a file is missing or damaged, the format is newer than this version, or names,
            shapes, labels or numbers do not fit.
    """
    try:
        _check_files(folder)
        weights = _read_weights(folder / WEIGHTS)
        config = _read_config(folder / CONFIG)
        correct_slips = config.text.correct_slips
        bundle = Bundle(
            config=config,
            tokenizer=TextTokenizer.load(folder / TOKENIZER, correct_slips=correct_slips),
            weights={k: v.astype(np.float32) for k, v in weights.items()},
            metrics=_read_json(folder / METRICS),
            card=(folder / CARD).read_text(encoding="utf-8", errors="replace"),
            graphs=_read_graphs(folder),
            half=all(array.dtype == np.float16 for array in weights.values()),
            folder=folder.absolute(),
        )
    except BundleError:  # an OSError too
        raise
    except OSError as error:
        raise BundleError(
            f"Expected a readable model in {str(folder)[:200]}, found: {error.strerror}; {_ADVICE}."
        ) from error
    _check_fit(folder, bundle)
    return bundle


def run_settings(bundle: Bundle) -> Settings | None:
    """The settings of the run that made this bundle, with paths.

    Returns:
        None: the folder holds no run, or its model was replaced.

    Raises:
        UsageError: the run's `settings.json` is damaged.
    """
    path = bundle.folder / RUN_SETTINGS if bundle.folder else None
    stored = bundle.config.provenance.get("settings")
    if path is None or not path.is_file() or not isinstance(stored, Mapping):
        return None
    settings = read_json(path)
    return settings if _as_saved(settings.to_dict()) == _as_saved(stored) else None


def typed_settings(bundle: Bundle) -> Mapping[str, Any] | None:
    """The settings as they were typed, with paths; None: not known."""
    if bundle.folder is None:
        return bundle.config.provenance.get("settings")  # type: ignore[return-value]
    try:
        settings = run_settings(bundle)
    except UsageError:
        return None
    return settings.to_dict() if settings else None


def _as_saved(settings: Mapping[str, Any]) -> Settings:
    """The settings as a bundle stores them; keys that an older version lacks have defaults."""
    return Settings.from_dict(replace_paths({"settings": settings})["settings"])


def fingerprint(bundle: Bundle) -> str:
    """A hash of everything that decides what a bundle predicts."""
    parts = [bundle.tokenizer.to_json(), *bundle.config.classes, repr(bundle.config.temperature)]
    parts += ["slips"] if bundle.tokenizer.correct_slips else []
    digest = hashlib.sha256("\0".join([*parts, *bundle.graphs]).encode())
    for name in sorted(bundle.weights):
        digest.update(np.ascontiguousarray(bundle.weights[name]).data)
    for graph in bundle.graphs.values():
        digest.update(graph)
    return digest.hexdigest()


def expected_shapes(
    model: ModelSettings, vocabulary: int, classes: int
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of the classifier that these settings describe."""
    width = model.hidden_size * (2 if model.bidirectional else 1)
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary, model.embedding_size)}
    for direction in ("ahead", "back") if model.bidirectional else ("ahead",):
        for layer in range(model.layers):
            inputs = width if layer else model.embedding_size
            name, hidden = f"{direction}.{layer}", model.hidden_size
            shapes[f"{name}.weight_ih_l0"] = (4 * hidden, inputs)
            shapes[f"{name}.weight_hh_l0"] = (4 * hidden, hidden)
            shapes[f"{name}.bias_ih_l0"] = shapes[f"{name}.bias_hh_l0"] = (4 * hidden,)
    if model.pooling == "attention":
        shapes["pooling.attention.weight"] = (1, width)
    units = 1 if classes == 2 else classes
    pooled = width * len(model.pooling.split("+"))
    return shapes | {"output.weight": (units, pooled), "output.bias": (units,)}


def _to_json(bundle: Bundle) -> dict[str, object]:
    config = bundle.config
    sections = to_format_1(Settings(model=config.model, text=config.text).to_dict())
    return {
        "architecture": ARCHITECTURE,
        "format_version": config.format_version,
        "model": sections["model"],
        "text": sections["text"],
        "id2label": {str(i): name for i, name in enumerate(config.classes)},
        "label2id": {name: i for i, name in enumerate(config.classes)},
        "temperature": config.temperature,
        "training": as_stored(config.provenance, typed_settings(bundle)),
    }


def _require(fits: bool, path: Path, expected: str, actual: object, remedy: str = _ADVICE) -> None:
    """Raise the error about a bundle that does not fit."""
    if not fits:
        raise BundleError(f"Expected {expected} in {path}, found {actual}; {remedy}.")


def _check_files(folder: Path) -> None:
    train = f"name another folder, or train one with `sentiment-lstm train --out {folder}`"
    _require(folder.exists(), folder, "a saved model", "no such folder", train)
    _require(folder.is_dir(), folder, "a saved model", "a file", "name a folder")
    unfinished = (folder / RUN_SETTINGS).is_file() and not is_bundle(folder)
    go_on = f"continue with `sentiment-lstm train --resume {folder}`"
    _require(not unfinished, folder, "a trained model", "a training that is not finished", go_on)
    _require_files(folder, FILES)


def _require_files(folder: Path, names: Sequence[str]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    files = "the files" if len(missing) > 1 else "the file"
    _require(not missing, folder, f"{files} {', '.join(missing)}", "none")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"Expected JSON in {path}, found: {error}; {_ADVICE}.") from error
    _require(isinstance(values, dict), path, "a JSON object", type(values).__name__)
    return dict(values)


def _read_config(path: Path) -> Config:
    values = _read_json(path)
    stored = values.get("architecture")
    _require(stored == ARCHITECTURE, path, f"the architecture {ARCHITECTURE!r}", repr(stored))
    _check_version(path, values.get("format_version"))
    for key in ("model", "text", "id2label", "label2id", "training"):
        section = values.get(key)
        _require(isinstance(section, dict), path, f"{key!r} as an object", repr(section))
    try:
        settings = Settings.from_dict({key: values[key] for key in ("model", "text")})
    except UsageError as error:
        raise BundleError(f"{str(error).removesuffix('.')} in {path}; {_ADVICE}.") from error
    return Config(
        model=settings.model,
        text=settings.text,
        classes=_classes(path, values["id2label"], values["label2id"]),
        temperature=values.get("temperature", 1.0),
        provenance=values["training"],
        format_version=values["format_version"],
    )


def _check_version(path: Path, version: object) -> None:
    is_version = type(version) is int and version >= 1
    _require(is_version, path, "a format version", repr(version))
    is_newer = type(version) is int and version > FORMAT_VERSION
    readable = f"at most format version {FORMAT_VERSION}"
    _require(not is_newer, path, readable, version, "upgrade sentiment-lstm to read it")


def _classes(path: Path, id2label: dict[str, Any], label2id: dict[str, Any]) -> tuple[str, ...]:
    """The classes in the order of their index; the two maps must be each other's inverse."""
    names = [id2label.get(str(i)) for i in range(len(id2label))]
    inverse = {str(name): i for i, name in enumerate(names)}
    fits = len(names) >= 2 and None not in names and inverse == label2id
    _require(fits, path, "id2label and label2id to agree", f"{id2label} and {label2id}")
    return tuple(inverse)


def _read_weights(path: Path) -> dict[str, NDArray[np.float32] | NDArray[np.float16]]:
    """The arrays as they are stored: half precision saves space, scoring uses single precision."""
    try:
        arrays = safetensors.numpy.load_file(path)
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise BundleError(f"Expected weights in {path}, found: {error}; {_ADVICE}.") from error
    for name, array in arrays.items():
        fits = array.dtype in (np.float32, np.float16)
        _require(fits, path, f"{name} in float32 or float16", array.dtype)
    return arrays


def _read_graphs(folder: Path) -> dict[str, bytes]:
    """The graphs that config.json lists. Others may be left from an older model: ignore them."""
    names = _read_json(folder / CONFIG).get("graphs", [])
    are_known = isinstance(names, list) and all(name in GRAPHS for name in names)
    _require(are_known, folder / CONFIG, f"'graphs' among {', '.join(GRAPHS)}", repr(names))
    _require_files(folder, names)
    return {name: (folder / name).read_bytes() for name in names}


def _check_fit(folder: Path, bundle: Bundle) -> None:
    """Check a bundle after reading and before writing."""
    value: object = bundle.config.temperature
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = is_number and 0 < value < 1e9  # type: ignore[operator]
    _require(fits, folder / CONFIG, "a temperature above 0", repr(value))
    slips = bundle.config.text.correct_slips
    fits = bundle.tokenizer.correct_slips == slips
    _require(fits, folder / CONFIG, f"a tokenizer with text.correct_slips={slips}", not slips)
    _check_shapes(folder / WEIGHTS, bundle)
    for name, array in bundle.weights.items():
        is_finite = bool(np.isfinite(array).all())
        _require(is_finite, folder / WEIGHTS, f"finite numbers for {name}", "NaN or infinity")


def _check_shapes(path: Path, bundle: Bundle) -> None:
    """Check names and sizes first, because their messages are clearer."""
    config, words = bundle.config, len(bundle.tokenizer)
    expected = expected_shapes(config.model, words, len(config.classes))
    shapes = {name: array.shape for name, array in bundle.weights.items()}
    names = sorted(expected.keys() ^ shapes.keys())
    _require(not names, path, "the weights that config.json describes", f"a difference in {names}")
    rows, units = shapes["embedding.weight"][:1], shapes["output.bias"]
    _require(rows == (words,), path, f"an embedding of the tokenizer's {words} tokens", rows)
    outputs = expected["output.bias"]
    labels = f"an output of {outputs} for {len(config.classes)} labels"
    _require(units == outputs, path, labels, units)
    for name, shape in expected.items():
        _require(shapes[name] == shape, path, f"{name} of shape {shape}", shapes[name])
