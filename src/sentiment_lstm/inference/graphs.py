"""Builds a bundle's ONNX graphs node by node, without tracing and without the library `onnx`.

One graph reads a batch, a piece of a long text, or a single token. Its inputs are ids, lengths and
a state. Its outputs are logits and the new state. Knows weights, no text.
Shapes: B texts, T tokens, E embedding, H hidden, D directions, W = D x H, C classes, U units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.inference.arrays import (
    ANCHORS,
    CELL,
    Array,
    Weights,
    layer_arrays,
    shared_arrays,
    state_shapes,
    table_step,
    wide_units,
)
from sentiment_lstm.inference.graph_file import (
    FLOAT,
    INT32,
    INT64,
    MICROSOFT,
    GraphFile,
    Node,
    Option,
    OutsideArray,
    Value,
)
from sentiment_lstm.settings import ModelSettings
from sentiment_lstm.weights_file import WIDE

OUTSIDE = "no file - for other programs run sentiment-lstm export --standalone"
"""The file that a bundle's graph names for its missing arrays. It never exists. If another program
opens the graph, ONNX Runtime shows this name."""


@dataclass
class Graph:
    """The nodes and named constants of a graph under construction.

    `learnt`: the names of the constants that hold a model's weights. All others depend only on the
    model's configuration.
    """

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array | OutsideArray] = field(default_factory=dict)
    learnt: set[str] = field(default_factory=set)

    def constant(self, name: str, value: Array) -> str:
        """Add a named array. The same name always holds the same array."""
        self.constants[name] = value
        return name

    def weights(self, name: str, value: Array) -> str:
        """Add a named array that the model has learnt."""
        self.learnt.add(name)
        return self.constant(name, value)

    def integers(self, *values: int) -> str:
        """Add a small vector of integers."""
        return self.constant("i" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def add(self, kind: str, inputs: Sequence[str], output: str, **options: Option) -> str:
        """Add a node with one output."""
        self.nodes.append(Node(kind, tuple(inputs), (output,), options=options))
        return output


def build(
    bundle: Bundle, *, quantised: bool, shared: Mapping[str, Array] | None = None
) -> GraphFile:
    """Build the graph of a bundle, without the arrays that the bundle's weights already hold.

    Inputs: `ids` int64 [B, T], `lengths` int32 [B], and the state, with the names and shapes of
    `inference.arrays.state_shapes`. Outputs: `logits` [B] or [B, C], and the state, with `_out`
    added to the names. The runtime supplies the arrays of `inference.arrays.shared_arrays`. With a
    wide path it also adds the weights of the features to the input `wide_sum`.

    Args:
        bundle: the model.
        quantised: whether the LSTM's products and the embedding are int8. A text's score still
            does not depend on its batch, or on the pieces in which it is read.
        shared: the arrays of `shared_arrays`, if they were made already.
    """
    graph = Graph()
    scores = _scores(graph, bundle, "wide_sum", quantised=quantised)
    for name, array in (shared or shared_arrays(bundle, quantised=quantised)).items():
        graph.constants[name] = OutsideArray(array.dtype, array.shape, OUTSIDE)
    units = len(bundle.weights["output.bias"])
    if units == 1:
        graph.add("Squeeze", [scores, graph.integers(1)], "logits")
    else:
        graph.add("Identity", [scores], "logits")
    return _file(graph, bundle, Value("logits", FLOAT, ("B",) if units == 1 else ("B", units)))


def build_standalone(bundle: Bundle, *, quantised: bool) -> GraphFile:
    """Build a graph that holds everything, so that any ONNX runtime scores token ids with it.

    Inputs and outputs are those of `build`, with two changes. `probabilities` [B, C], with the
    temperature applied, replaces `logits`. A model with a wide path has one more input, `features`
    int64 [B, K]: the indices of each text's features, filled up with the number of features F.
    """
    graph = Graph()
    before = _wide_sum(graph, bundle.weights[WIDE]) if WIDE in bundle.weights else ""
    scores = _scores(graph, bundle, before, quantised=quantised)
    for name, array in shared_arrays(bundle, quantised=quantised).items():
        graph.constant(name, array)
    temperature = np.array(bundle.config.temperature, dtype=np.float32)
    scaled = graph.add("Div", [scores, graph.constant("temperature", temperature)], "scaled")
    if bundle.config.multi_label:
        graph.add("Sigmoid", [scaled], "probabilities")
    elif len(bundle.weights["output.bias"]) == 1:
        second = graph.add("Sigmoid", [scaled], "second")
        first = graph.add("Sigmoid", [graph.add("Neg", [scaled], "negated")], "first")
        graph.add("Concat", [first, second], "probabilities", axis=1)
    else:
        graph.add("Softmax", [scaled], "probabilities", axis=1)
    output = Value("probabilities", FLOAT, ("B", len(bundle.config.classes)))
    more = [Value("features", INT64, ("B", "K"))] if before else []
    return _file(graph, bundle, output, more)


def _scores(graph: Graph, bundle: Bundle, wide_sum: str, *, quantised: bool) -> str:
    """Add everything up to the logits, [B, U]. `wide_sum`: the sum of the wide path, [B, U]."""
    settings, weights = bundle.config.model, bundle.weights
    anchors = ANCHORS if quantised else 0
    x = _embedded(graph, weights["embedding.weight"], quantised=quantised)
    for layer in range(settings.layers):
        x = _lstm(graph, settings, weights, layer, x, anchors)
    summary = _pooled(graph, settings, weights, x)
    weight = graph.weights("output", np.ascontiguousarray(weights["output.weight"]))
    bias = graph.weights("output_bias", weights["output.bias"])
    scores = graph.add("Gemm", [summary, weight, bias], "deep", transB=1)
    if WIDE not in weights:
        return scores
    wide = graph.add("Identity", [wide_sum], "wide_sum_out")
    return graph.add("Add", [scores, wide], "deep_and_wide")


def _wide_sum(graph: Graph, weight: NDArray[np.float32]) -> str:
    """Add the sum so far of the weights of each text's features, [B, U]."""
    nothing = np.zeros((1, weight.shape[1]), dtype=np.float16)
    table = graph.constant("wide", np.concatenate([weight.astype(np.float16), nothing]))
    half = graph.add("Gather", [table, "features"], "feature_weights_half")
    rows = graph.add("Cast", [half], "feature_weights", to=FLOAT)
    now = graph.add("ReduceSum", [rows, graph.integers(1)], "wide_now", keepdims=0)
    return graph.add("Add", ["wide_sum", now], "wide_so_far")


