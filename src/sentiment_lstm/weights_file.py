"""The weights of a bundle: their shapes by name, and their file, which also holds the hashes of the
wide path's features.

Knows nothing of the other files of a bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from sentiment_lstm.errors import BundleError
from sentiment_lstm.records import output_units
from sentiment_lstm.settings import ModelSettings

ADVICE = "copy the whole model again, or train it again"
WIDE, HASHES = "wide.weight", "wide.hashes"
"""The names of the wide path's weights, [F, U], and of its features' hashes, uint32 [F]."""


def require(fits: bool, path: Path, expected: str, actual: object, remedy: str = ADVICE) -> None:
    """Raise the error about a bundle that does not fit."""
    if not fits:
        raise BundleError(f"Expected {expected} in {path}, found {actual}; {remedy}.")


def expected_shapes(
    model: ModelSettings,
    vocabulary: int,
    classes: int,
    features: int = 0,
    *,
    multi_label: bool = False,
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
    units = output_units(classes, multi_label=multi_label)
    if features:
        shapes[WIDE] = (features, units)
    pooled = width * len(model.pooling.split("+"))
    return shapes | {"output.weight": (units, pooled), "output.bias": (units,)}


def check_half(path: Path, weights: Mapping[str, NDArray[np.float32]], *, half: bool) -> None:
    """Refuse finite numbers that are infinite in half precision. Arguments as `weights_as_bytes`.

    Raises:
        BundleError: there is such a number.
    """
    most = float(np.finfo(np.float16).max)
    for name in weights if half else weights.keys() & {WIDE}:
        largest = float(np.abs(weights[name]).max(initial=0))
        require(largest <= most, path, f"at most {most:,.0f} in {name}", f"{largest:,.0f}")


def weights_as_bytes(
    weights: Mapping[str, NDArray[np.float32]], hashes: NDArray[np.uint32] | None, *, half: bool
) -> bytes:
    """The file's content. The wide path is always stored in half precision.

    Args:
        weights: float32 arrays by name.
        hashes: the hashes of the wide path's features, [F]; None without a wide path.
        half: store the other arrays in half precision too.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        name: np.ascontiguousarray(array, np.float16 if half or name == WIDE else np.float32)
        for name, array in weights.items()
    }
    if hashes is not None:
        arrays[HASHES] = hashes
    return safetensors.numpy.save(arrays)


def read_weights(
    path: Path,
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.uint32] | None, bool]:
    """Weights in single precision, hashes, and whether all were stored in half precision.

    Raises:
        BundleError: the file is missing or damaged.
    """
    try:
        arrays = safetensors.numpy.load_file(path)
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise BundleError(f"Expected weights in {path}, found: {error}; {ADVICE}.") from error
    hashes = arrays.pop(HASHES, None)
    if hashes is not None:
        expected = f"{HASHES} as rising uint32"
        fits = hashes.dtype == np.uint32 and hashes.ndim == 1 and len(hashes) > 0
        require(fits, path, expected, f"{hashes.dtype} of shape {hashes.shape}")
        rising = bool((hashes[1:] > hashes[:-1]).all())
        require(rising, path, expected, "hashes in another order")
    for name, array in arrays.items():
        fits = array.dtype in (np.float32, np.float16)
        require(fits, path, f"{name} in float32 or float16", array.dtype)
    half = all(array.dtype == np.float16 for array in arrays.values())
    weights = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
    return weights, hashes, half
