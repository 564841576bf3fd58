"""A bundle's network in NumPy: logits of texts and their gradients by the embeddings.

The equations are those of `model.cell`, the reference; the gradients are those of back-propagation
through time (Werbos 1990). Knows no text. Shapes: B texts, T tokens (padded), E embedding size,
H hidden size, U output units. Arrays of a layer have the tokens first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.settings import ModelSettings

Array = NDArray[np.float32]
_NO_MAXIMUM = np.float32(-2)
"""Lower than any hidden state."""


def can_differentiate(settings: ModelSettings) -> bool:
    """Whether `Network` can run a model: one direction, and no attention."""
    return not settings.bidirectional and settings.pooling != "attention"


class Network:
    """The LSTM layers, the pooling and the output layer of a bundle.

    Args:
        bundle: a model that `can_differentiate` accepts.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.embedding = bundle.weights["embedding.weight"]
        self._layers = [
            _Layer.of(bundle.weights, number) for number in range(bundle.config.model.layers)
        ]
        self._parts = bundle.config.model.pooling.split("+")
        self._weight = bundle.weights["output.weight"]
        self.bias = bundle.weights["output.bias"]

    def logits(self, x: Array, lengths: NDArray[np.intp]) -> Array:
        """Return the logits [B, U] of embedded texts.

        Args:
            x: embeddings, [B, T, E].
            lengths: tokens of each text without padding, [B].
        """
        hidden = x.transpose(1, 0, 2)
        for layer in self._layers:
            hidden = layer.read(hidden).hidden
        return self._score(hidden, lengths)

    def gradients(
        self, x: Array, lengths: NDArray[np.intp], by_logits: Callable[[Array], Array]
    ) -> tuple[Array, Array]:
        """Return the gradients of a value by the embeddings, [B, T, E], and by the logits, [B, U].

        Args:
            x: embeddings, [B, T, E].
            lengths: tokens of each text without padding, [B].
            by_logits: turns logits [B, U] into the value's gradient by them, [B, U].
        """
        readings = []
        hidden = x.transpose(1, 0, 2)
        for layer in self._layers:
            readings.append(layer.read(hidden))
            hidden = readings[-1].hidden
        gradient = by_logits(self._score(hidden, lengths))
        by_input = self._by_hidden(gradient, hidden, lengths)
        for layer, reading in zip(self._layers[::-1], readings[::-1], strict=True):
            by_input = layer.gradient(reading, by_input)
        return by_input.transpose(1, 0, 2), gradient

    def _score(self, hidden: Array, lengths: NDArray[np.intp]) -> Array:
        real = _real(hidden, lengths)
        pooled = []
        for part in self._parts:
            if part == "mean":
                pooled.append((hidden * real).sum(axis=0) / lengths[:, None])
            elif part == "last":
                pooled.append(hidden[lengths - 1, np.arange(len(lengths))])
            else:
                pooled.append(np.where(real, hidden, _NO_MAXIMUM).max(axis=0))
        summary = np.concatenate(pooled, axis=1)
        logits: Array = summary.astype(np.float32) @ self._weight.T + self.bias
        return logits

    def _by_hidden(self, gradient: Array, hidden: Array, lengths: NDArray[np.intp]) -> Array:
        """Return the gradient by each hidden state through the pooling, [T, B, H]."""
        by_summary = np.split(gradient @ self._weight, len(self._parts), axis=1)
        result = np.zeros_like(hidden)
        rows = np.arange(len(lengths))
        for part, values in zip(self._parts, by_summary, strict=True):
            if part == "mean":
                result += _real(hidden, lengths) * (values / lengths[:, None].astype(np.float32))
            elif part == "last":
                result[lengths - 1, rows] += values
            else:
                top = np.where(_real(hidden, lengths), hidden, _NO_MAXIMUM).argmax(axis=0)
                result[top, rows[:, None], np.arange(hidden.shape[2])] += values
        return result


def _real(hidden: Array, lengths: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether each token of each text is real and not padding, [T, B, 1]."""
    real: NDArray[np.bool_] = (np.arange(len(hidden))[:, None] < lengths)[:, :, None]
    return real


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a layer computed.

    Its gates, [T, B, 4H] (input, forget, candidate, output), and its states, [T, B, H] each.
    """

    gates: Array
    cells: Array
    hidden: Array


@dataclass(frozen=True, slots=True)
class _Layer:
    """The weights of a layer: of its input [4H, E], of its state [4H, H], and its biases [4H]."""

    w_x: Array
    w_h: Array
    bias: Array

    @classmethod
    def of(cls, weights: Mapping[str, Array], number: int) -> _Layer:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_x, w_h, b_x, b_h = (weights[f"ahead.{number}.{name}_l0"] for name in names)
        return cls(w_x, w_h, b_x + b_h)

    def read(self, x: Array) -> _Reading:
        """Read texts, [T, B, E]."""
        tokens, texts, _ = x.shape
        size = self.w_h.shape[1]
        gates = np.ascontiguousarray(x) @ self.w_x.T + self.bias
        cells = np.empty((tokens, texts, size), dtype=np.float32)
        hidden = np.empty_like(cells)
        h = c = np.zeros((texts, size), dtype=np.float32)
        scale, shift = _activations(size)
        for gate, cell, state in zip(gates, cells, hidden, strict=True):
            gate += h @ self.w_h.T
            gate *= scale
            np.tanh(gate, out=gate)
            gate *= scale
            gate += shift
            i, f, g, o = np.split(gate, 4, axis=1)
            np.multiply(f, c, out=cell)
            cell += i * g
            np.multiply(o, np.tanh(cell), out=state)
            h, c = state, cell
        return _Reading(gates, cells, hidden)

    def gradient(self, reading: _Reading, by_hidden: Array) -> Array:
        """Return the gradient by the input, [T, B, E], from that by the hidden states."""
        size = self.w_h.shape[1]
        by_gates = np.empty_like(reading.gates)
        by_h = np.zeros_like(reading.hidden[0])
        by_c = np.zeros_like(by_h)
        for t in reversed(range(len(reading.hidden))):
            i, f, g, o = np.split(reading.gates[t], 4, axis=1)
            top = np.tanh(reading.cells[t])
            by_h += by_hidden[t]
            by_c += by_h * o * (1 - top * top)
            before = reading.cells[t - 1] if t else np.zeros_like(by_h)
            row = by_gates[t]
            row[:, :size] = by_c * g * i * (1 - i)
            row[:, size : 2 * size] = by_c * before * f * (1 - f)
            row[:, 2 * size : 3 * size] = by_c * i * (1 - g * g)
            row[:, 3 * size :] = by_h * top * o * (1 - o)
            by_c *= f
            by_h = row @ self.w_h
        by_input: Array = by_gates @ self.w_x
        return by_input


def _activations(size: int) -> tuple[Array, Array]:
    """Return a scale and a shift, [4H]: `scale * tanh(scale * x) + shift` is every gate of x.

    The logistic function of x is half of tanh(x / 2), plus a half; the candidate is a tanh.
    """
    scale = np.full(4 * size, 0.5, dtype=np.float32)
    scale[2 * size : 3 * size] = 1
    return scale, np.where(scale < 1, scale, 0).astype(np.float32)
