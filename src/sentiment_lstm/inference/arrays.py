"""A bundle's weights in the order and precision of its ONNX graphs, and the graphs' state.

Needs no ONNX. `export` puts some of these arrays into a graph and leaves out the rest; the runtime
supplies those. Shapes: B texts, E embedding, H hidden, D directions, W = D x H.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.settings import ModelSettings
from sentiment_lstm.weights_file import WIDE

Array = NDArray[Any]
Weights = Mapping[str, NDArray[np.float32]]
ANCHORS = 2
"""The number of extra inputs, and of extra states, that keep a quantised layer's ranges fixed.

Dynamic quantisation takes its range from all values in a batch, so a text's score would depend on
the other texts. Two extra inputs hold the largest and the smallest value of any token. Two extra
states hold 1 and -1, which no state can exceed. So every range is a constant.
"""
CELL = 30.0
"""An anchor's cell state starts at this value or its negative, and only moves away from 0."""
_OPEN, _CANDIDATE = 30.0, 15.0
_ORDER = [0, 3, 1, 2]
"""Turns PyTorch's gate order (input, forget, candidate, output) into ONNX's (i, o, f, g)."""


def shared_arrays(bundle: Bundle, *, quantised: bool) -> dict[str, Array]:
    """Return the arrays that a graph leaves out because the bundle's weights hold them.

    An int8 graph leaves out only the embedding, for its LSTM weights are small. The wide path is
    in no graph (`sum_features`).
    """
    settings, weights = bundle.config.model, bundle.weights
    table = weights["embedding.weight"]
    if quantised:
        return {"table": quantised_table(table)}
    arrays: dict[str, Array] = {"table": table}
    for layer in range(settings.layers):
        names = (f"w{layer}", f"r{layer}", f"b{layer}")
        arrays |= zip(names, layer_arrays(settings, weights, layer, anchors=0), strict=True)
    return arrays


def table_step(table: NDArray[np.float32]) -> np.float32:
    """Return the scale of the embedding in int8: the value of the whole number 1."""
    return np.float32(max(float(max(table.max(), -table.min())), 1e-12) / 127)


def quantised_table(table: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return the embedding [V, E] as int8 [V, E + 2], anchors last."""
    scaled = table / table_step(table)
    stored = np.empty((len(table), table.shape[1] + ANCHORS), dtype=np.int8)
    stored[:, :-ANCHORS] = np.rint(scaled, out=scaled)
    stored[:, -ANCHORS:] = (127, -127)
    return stored


def layer_arrays(
    settings: ModelSettings, weights: Weights, layer: int, anchors: int
) -> tuple[NDArray[np.float32], ...]:
    """Return a layer's weights in ONNX order: [D, 4H, E], [D, 4H, H], both biases [D, 8H]."""
    directions = ("ahead", "back") if settings.bidirectional else ("ahead",)
    blocks = len(directions) if layer else 1
    parts = [_direction_arrays(weights, f"{name}.{layer}", blocks, anchors) for name in directions]
    return tuple(np.stack(arrays) for arrays in zip(*parts, strict=True))


def _direction_arrays(
    weights: Weights, name: str, blocks: int, anchors: int
) -> tuple[NDArray[np.float32], ...]:
    """Return one direction of `layer_arrays`. `blocks`: input parts with anchors of their own."""
    w, r, b_in, b_state = (
        weights[f"{name}.{kind}_l0"].reshape(4, len(weights[f"{name}.{kind}_l0"]) // 4, -1)[_ORDER]
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    if anchors:
        w = np.pad(w.reshape(4, w.shape[1], blocks, -1), ((0, 0), (0, 2), (0, 0), (0, 2)))
        r = np.pad(r, ((0, 0), (0, 2), (0, 2)))
        gates = [[[_OPEN]] * 2] * 3 + [[[_CANDIDATE], [-_CANDIDATE]]]
        b_in = np.concatenate([b_in, np.array(gates, dtype=np.float32)], axis=1)
        b_state = np.pad(b_state, ((0, 0), (0, 2), (0, 0)))
    units = 4 * w.shape[1]
    bias = np.concatenate([b_in.ravel(), b_state.ravel()])
    return w.reshape(units, -1), r.reshape(units, -1), bias


def state_shapes(settings: ModelSettings, units: int = 0) -> dict[str, tuple[str | int, ...]]:
    """Return the names and shapes of a graph's state. "B" stands for the number of texts.

    `units`: the number of output units of the wide path, 0 without one.
    """
    directions = 2 if settings.bidirectional else 1
    width = directions * settings.hidden_size
    shapes: dict[str, tuple[str | int, ...]] = {}
    for layer in range(settings.layers):
        for name in ("h", "c"):
            shapes[f"{name}{layer}"] = (directions, "B", settings.hidden_size)
    pooled: dict[str, tuple[tuple[str | int, ...], ...]] = {
        "last": (),
        "max+mean": (("B", width), ("B", width), ("B", 1)),
        "max+mean+last": (("B", width), ("B", width), ("B", 1)),
        "attention": (("B", 1), ("B", width), ("B", 1)),
    }
    shapes |= {f"pooled{i}": shape for i, shape in enumerate(pooled[settings.pooling])}
    return shapes | ({"wide_sum": ("B", units)} if units else {})


def wide_units(weights: Weights) -> int:
    """Return the number of output units of the wide path, 0 without one."""
    return weights[WIDE].shape[1] if WIDE in weights else 0


def sum_features(
    weight: NDArray[np.float32], ids: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return what the features of each text add to the logits, float32 [B, U].

    It takes a tenth of the time of a graph's ScatterND.

    Args:
        weight: the weights of the wide path, [F, U].
        ids: indices of the features, text after text, [K].
        counts: the number of features of each text, [B].
    """
    sums = np.zeros((len(counts), weight.shape[1]), dtype=np.float32)
    filled = np.flatnonzero(counts)
    if len(filled):
        starts = (counts.cumsum() - counts)[filled]
        sums[filled] = np.add.reduceat(weight.take(ids, axis=0), starts, axis=0)
    return sums


def zero_state(
    settings: ModelSettings, texts: int, units: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Return the state before the first token: zeros, except a maximum of minus infinity."""
    state = {
        name: np.zeros([texts if isinstance(n, str) else n for n in shape], dtype=np.float32)
        for name, shape in state_shapes(settings, units).items()
    }
    if "pooled0" in state:
        state["pooled0"] -= np.inf
    return state
