"""Adds to a graph what `Runtime.read_each` needs: hidden states and forget gates of all tokens.

The graph computes the matrix products. NumPy would use all cores for them, and its threads would
wait for each other while several texts are read.
Shapes: B texts, T tokens, E embedding, H hidden, W width of a hidden state.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sentiment_lstm.inference.each_token import ForgetGate
from sentiment_lstm.inference.graph_file import FLOAT, GraphFile, Value
from sentiment_lstm.inference.graphs import Graph
from sentiment_lstm.settings import ModelSettings

FORGET = "forget"
"""The output with the mean of the first layer's forget gates at each token, [T, B]."""


def last_states(settings: ModelSettings) -> str:
    """Return the name of the output with the last layer's hidden states, [T, B, W]."""
    return f"Y{settings.layers - 1}"


def with_states(graph: GraphFile, settings: ModelSettings, gate: ForgetGate) -> GraphFile:
    """Return a graph of `graphs.build` with more outputs: `last_states` and `FORGET`.

    Args:
        graph: the graph.
        settings: those of a model of one direction.
        gate: that of the model; the graph gets its equation.
    """
    size = settings.hidden_size
    more = Graph(list(graph.nodes), dict(graph.constants))
    arrays = {"forget_w": gate.w, "forget_u": gate.u, "forget_b": gate.bias}
    w, u, b = (more.constant(name, np.ascontiguousarray(a)) for name, a in arrays.items())
    # An int8 graph adds two units to each token and to each state; they are cut off.
    x = _first(more, "embedded", settings.embedding_size)
    slices = [more.integers(0), more.integers(-1), more.integers(0)]
    earlier = more.add("Slice", [_first(more, "Y0", size), *slices], "earlier_states")
    before = more.add("Concat", ["h0", earlier], "states_before", axis=0)
    by_x = more.add("MatMul", [x, w], "forget_by_x")
    by_h = more.add("MatMul", [before, u], "forget_by_h")
    summed = more.add("Add", [more.add("Add", [by_x, by_h], "forget_sum"), b], "forget_in")
    gates = more.add("Sigmoid", [summed], "forget_gates")
    more.add("ReduceMean", [gates, more.integers(2)], FORGET, keepdims=0)
    outputs = [
        *graph.outputs,
        Value(last_states(settings), FLOAT, ("T", "B", size)),
        Value(FORGET, FLOAT, ("T", "B")),
    ]
    return replace(graph, nodes=more.nodes, constants=more.constants, outputs=outputs)


def _first(graph: Graph, name: str, size: int) -> str:
    """Keep the first units of the last axis of a value [T, B, *]."""
    slices = [graph.integers(0), graph.integers(size), graph.integers(2)]
    return graph.add("Slice", [name, *slices], f"{name}_first")
