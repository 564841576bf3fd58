"""The gates of an LSTM at every token of a text, in NumPy from a bundle's weights.

The equations are those of `model.cell`, the reference. An ONNX graph does not return its gates, so
they are computed here. Shapes: T tokens, E embedding size, H hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates and states of one layer that reads forwards. Every array is float32 [T, H].

    `input`, `forget` and `output` are gates, between 0 (shut) and 1 (open). `candidate` is what the
    input gate can let into the cell, between -1 and 1. `cell` is the cell state and `hidden` the
    hidden state.
    """

    input: Array
    forget: Array
    candidate: Array
    output: Array
    cell: Array
    hidden: Array

    def half_life(self) -> Array:
        """After how many tokens half of a unit's cell state is left, for each unit, [H].

        What is left is the product of the forget gates, so the half-life comes from the mean of
        their logarithms. It is infinite for a unit that forgets nothing.
        """
        decay = -np.log(np.maximum(self.forget, 1e-30)).mean(axis=0)
        with np.errstate(divide="ignore"):
            tokens: Array = np.log(2) / np.abs(decay)  # the logarithm of 1 can be -0
        return tokens


def gates(weights: Mapping[str, Array], ids: NDArray[np.int32]) -> list[Gates]:
    """Compute the gates of every layer while it reads a text.

    Args:
        weights: the weights of a bundle. Of a bidirectional model only the forward direction is
            computed.
        ids: token ids, [T], at least one.

    Raises:
        ValueError: the model is bidirectional and has several layers. Its second layer reads both
            directions of the first.
    """
    layers: list[Gates] = []
    x = weights["embedding.weight"][ids]
    for parameters in _layer_parameters(weights):
        if layers and "back.0.weight_ih_l0" in weights:
            raise ValueError(
                "Expected a model of one direction or of one layer, found two directions and "
                "several layers: their gates depend on both directions."
            )
        layers.append(_layer_gates(parameters, x))
        x = layers[-1].hidden
    return layers


def _layer_parameters(weights: Mapping[str, Array]) -> Iterator[list[Array]]:
    """Input weights, recurrent weights and both biases of each forward layer."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    number = 0
    while f"ahead.{number}.weight_ih_l0" in weights:
        yield [weights[f"ahead.{number}.{name}_l0"] for name in names]
        number += 1


def _layer_gates(parameters: list[Array], x: Array) -> Gates:
    w_x, w_h, b_x, b_h = parameters
    from_x = x @ w_x.T + b_x + b_h
    h = c = np.zeros(w_h.shape[1], dtype=np.float32)
    steps = []
    for row in from_x:
        i, f, g, o = np.split(row + w_h @ h, 4)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((i, f, g, o, c, h))
    return Gates(*(np.stack(values) for values in zip(*steps, strict=True)))


def _sigmoid(x: Array) -> Array:
    """The logistic function, without overflow."""
    y: Array = 0.5 * (1 + np.tanh(0.5 * x))
    return y
