"""Scores token ids with a bundle's ONNX graph: no torch. Knows neither text nor labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.cores import threads_for
from sentiment_lstm.errors import BundleError
from sentiment_lstm.inference.arrays import (
    shared_arrays,
    state_shapes,
    sum_features,
    wide_units,
    zero_state,
)
from sentiment_lstm.inference.each_token import EachToken, ForgetGate, pooled_each
from sentiment_lstm.inference.graph_check import checked_graph
from sentiment_lstm.inference.graph_file import Array, GraphFile
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_library import onnxruntime
from sentiment_lstm.inference.pieces import pieces_of, with_running_sum
from sentiment_lstm.inference.runtime import (
    FeatureBatch,
    Runtime,
    feature_batch,
    finite,
    padded_batch,
)
from sentiment_lstm.inference.state_graph import FORGET, last_states, with_states
from sentiment_lstm.records import Encoded
from sentiment_lstm.weights_file import WIDE

State = dict[str, NDArray[np.float32]]


class OnnxRuntime(Runtime[State]):
    """The `Runtime` of a graph that `graphs.build` made.

    Args:
        bundle: holds the weights that the graph leaves out.
        graph: an ONNX file. It may come from a stranger: only its learnt arrays are used.
        quantised: whether the graph is the int8 one.
        threads: CPU threads, at most one per core; 0 means one per core. Each thread reads its
            own batches, because one token's matrix products are too small to split.

    Raises:
        BundleError: the file is damaged or holds another graph.
    """

    def __init__(self, bundle: Bundle, graph: bytes, *, quantised: bool, threads: int = 0) -> None:
        self._settings = bundle.config.model
        self._units = wide_units(bundle.weights)
        outputs = len(bundle.weights["output.bias"])
        self._logits_shape = () if outputs == 1 else (outputs,)
        self._wide = bundle.weights.get(WIDE)
        states = state_shapes(self._settings, self._units)
        self._names = ["logits", *(f"{name}_out" for name in states)]
        self.carries = not self._settings.bidirectional
        self.pads = self._settings.bidirectional or self._settings.pooling == "attention"
        self.threads = threads_for(threads)
        self.forget_gate = ForgetGate(bundle.weights)
        arrays = shared_arrays(bundle, quantised=quantised)
        self._outside = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))
            for name, array in arrays.items()
        }
        expected = build(bundle, quantised=quantised, shared=arrays)
        try:
            self._graph = checked_graph(graph, expected)
            self._session_of_batches = self._open(self._summing())
        except Exception as error:  # its errors have no common class
            raise BundleError(
                f"Expected a graph of this model, found: {str(error)[:200]}; create it again with "
                "`sentiment-lstm export`."
            ) from error

    def _open(self, graph: GraphFile) -> Any:  # noqa: ANN401
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_external_initializers(list(self._outside), list(self._outside.values()))
        return onnxruntime.InferenceSession(
            graph.to_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def read(
        self,
        ids: NDArray[np.int64],
        lengths: NDArray[np.int64],
        state: State | None = None,
        features: FeatureBatch | None = None,
    ) -> tuple[NDArray[np.float32], State | None]:
        """Read as `Runtime.read` does. Here the state is valid even if texts have padding."""
        state = self._started(state, len(ids))
        inputs = {"ids": ids, "lengths": lengths.astype(np.int32), **state}
        if self._wide is not None and features is not None:
            inputs["wide_sum"] = state["wide_sum"] + sum_features(self._wide, *features)
        logits, *new_state = self._session.run(self._names, inputs)
        return finite(logits), dict(zip(state, new_state, strict=True)) if self.carries else None

    def first_hidden(self, state: State) -> NDArray[np.float32]:
        """Return what `Runtime.first_hidden` does."""
        hidden: NDArray[np.float32] = state["h0"][0, 0]
        return hidden

    def read_each(self, piece: Encoded, state: State | None = None) -> EachToken:
        """Read as `Runtime.read_each` does, all tokens at once. Attention reads token by token."""
        if self._settings.pooling == "attention":
            return super().read_each(piece, state)
        state = self._started(state, 1)
        lengths = np.array([len(piece.ids)], dtype=np.int32)
        inputs = {"ids": piece.ids[None].astype(np.int64), "lengths": lengths, **state}
        wide: Array = np.zeros((1, 1), dtype=np.float32)
        if self._wide is not None:
            assert piece.features is not None
            features = piece.features.ids.astype(np.int64), piece.features.counts
            wide = state["wide_sum"] + sum_features(self._wide, *features).cumsum(axis=0)
            inputs["wide_sum"] = wide[-1:]
        names = [last_states(self._settings), FORGET, *self._names[1:]]
        hidden, forget, *new_state = self._session_of_states.run(names, inputs)
        summary = pooled_each(self._settings.pooling.split("+"), hidden[:, 0], state)
        logits = summary @ self._constant("output").T + self._constant("output_bias") + wide
        return EachToken(
            finite(logits[:, 0] if logits.shape[1] == 1 else logits),
            forget[:, 0],
            dict(zip(state, new_state, strict=True)),
        )

    def _batch(self, texts: Sequence[Encoded], stopped: Event) -> NDArray[np.float32]:
        """Score texts piece by piece, unless the model needs all of their tokens at once."""
        if self.pads:
            return super()._batch(texts, stopped)
        order = np.argsort([-len(text.ids) for text in texts], kind="stable")
        batch = padded_batch(texts, order)
        state = self._started(None, len(texts))
        logits = np.zeros((len(texts), *self._logits_shape), dtype=np.float32)
        if self._wide is not None and (features := feature_batch(texts)) is not None:
            state["wide_sum"] = sum_features(self._wide, *features)[order]
        for start, end, reading in pieces_of(batch.lengths):
            if stopped.is_set():
                break
            state = {name: _of_first(array, reading) for name, array in state.items()}
            ids = batch.ids[:reading, start:end]
            lengths = (batch.lengths[:reading].clip(max=end) - start).astype(np.int32)
            inputs = {"ids": ids, "lengths": lengths, **state}
            logits[:reading], *new_state = self._session_of_batches.run(self._names, inputs)
            state = dict(zip(state, new_state, strict=True))
        return finite(logits[np.argsort(order)])

    def _started(self, state: State | None, texts: int) -> State:
        return zero_state(self._settings, texts, self._units) if state is None else state

    def _constant(self, name: str) -> NDArray[np.float32]:
        array = self._graph.constants[name]
        assert isinstance(array, np.ndarray)
        return array

    def _summing(self) -> GraphFile:
        """The graph for batches: its sums do not depend on the pieces."""
        has_sums = not self.pads and "mean" in self._settings.pooling
        return with_running_sum(self._graph) if has_sums else self._graph

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401
        """The graph itself. Made when first needed: each session holds the weights once more."""
        is_same = self._summing() is self._graph
        return self._session_of_batches if is_same else self._open(self._graph)

    @cached_property
    def _session_of_states(self) -> Any:  # noqa: ANN401
        """The same graph with more outputs. Made when first needed."""
        return self._open(with_states(self._graph, self._settings, self.forget_gate))


def _of_first(state: NDArray[np.float32], texts: int) -> NDArray[np.float32]:
    """Return the state of the first texts: of [D, B, H] or [B, *]."""
    return state[:, :texts] if state.ndim == 3 else state[:texts]