def _embedded(graph: Graph, table: NDArray[np.float32], *, quantised: bool) -> str:
    """Add the embedding: [T, B, E], or with anchors [T, B, E + 2]."""
    ids = graph.add("Transpose", ["ids"], "ids_by_time", perm=(1, 0))
    if not quantised:
        return graph.add("Gather", ["table", ids], "embedded")
    step = graph.weights("table_step", np.array(table_step(table), dtype=np.float32))
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
        graph.weights(f"b{layer}", bias)
        scales = [s for name, m in (("w", w), ("r", r)) for s in _quantised(graph, name, layer, m)]
        inputs += ["", *scales]
    outputs = [f"{name}{layer}_all" for name in "Yhc"]
    direction = "bidirectional" if settings.bidirectional else "forward"
    size = settings.hidden_size + anchors
    options: dict[str, Option] = {"hidden_size": size, "direction": direction}
    graph.nodes.append(Node(kind, tuple(inputs), tuple(outputs), domain, options))
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
    turned = graph.add("Transpose", [states], f"{output}_turned", perm=(0, 2, 1, 3))
    return graph.add("Reshape", [turned, graph.integers(0, 0, -1)], output)


def _quantised(graph: Graph, kind: str, layer: int, matrix: NDArray[np.float32]) -> tuple[str, str]:
    """Add a matrix [D, 4H, X] in int8, transposed, and return its scales and zero points."""
    name = f"{kind}{layer}"
    scale = np.abs(matrix).max(axis=2, keepdims=True).clip(1e-12) / np.float32(127)
    stored = np.rint(matrix / scale).astype(np.int8).transpose(0, 2, 1)
    graph.weights(name, np.ascontiguousarray(stored))
    zero = np.zeros(scale.shape[:2], dtype=np.int8)
    return graph.weights(f"{name}_scale", scale[:, :, 0]), graph.constant(f"{name}_zero", zero)


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
        turned = graph.add("Transpose", [f"h{settings.layers - 1}_out"], "turned", perm=(1, 0, 2))
        parts.append(graph.add("Reshape", [turned, graph.integers(0, -1)], "last"))
    return graph.add("Concat", parts, "summary", axis=1)


def _real(graph: Graph, states: str) -> str:
    """Add a mask that is true for real tokens, [T, B, 1]."""
    zero, unit = (graph.constant(n, np.array(v, dtype=np.int32)) for n, v in (("0", 0), ("1", 1)))
    shape = graph.add("Shape", [states], "time_shape", end=1)
    time = graph.add("Squeeze", [shape], "time_long")
    count = graph.add("Cast", [time], "time", to=INT32)
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
    more = graph.add("Cast", ["lengths"], "lengths_float", to=FLOAT)
    column = graph.add("Unsqueeze", [more, graph.integers(1)], "tokens_now")
    tokens = graph.add("Add", ["pooled2", column], "pooled2_out")
    return top, graph.add("Div", [total, tokens], "mean")


def _attention(graph: Graph, states: str, weight: NDArray[np.float32]) -> str:
    """Add a softmax over pieces. Its sums are relative to the highest score so far."""
    time = graph.integers(0)
    vector = graph.weights("attention", np.ascontiguousarray(weight.T))
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


def _file(
    graph: Graph, bundle: Bundle, scores: Value, more_inputs: Sequence[Value] = ()
) -> GraphFile:
    """Return the finished graph: ids, lengths and the state in, `scores` and the state out."""
    inputs = [Value("ids", INT64, ("B", "T")), Value("lengths", INT32, ("B",)), *more_inputs]
    outputs = [scores]
    for name, shape in state_shapes(bundle.config.model, wide_units(bundle.weights)).items():
        inputs.append(Value(name, FLOAT, shape))
        outputs.append(Value(f"{name}_out", FLOAT, shape))
    return GraphFile(graph.nodes, inputs, outputs, graph.constants, frozenset(graph.learnt))
