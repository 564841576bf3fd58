"""A saved model: a folder of files in safe formats, written as a whole and checked when read.

This module knows the names and shapes of the weights and needs no torch to check them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle_config import FORMAT_VERSION as FORMAT_VERSION
from sentiment_lstm.bundle_config import Config as Config
from sentiment_lstm.bundle_config import config_as_json, config_from_json
from sentiment_lstm.card import model_card
from sentiment_lstm.errors import BundleError, UsageError
from sentiment_lstm.provenance import as_stored, replace_paths, without_paths
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.storage import as_json, finish_replacing, write_together
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.weights_file import (
    ADVICE,
    WIDE,
    check_half,
    read_weights,
    require,
    weights_as_bytes,
)
from sentiment_lstm.weights_file import expected_shapes as expected_shapes

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

TEMPERATURES = 0.01, 100
"""The lowest and the highest temperature. Calibration gives values from 1/20 to 20."""

SHIPPED = Path(__file__).parent / "pretrained"
"""The folder of the models that come with the package."""

STARTS = Path(__file__).parent / "starts"
"""The folder of the models that come with the package for trainings to start from."""

RUN_SETTINGS = "settings.json"
"""A run's settings. The file lies beside the bundle and is not part of it."""

_SHARED_BLOB = re.compile("[0-9a-f]{64}")
"""The name of a file in the cache's shared `blobs`; its folder has the first two characters."""


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
    """Whether the folder holds a completely saved model. A save that was killed is completed."""
    finish_replacing(folder / CONFIG)
    return (folder / CONFIG).is_file()


