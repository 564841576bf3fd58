"""Computes the score and the forget gate after each token of a text.

All hidden states come from one call: this is about ten times as fast as a call for each token.
Knows arrays and no text. Shapes: T tokens, E embedding, H hidden, U units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class EachToken(NamedTuple):
    """The results after each of T tokens.

    `logits`: [T] or [T, C], as `Runtime.read` returns them. `forget`: the mean of the forget gates
    of the first layer at each token, from 0 (forgets all) to 1 (keeps all), [T]. `state`: the state
    after the last token.
    """

    logits: Floats
    forget: Floats
    state: Any


class ForgetGate:
    """The forget gate of a model's first layer, which reads forwards.

    The equation is that of `model.cell`: f = sigmoid(W x + U h + b), with the token's embedding x
    and the hidden state h before the token (Gers, Schmidhuber & Cummins 2000).

    Args:
        weights: those of a bundle.
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        size = weights["ahead.0.weight_hh_l0"].shape[1]
        gate = slice(size, 2 * size)  # PyTorch's order of gates: input, forget, candidate, output
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w, u, b_x, b_h = (weights[f"ahead.0.{kind}_l0"][gate] for kind in kinds)
        self.w, self.u, self.bias = w.T, u.T, b_x + b_h
        """[E, H], [H, H] and [H]."""
        self._embedding = weights["embedding.weight"]

    def means(self, ids: NDArray[np.integer[Any]], before: Floats) -> Floats:
        """Return the mean of all units at each token, [T].

        Args:
            ids: token ids, [T].
            before: the first layer's hidden state before each token, [T, H].
        """
        summed = self._embedding[ids] @ self.w + before @ self.u + self.bias
        means: Floats = (0.5 * (1 + np.tanh(0.5 * summed))).mean(axis=1)
        return means


def pooled_each(parts: Sequence[str], hidden: Floats, state: Mapping[str, Floats]) -> Floats:
    """Return the summary of a text after each token, [T, `width`]: running maximum, mean and last.

    Args:
        parts: the parts of the pooling, some of "max", "mean" and "last", in this order.
        hidden: the last layer's hidden states, [T, H].
        state: the state before these tokens. `pooled0` is the maximum, `pooled1` the sum, each
            [1, H], and `pooled2` the number of tokens, [1, 1].
    """
    if "max" not in parts:
        return hidden
    highest = np.maximum(np.maximum.accumulate(hidden, axis=0), state["pooled0"])
    total = np.cumsum(hidden, axis=0, dtype=np.float64) + state["pooled1"]
    tokens = np.arange(1, len(hidden) + 1)[:, None] + state["pooled2"]
    last = [hidden] if "last" in parts else []
    return np.concatenate([highest, (total / tokens).astype(np.float32), *last], axis=1)
