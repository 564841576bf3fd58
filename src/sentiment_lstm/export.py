"""Builds a bundle's ONNX graphs node by node, without tracing, and checks them against PyTorch.

One graph reads a batch, a piece of a long text, or a single token. Its inputs are ids, lengths and
a state. Its outputs are logits and the new state. Knows ONNX and weights, no text.
Shapes: B texts, T tokens, E embedding, H hidden, D directions, W = D x H, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sentiment_lstm.bundle import GRAPHS, INT8_GRAPH, WEIGHTS, Bundle
from sentiment_lstm.errors import BundleError
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.inference.arrays import (
    ANCHORS,
    CELL,
    Array,
    Weights,
    layer_arrays,
    quantised_table,
    shared_arrays,
    state_shapes,
    wide_units,
)
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.predictor import open_torch
from sentiment_lstm.inference.runtime import feature_batch
from sentiment_lstm.records import Encoded, Features
from sentiment_lstm.settings import ModelSettings
from sentiment_lstm.weights_file import WIDE

OPSET, IR_VERSION, MICROSOFT = 21, 10, "com.microsoft"
_LENGTHS = (1, 2, 3, 7, 8, 20, 64, 65, 250, 700)
"""Lengths, in tokens, of the random texts that check a graph."""


@dataclass
class Graph:
    """The nodes and named constants of a graph under construction."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def constant(self, name: str, value: Array) -> str:
        """Add a named array. The same name always holds the same array."""
        self.constants[name] = value
        return name

    def integers(self, *values: int) -> str:
        """Add a small vector of integers."""
        return self.constant("i" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def add(self, kind: str, inputs: Sequence[str], output: str, **options: Any) -> str:  # noqa: ANN401
        """Add a node with one output."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **options))
        return output


def export(bundle: Bundle, names: Sequence[str] = GRAPHS) -> Bundle:
    """Add graphs to a bundle, each checked against PyTorch.

    Args:
        bundle: the model.
        names: the graphs to build, from `bundle.GRAPHS`.

    Returns:
        The bundle with only these graphs. Its metrics hold the result of the checks (`parity`).

    Raises:
        BundleError: a graph's scores differ too much from PyTorch's.
        MissingExtraError: torch is not installed.
    """
    graphs = {n: build(bundle, quantised=n == INT8_GRAPH).SerializeToString() for n in names}
    parity = {name: _parity(bundle, name, graph) for name, graph in graphs.items()}
    return replace(bundle, graphs=graphs, metrics={**bundle.metrics, "parity": parity})


def _parity(bundle: Bundle, name: str, graph: bytes) -> dict[str, float]:
    """Return the largest differences between probabilities of the same random texts.

    `torch`: the graph and PyTorch. `alone`: a text alone and in a batch. `pieces`: a text in pieces
    and whole.
    """
    random = np.random.default_rng(0)
    texts = [_random_text(bundle, random, length) for length in _LENGTHS]
    runtime = OnnxRuntime(bundle, graph, quantised=name == INT8_GRAPH)
    logits = {"whole": runtime.score(texts), "torch": open_torch(bundle).score(texts)}
    logits["alone"] = np.concatenate([runtime.score([text]) for text in texts])
    if runtime.carries:
        logits["pieces"] = np.concatenate([_piecewise(runtime, text) for text in texts])
    several = bundle.config.multi_label
    scores = {key: probabilities(rows, multi_label=several) for key, rows in logits.items()}
    whole = scores.pop("whole")
    differences = {key: float(np.abs(other - whole).max()) for key, other in scores.items()}
    limits = {"torch": np.inf if name == INT8_GRAPH else 1e-4}
    for key, difference in differences.items():
        if not difference <= limits.get(key, 1e-5):
            raise BundleError(
                f"Expected {name} to score a text as the model does ({key}), found a difference "
                f"of {difference:.2g} in a probability: do not use it, and report this model."
            )
    return differences


def _random_text(bundle: Bundle, random: np.random.Generator, length: int) -> Encoded:
    """Draw token ids and, for a model with a wide path, up to nine features for each token."""
    ids = random.integers(1, len(bundle.tokenizer), length).astype(np.int32)
    if bundle.tokenizer.features is None:
        return Encoded(ids)
    counts = random.integers(0, 10, length)
    features = random.integers(0, len(bundle.tokenizer.features), counts.sum()).astype(np.int32)
    return Encoded(ids, features=Features(features, counts))


def _piecewise(runtime: OnnxRuntime, text: Encoded) -> NDArray[np.float32]:
    """Return the logits of a text that is read in pieces of seven tokens."""
    state = None
    for piece in text.pieces(7):
        ids = piece.ids[None].astype(np.int64)
        logits, state = runtime.read(ids, np.array([ids.shape[1]]), state, feature_batch([piece]))
    return logits


def build(bundle: Bundle, *, quantised: bool) -> onnx.ModelProto:
    """Build the graph of a bundle, without the arrays that the bundle's weights already hold.

    Inputs: `ids` int64 [B, T], `lengths` int32 [B], and the state, with the names and shapes of
    `inference.arrays.state_shapes`. Outputs: `logits` [B] or [B, C], and the state, with `_out`
    added to the names. The runtime supplies the arrays of `inference.arrays.shared_arrays`. With a
    wide path it also adds the weights of the features to the input `wide_sum`.

    Args:
        bundle: the model.
        quantised: whether the LSTM's products and the embedding are int8. A text's score still
            does not depend on its batch, or on the pieces in which it is read.
    """
    settings, weights = bundle.config.model, bundle.weights
    graph = Graph()
    anchors = ANCHORS if quantised else 0
    x = _embedded(graph, weights["embedding.weight"], quantised=quantised)
    for layer in range(settings.layers):
        x = _lstm(graph, settings, weights, layer, x, anchors)
    summary = _pooled(graph, settings, weights, x)
    _logits(graph, weights, summary)
    return _model(graph, bundle, shared_arrays(bundle, quantised=quantised))


def _embedded(graph: Graph, table: NDArray[np.float32], *, quantised: bool) -> str:
    """Add the embedding: [T, B, E], or with anchors [T, B, E + 2]."""
    ids = graph.add("Transpose", ["ids"], "ids_by_time", perm=[1, 0])
    if not quantised:
        return graph.add("Gather", ["table", ids], "embedded")
    step = graph.constant("table_step", np.array(quantised_table(table)[1], dtype=np.float32))
    stored = graph.add("Gather", ["table", ids], "stored")
    return graph.add("DequantizeLinear", [stored, step], "embedded")


def _lstm(
    graph: Graph, settings: ModelSettings, weights: Weights, layer: int, x: str, anchors: int
) -> str:
    """Add a layer and return its hidden states [T, B, W], zero at padding.

    All layers but the last keep their anchors.
    """
    w, r, bias = layer_arrays(settings, weights, layer, anchors)
    h, c = (_start(graph, f"{name}{layer}", anchors) for name in "hc")
    inputs = [x, f"w{layer}", f"r{layer}", f"b{layer}", "lengths", h, c]
    kind, domain = "LSTM", ""
    if anchors:
        kind, domain = "DynamicQuantizeLSTM", MICROSOFT
        graph.constant(f"b{layer}", bias)
        scales = [s for name, m in (("w", w), ("r", r)) for s in _quantised(graph, name, layer, m)]
        inputs += ["", *scales]
    outputs = [f"{name}{layer}_all" for name in "Yhc"]
    direction = "bidirectional" if settings.bidirectional else "forward"
    size = settings.hidden_size + anchors
    graph.nodes.append(
        helper.make_node(
            kind, inputs, outputs, domain=domain, hidden_size=size, direction=direction
        )
    )
    for name in "hc":
        _own_units(graph, f"{name}{layer}_all", f"{name}{layer}_out", settings.hidden_size, anchors)
    states = outputs[0]
    if layer == settings.layers - 1:
        states = _own_units(graph, states, f"Y{layer}_own", settings.hidden_size, anchors)
    return _joined(graph, states, f"Y{layer}", settings)


def _joined(graph: Graph, states: str, output: str, settings: ModelSettings) -> str:
    """Join both directions' states: [T, D, B, H] becomes [T, B, W]."""
    if not settings.bidirectional:
        return graph.add("Squeeze", [states, graph.integers(1)], output)
    turned = graph.add("Transpose", [states], f"{output}_turned", perm=[0, 2, 1, 3])
    return graph.add("Reshape", [turned, graph.integers(0, 0, -1)], output)


def _quantised(graph: Graph, kind: str, layer: int, matrix: NDArray[np.float32]) -> tuple[str, str]:
    """Add a matrix [D, 4H, X] in int8, transposed, and return its scales and zero points."""
    name = f"{kind}{layer}"
    scale = np.abs(matrix).max(axis=2, keepdims=True).clip(1e-12) / np.float32(127)
    stored = np.rint(matrix / scale).astype(np.int8).transpose(0, 2, 1)
    graph.constant(name, np.ascontiguousarray(stored))
    zero = np.zeros(scale.shape[:2], dtype=np.int8)
    return graph.constant(f"{name}_scale", scale[:, :, 0]), graph.constant(f"{name}_zero", zero)


def _start(graph: Graph, name: str, anchors: int) -> str:
    """Extend an input state [D, B, H] by the anchors' states."""
    if not anchors:
        return name
    largest = CELL if name.startswith("c") else 1.0
    ends = np.array([largest, -largest], dtype=np.float32)
    fixed = graph.constant(f"{name[0]}_anchors", ends)
    shape = graph.add("Shape", [name], f"{name}_shape", end=2)
    extended = graph.add("Concat", [shape, graph.integers(anchors)], f"{name}_wanted", axis=0)
    more = graph.add("Expand", [fixed, extended], f"{name}_more")
    return graph.add("Concat", [name, more], f"{name}_in", axis=2)


def _own_units(graph: Graph, name: str, output: str, hidden: int, anchors: int) -> str:
    """Keep the first H units of the last axis, so that the anchors are dropped."""
    if not anchors:
        return graph.add("Identity", [name], output)
    slices = [graph.integers(0), graph.integers(hidden), graph.integers(-1)]
    return graph.add("Slice", [name, *slices], output)


def _pooled(graph: Graph, settings: ModelSettings, weights: Weights, states: str) -> str:
    """Add the pooling of `model.pooling`; its output is [B, W], [B, 2W] or [B, 3W]."""
    if settings.pooling == "attention":
        return _attention(graph, states, weights["pooling.attention.weight"])
    kinds = settings.pooling.split("+")
    parts = [*_max_and_mean(graph, states)] if "max" in kinds else []
    if "last" in kinds:
        turned = graph.add("Transpose", [f"h{settings.layers - 1}_out"], "turned", perm=[1, 0, 2])
        parts.append(graph.add("Reshape", [turned, graph.integers(0, -1)], "last"))
    return graph.add("Concat", parts, "summary", axis=1)


def _real(graph: Graph, states: str) -> str:
    """Add a mask that is true for real tokens, [T, B, 1]."""
    zero, unit = (graph.constant(n, np.array(v, dtype=np.int32)) for n, v in (("0", 0), ("1", 1)))
    shape = graph.add("Shape", [states], "time_shape", end=1)
    time = graph.add("Squeeze", [shape], "time_long")
    count = graph.add("Cast", [time], "time", to=TensorProto.INT32)
    steps = graph.add("Range", [zero, count, unit], "places")
    column = graph.add("Unsqueeze", [steps, graph.integers(1, 2)], "column")
    limits = graph.add("Unsqueeze", ["lengths", graph.integers(0, 2)], "limits")
    return graph.add("Less", [column, limits], "real")


def _masked(graph: Graph, values: str, output: str) -> str:
    """Replace values [T, B, *] at padding by minus infinity."""
    lowest = graph.constant("lowest", np.array(-np.inf, dtype=np.float32))
    return graph.add("Where", [_real(graph, values), values, lowest], output)


def _max_and_mean(graph: Graph, states: str) -> tuple[str, str]:
    time = graph.integers(0)
    masked = _masked(graph, states, "masked")
    highest = graph.add("ReduceMax", [masked, time], "highest", keepdims=0)
    top = graph.add("Max", ["pooled0", highest], "pooled0_out")
    added = graph.add("ReduceSum", [states, time], "added", keepdims=0)  # zero at padding
    total = graph.add("Add", ["pooled1", added], "pooled1_out")
    more = graph.add("Cast", ["lengths"], "lengths_float", to=TensorProto.FLOAT)
    column = graph.add("Unsqueeze", [more, graph.integers(1)], "tokens_now")
    tokens = graph.add("Add", ["pooled2", column], "pooled2_out")
    return top, graph.add("Div", [total, tokens], "mean")


def _attention(graph: Graph, states: str, weight: NDArray[np.float32]) -> str:
    """Add a softmax over pieces. Its sums are relative to the highest score so far."""
    time = graph.integers(0)
    vector = graph.constant("attention", np.ascontiguousarray(weight.T))
    scores = _masked(graph, graph.add("MatMul", [states, vector], "scores"), "scores_masked")
    highest = graph.add("ReduceMax", [scores, time], "highest", keepdims=0)
    top = graph.add("Max", ["pooled0", highest], "pooled0_out")
    exponentials = graph.add("Exp", [graph.add("Sub", [scores, top], "below_top")], "shares")
    kept = graph.add("Exp", [graph.add("Sub", ["pooled0", top], "sunk")], "kept")
    totals = []
    for name, now in (("pooled1", graph.add("Mul", [states, exponentials], "weighted")),
                      ("pooled2", exponentials)):  # fmt: skip
        added = graph.add("ReduceSum", [now, time], f"{name}_now", keepdims=0)
        before = graph.add("Mul", [name, kept], f"{name}_before")
        totals.append(graph.add("Add", [before, added], f"{name}_out"))
    return graph.add("Div", totals, "summary")


def _logits(graph: Graph, weights: Weights, summary: str) -> str:
    weight = graph.constant("output", np.ascontiguousarray(weights["output.weight"]))
    bias = graph.constant("output_bias", weights["output.bias"])
    scores = graph.add("Gemm", [summary, weight, bias], "deep", transB=1)
    if WIDE in weights:
        wide = graph.add("Identity", ["wide_sum"], "wide_sum_out")
        scores = graph.add("Add", [scores, wide], "deep_and_wide")
    if len(weights["output.bias"]) == 1:
        return graph.add("Squeeze", [scores, graph.integers(1)], "logits")
    return graph.add("Identity", [scores], "logits")


def _model(graph: Graph, bundle: Bundle, shared: Mapping[str, Array]) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "T"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
    ]
    count = len(bundle.weights["output.bias"])
    logits: list[str | int | None] = ["B"] if count == 1 else ["B", count]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, logits)]
    for name, shape in state_shapes(bundle.config.model, wide_units(bundle.weights)).items():
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        outputs.append(helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, shape))
    kept = [numpy_helper.from_array(value, name) for name, value in graph.constants.items()]
    external = [_external_tensor(name, value) for name, value in shared.items()]
    return helper.make_model(
        helper.make_graph(graph.nodes, "lstm-classifier", inputs, outputs, [*kept, *external]),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=IR_VERSION,
        producer_name="sentiment-lstm",
    )


def _external_tensor(name: str, value: Array) -> TensorProto:
    """Describe an array that the graph names but does not hold."""
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=value.shape, data_location="EXTERNAL")
    tensor.external_data.add(key="location", value=WEIGHTS)
    return tensor