def is_run(folder: Path) -> bool:
    """Whether a training has begun in the folder.

    If a process was killed while it wrote the first files, they are completed.
    """
    finish_replacing(folder / RUN_SETTINGS)
    return (folder / RUN_SETTINGS).is_file()


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Write a bundle. After a crash the folder holds a complete bundle or none.

    A folder that does not exist is made. Paths of the sources and of the initial model are written
    as names, in `config.json` and in the card.

    Raises:
        BundleError: the parts do not fit one another; nothing is written.
        SentimentError: the disk is full, or the folder cannot be written to.
    """
    _check_fit(folder, bundle)
    check_half(folder / WEIGHTS, bundle.weights, half=bundle.half)
    config = _to_json(bundle) | {"graphs": list(bundle.graphs)}
    card = without_paths(bundle.card, bundle.config.provenance)
    card = card or model_card(folder.resolve().name, config, bundle.metrics)
    contents = (
        card.encode("utf-8", errors="replace"),
        as_json(bundle.metrics),
        bundle.tokenizer.to_json().encode(),
        weights_as_bytes(bundle.weights, bundle.tokenizer.hashes, half=bundle.half),
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
        weights, hashes, half = read_weights(folder / WEIGHTS)
        values = _read_json(folder / CONFIG)
        config = config_from_json(folder / CONFIG, values)
        correct_slips = config.text.correct_slips
        bundle = Bundle(
            config=config,
            tokenizer=TextTokenizer.load(
                folder / TOKENIZER, correct_slips=correct_slips, hashes=hashes
            ),
            weights=weights,
            metrics=_read_json(folder / METRICS),
            card=(folder / CARD).read_text(encoding="utf-8", errors="replace"),
            graphs=_read_graphs(folder, values.get("graphs", [])),
            half=half,
            folder=folder.absolute(),
        )
    except BundleError:  # an OSError too
        raise
    except OSError as error:
        raise BundleError(
            f"Expected a readable model in {str(folder)[:200]}, found: {error.strerror}; {ADVICE}."
        ) from error
    _check_fit(folder, bundle)
    return bundle


def bundle_as_files(bundle: Bundle) -> dict[str, bytes]:
    """The files of a saved model: name -> content. A program can store them where it has no folder.

    Without a card, `README.md` is empty: a card would name a temporary folder.

    Raises:
        BundleError: as `save_bundle`.
    """
    with TemporaryDirectory() as name:
        folder = Path(name) / "model"
        save_bundle(folder, bundle)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return files if bundle.card else files | {CARD: b""}


def bundle_from_files(files: Mapping[str, bytes]) -> Bundle:
    """A model from its files, as `bundle_as_files` returns them. Files of other names are left out.

    Raises:
        BundleError: as `load_bundle`.
    """
    with TemporaryDirectory() as name:
        for file in files.keys() & {*FILES, *GRAPHS}:
            (Path(name) / file).write_bytes(files[file])
        return replace(load_bundle(Path(name)), folder=None)


def with_temperature_one(bundle: Bundle) -> Bundle:
    """The bundle with its temperature in the output layer, without its graphs.

    Its probabilities stay the same.
    """
    temperature = np.float32(bundle.config.temperature)
    weights = {
        name: array / temperature if name == WIDE or name.startswith("output.") else array
        for name, array in bundle.weights.items()
    }
    config = replace(bundle.config, temperature=1.0)
    return replace(bundle, config=config, weights=weights, graphs={})


def run_settings(bundle: Bundle) -> Settings | None:
    """The settings of the run that made this bundle, with paths.

    Returns:
        None: the folder holds no run, or its model was replaced.

    Raises:
        UsageError: the run's `settings.json` is damaged.
    """
    path = bundle.folder / RUN_SETTINGS if bundle.folder else None
    stored = bundle.config.provenance.get("settings")
    is_readable = path is not None and path.is_file() and _is_own_file(path)
    if path is None or not is_readable or not isinstance(stored, Mapping):
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
    parts += [repr(bundle.config.thresholds)] if bundle.config.multi_label else []
    parts += ["slips"] if bundle.tokenizer.correct_slips else []
    familiarity = bundle.config.provenance.get("familiarity")  # it lowers scores
    parts += [json.dumps(familiarity, sort_keys=True)] if familiarity else []
    digest = hashlib.sha256("\0".join([*parts, *bundle.graphs]).encode())
    if bundle.tokenizer.hashes is not None:
        digest.update(bundle.tokenizer.hashes.tobytes())
    for name in sorted(bundle.weights):
        digest.update(np.ascontiguousarray(bundle.weights[name]).data)
    for graph in bundle.graphs.values():
        digest.update(graph)
    return digest.hexdigest()


def _to_json(bundle: Bundle) -> dict[str, object]:
    values = config_as_json(bundle.config, has_wide_path=WIDE in bundle.weights)
    return values | {"training": as_stored(bundle.config.provenance, typed_settings(bundle))}


def _check_files(folder: Path) -> None:
    if not folder.exists():
        shipped = " or ".join(sorted(path.name for path in SHIPPED.iterdir() if is_bundle(path)))
        raise BundleError(
            f"Expected a saved model in {folder}, found no such folder; name another folder or a "
            f"shipped model ({shipped}), or train one with `sentiment-lstm train --data FILE --out "
            f"{folder}`."
        )
    require(folder.is_dir(), folder, "a saved model", "a file", "name a folder")
    unfinished = not is_bundle(folder) and is_run(folder)
    go_on = f"continue with `sentiment-lstm train --resume {folder}`"
    require(not unfinished, folder, "a trained model", "a training that is not finished", go_on)
    _require_files(folder, FILES)


def _require_files(folder: Path, names: Sequence[str]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    files = "the files" if len(missing) > 1 else "the file"
    require(not missing, folder, f"{files} {', '.join(missing)}", "none")
    for name in names:
        is_own = _is_own_file(folder / name)
        remedy = "put the file itself there"
        require(is_own, folder, f"{name} as a file of its own", "a link to another folder", remedy)


def _is_own_file(path: Path) -> bool:
    """Whether a file lies in its folder, not behind a link to another one.

    In the cache of `huggingface_hub`, the files of `MODEL/snapshots/REVISION` are links to
    `MODEL/blobs`, which may be links to the `blobs` that all models of the cache share.
    """
    folder, file = path.parent.resolve(), path.resolve()
    if file.parent == folder or folder.parent.name != "snapshots":
        return file.parent == folder
    model = folder.parent.parent
    is_shared = _SHARED_BLOB.fullmatch(file.name) and file.parent.name == file.name[:2]
    own, shared = model / "blobs", model.parent / "blobs"
    return file.parent == own or (bool(is_shared) and file.parent.parent == shared)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"Expected JSON in {path}, found: {error}; {ADVICE}.") from error
    require(isinstance(values, dict), path, "a JSON object", type(values).__name__)
    return dict(values)


def _read_graphs(folder: Path, names: object) -> dict[str, bytes]:
    """The graphs that config.json lists. Others may be left from an older model: ignore them."""
    known = names if isinstance(names, list) and all(name in GRAPHS for name in names) else None
    expected = f"'graphs' among {', '.join(GRAPHS)}"
    require(known is not None, folder / CONFIG, expected, repr(names))
    names = known or []
    _require_files(folder, names)
    return {name: (folder / name).read_bytes() for name in names}


def _check_fit(folder: Path, bundle: Bundle) -> None:
    """Check a bundle after reading and before writing."""
    value: object = bundle.config.temperature
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    lowest, highest = TEMPERATURES
    fits = is_number and lowest <= value <= highest  # type: ignore[operator]
    require(fits, folder / CONFIG, f"a temperature from {lowest} to {highest}", repr(value))
    slips = bundle.config.text.correct_slips
    fits = bundle.tokenizer.correct_slips == slips
    require(fits, folder / CONFIG, f"a tokenizer with text.correct_slips={slips}", not slips)
    _check_shapes(folder / WEIGHTS, bundle)
    for name, array in bundle.weights.items():
        is_finite = bool(np.isfinite(array).all())
        require(is_finite, folder / WEIGHTS, f"finite numbers for {name}", "NaN or infinity")


def _check_shapes(path: Path, bundle: Bundle) -> None:
    """Check names and sizes first, because their messages are clearer."""
    config, words = bundle.config, len(bundle.tokenizer)
    features = 0 if bundle.tokenizer.hashes is None else len(bundle.tokenizer.hashes)
    count, multi_label = len(config.classes), config.multi_label
    expected = expected_shapes(config.model, words, count, features, multi_label=multi_label)
    shapes = {name: array.shape for name, array in bundle.weights.items()}
    names = sorted(expected.keys() ^ shapes.keys())
    require(not names, path, "the weights that config.json describes", f"a difference in {names}")
    rows, units = shapes["embedding.weight"][:1], shapes["output.bias"]
    require(rows == (words,), path, f"an embedding of the tokenizer's {words} tokens", rows)
    outputs = expected["output.bias"]
    labels = f"an output of {outputs} for {len(config.classes)} labels"
    require(units == outputs, path, labels, units)
    for name, shape in expected.items():
        require(shapes[name] == shape, path, f"{name} of shape {shape}", shapes[name])
