"""Scores token ids with a bundle's ONNX graph: no torch. Knows neither text nor labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.cores import usable_cores
from sentiment_lstm.errors import BundleError
from sentiment_lstm.inference.arrays import (
    shared_arrays,
    state_shapes,
    sum_features,
    wide_units,
    zero_state,
)
from sentiment_lstm.inference.graph_check import checked_graph
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_library import onnxruntime
from sentiment_lstm.inference.runtime import FeatureBatch, Runtime, finite
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
        self._wide = bundle.weights.get(WIDE)
        states = state_shapes(self._settings, self._units)
        self._names = ["logits", *(f"{name}_out" for name in states)]
        self.carries = not self._settings.bidirectional
        self.threads = min(threads or usable_cores(), usable_cores())
        arrays = shared_arrays(bundle, quantised=quantised)
        values = [
            onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))
            for array in arrays.values()
        ]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_external_initializers(list(arrays), values)
        try:
            own_graph = checked_graph(graph, build(bundle, quantised=quantised, shared=arrays))
            self._session = onnxruntime.InferenceSession(
                own_graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors have no common class
            raise BundleError(
                f"Expected a graph of this model, found: {str(error)[:200]}; create it again with "
                "`sentiment-lstm export`."
            ) from error

    def read(
        self,
        ids: NDArray[np.int64],
        lengths: NDArray[np.int64],
        state: State | None = None,
        features: FeatureBatch | None = None,
    ) -> tuple[NDArray[np.float32], State | None]:
        """Read as `Runtime.read` does. Here the state is valid even if texts have padding."""
        if state is None:
            state = zero_state(self._settings, len(ids), self._units)
        inputs = {"ids": ids, "lengths": lengths.astype(np.int32), **state}
        if self._wide is not None and features is not None:
            inputs["wide_sum"] = state["wide_sum"] + sum_features(self._wide, *features)
        logits, *new_state = self._session.run(self._names, inputs)
        return finite(logits), dict(zip(state, new_state, strict=True)) if self.carries else None
