"""What an LSTM's gates do over the tokens of a text, in NumPy from a bundle's weights.

The same equations as `model.cell`, which is their reference; a graph does not give gates away.
Shapes: T tokens, E embedding, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gates:
    """One layer, reading forwards: every array is float32 [T, H].

    `input`, `forget` and `output` are shares in (0, 1); `candidate` is what might be written, in
    (-1, 1); `cell` is the memory and `hidden` what of it is shown.
    """

    input: Array
    forget: Array
    candidate: Array
    output: Array
    cell: Array
    hidden: Array

    def half_life(self) -> Array:
        """After how many tokens half of a memory is left, for each unit, [H].

        What is left is the product of the forget gates, so their logarithms are averaged. Where
        nothing is forgotten it is infinite.
        """
        lost = -np.log(np.maximum(self.forget, 1e-30)).mean(axis=0)
        with np.errstate(divide="ignore"):
            kept: Array = np.log(2) / np.abs(lost)  # of 1 the logarithm may be -0
        return kept


def gates(weights: Mapping[str, Array], ids: NDArray[np.int32]) -> list[Gates]:
    """The gates of every layer while it reads a text.

    Args:
        weights: a bundle's; of a model of two directions the one that reads ahead, alone.
        ids: token ids, [T], at least one.

    Raises:
        ValueError: the model has two directions and several layers: its second layer reads both.
    """
    found: list[Gates] = []
    x = weights["embedding.weight"][ids]
    for layer in _layers(weights):
        if found and "back.0.weight_ih_l0" in weights:
            raise ValueError(
                "Expected a model of one direction, or of one layer, found two of each: its gates "
                "cannot be followed ahead alone."
            )
        found.append(_layer(layer, x))
        x = found[-1].hidden
    return found


def _layers(weights: Mapping[str, Array]) -> Iterator[list[Array]]:
    """Input weights, state weights and both biases of each layer that reads ahead."""
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    number = 0
    while f"ahead.{number}.weight_ih_l0" in weights:
        yield [weights[f"ahead.{number}.{kind}_l0"] for kind in kinds]
        number += 1


def _layer(parameters: list[Array], x: Array) -> Gates:
    w_x, w_h, b_x, b_h = parameters
    given = x @ w_x.T + b_x + b_h
    h = c = np.zeros(w_h.shape[1], dtype=np.float32)
    steps = []
    for row in given:
        i, f, g, o = np.split(row + w_h @ h, 4)
        i, f, g, o = _share(i), _share(f), np.tanh(g), _share(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((i, f, g, o, c, h))
    return Gates(*(np.stack(values) for values in zip(*steps, strict=True)))


def _share(x: Array) -> Array:
    """The logistic function, without overflow."""
    found: Array = 0.5 * (1 + np.tanh(0.5 * x))
    return found
