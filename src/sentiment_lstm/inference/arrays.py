"""A bundle's weights in the order and precision of its ONNX graphs; the state they carry.

Needs no ONNX: export puts these arrays into graphs or leaves them out, and the runtime brings those
that were left out. Shapes: B texts, E embedding, H hidden, D directions, W = D x H.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.settings import ModelSettings

Array = NDArray[Any]
Weights = Mapping[str, NDArray[np.float32]]
ANCHORS = 2
"""Units that hold a quantised layer's ranges fixed: two more inputs and two more states.

Dynamic quantisation takes its range from whatever else stands in the batch, so that a text's score
would move with its neighbours. Two inputs at the largest and smallest value that any token has, and
two states at 1 and -1, which no state can pass, make every range a constant.
"""
CELL = 30.0
"""An anchor's cell state: it starts here, or at its negative, and moves away from 0."""
_OPEN, _CANDIDATE = 30.0, 15.0
_ORDER = [0, 3, 1, 2]
"""ONNX keeps input, output, forget gate and candidate in this order; PyTorch i, f, g, o."""


def shared_arrays(bundle: Bundle, *, quantised: bool) -> dict[str, Array]:
    """The arrays of a graph that need not stand in it: they follow from the bundle's weights.

    In int8 that is the embedding alone; the LSTM's weights are small then.
    """
    settings, weights = bundle.config.model, bundle.weights
    table = weights["embedding.weight"]
    if quantised:
        return {"table": quantised_table(table)[0]}
    found: dict[str, Array] = {"table": table}
    for layer in range(settings.layers):
        names = (f"w{layer}", f"r{layer}", f"b{layer}")
        found |= zip(names, layer_arrays(settings, weights, layer, anchors=0), strict=True)
    return found


def quantised_table(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], np.float32]:
    """The embedding [V, E] as int8 [V, E + 2], anchors at its end, and the size of a step."""
    step = np.float32(max(float(np.abs(table).max()), 1e-12) / 127)
    ends = np.tile(np.array([[127, -127]], dtype=np.int8), (len(table), 1))
    return np.concatenate([np.rint(table / step).astype(np.int8), ends], axis=1), step


def layer_arrays(
    settings: ModelSettings, weights: Weights, layer: int, anchors: int
) -> tuple[NDArray[np.float32], ...]:
    """One layer's weights as ONNX orders them: [D, 4H, E], [D, 4H, H], both biases [D, 8H]."""
    ways = ("ahead", "back") if settings.bidirectional else ("ahead",)
    blocks = len(ways) if layer else 1
    parts = [_one_way(weights, f"{way}.{layer}", blocks, anchors) for way in ways]
    return tuple(np.stack(arrays) for arrays in zip(*parts, strict=True))


def _one_way(
    weights: Weights, name: str, blocks: int, anchors: int
) -> tuple[NDArray[np.float32], ...]:
    """One direction of `layer_arrays`. `blocks`: input parts with anchors of their own."""
    w, r, b_in, b_state = (
        weights[f"{name}.{kind}_l0"].reshape(4, len(weights[f"{name}.{kind}_l0"]) // 4, -1)[_ORDER]
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    if anchors:
        w = np.pad(w.reshape(4, w.shape[1], blocks, -1), ((0, 0), (0, 2), (0, 0), (0, 2)))
        r = np.pad(r, ((0, 0), (0, 2), (0, 2)))
        ends = np.array([[[_OPEN]] * 2] * 3 + [[[_CANDIDATE], [-_CANDIDATE]]], dtype=np.float32)
        b_in = np.concatenate([b_in, ends], axis=1)
        b_state = np.pad(b_state, ((0, 0), (0, 2), (0, 0)))
    units = 4 * w.shape[1]
    bias = np.concatenate([b_in.ravel(), b_state.ravel()])
    return w.reshape(units, -1), r.reshape(units, -1), bias


def state_shapes(settings: ModelSettings) -> dict[str, tuple[str | int, ...]]:
    """The names and shapes of a graph's state; "B" stands for the number of texts."""
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
    found = enumerate(pooled[settings.pooling])
    return shapes | {f"pooled{place}": shape for place, shape in found}


def zero_state(settings: ModelSettings, texts: int) -> dict[str, NDArray[np.float32]]:
    """The state before the first token: zeros, but for the maximum of no tokens."""
    state = {
        name: np.zeros([texts if isinstance(n, str) else n for n in shape], dtype=np.float32)
        for name, shape in state_shapes(settings).items()
    }
    if "pooled0" in state:
        state["pooled0"] -= np.inf
    return state
