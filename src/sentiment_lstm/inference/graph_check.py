"""Accepts a graph only if it computes what this package builds for the model.

A graph file may come from a stranger. So its nodes are compared with those of `graphs.build`, and
only the arrays that a model has learnt are taken from it. Names inside a graph may differ, as
earlier versions used others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sentiment_lstm.inference.graph_file import Array, GraphFile, Node, OutsideArray, parse

_Origin = tuple[str, int, int]
"""Where a value comes from: an input (its position), or a node's output (both positions)."""


def checked_graph(data: bytes, expected: GraphFile) -> GraphFile:
    """Return the expected graph with the learnt arrays of a file.

    Args:
        data: an ONNX file, perhaps of a stranger or of an earlier version.
        expected: the graph that this version builds for the same model.

    Raises:
        ValueError: the file is damaged, holds another graph, or numbers that are not finite.
    """
    stored = parse(data)
    if stored.inputs != expected.inputs or len(stored.nodes) != len(expected.nodes):
        raise ValueError("another graph")
    own, theirs = _origins_of_inputs(expected), _origins_of_inputs(stored)
    learnt: dict[str, Array] = {}
    for index, nodes in enumerate(zip(expected.nodes, stored.nodes, strict=True)):
        _compare_nodes(*nodes)
        for name, stored_name in zip(nodes[0].inputs, nodes[1].inputs, strict=True):
            if name in expected.constants and stored_name in stored.constants:
                array = _checked_array(name, expected, stored.constants[stored_name])
                if name in expected.learnt and isinstance(array, np.ndarray):
                    learnt[name] = array
            elif own.get(name) != theirs.get(stored_name):
                raise ValueError(f"another input of node {index}")
        for origins, node in ((own, nodes[0]), (theirs, nodes[1])):
            origins.update({name: ("node", index, k) for k, name in enumerate(node.outputs)})
    _compare_outputs(expected, own, stored, theirs)
    return replace(expected, constants={**expected.constants, **learnt})


def _origins_of_inputs(graph: GraphFile) -> dict[str, _Origin]:
    return {value.name: ("input", index, 0) for index, value in enumerate(graph.inputs)}


def _compare_nodes(expected: Node, stored: Node) -> None:
    for name in ("kind", "domain", "options"):
        if getattr(stored, name) != getattr(expected, name):
            raise ValueError(f"the node {stored.kind[:40]!r} in place of {expected.kind!r}")
    sizes = [(len(node.inputs), len(node.outputs)) for node in (expected, stored)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"a node {expected.kind!r} with other inputs or outputs")


def _checked_array(
    name: str, expected: GraphFile, stored: Array | OutsideArray
) -> Array | OutsideArray:
    """Return the stored array if its type and shape are ours, and its values too unless learnt."""
    own = expected.constants[name]
    fits = type(stored) is type(own) and (stored.dtype, stored.shape) == (own.dtype, own.shape)
    if fits and isinstance(stored, np.ndarray) and isinstance(own, np.ndarray):
        is_learnt = name in expected.learnt
        fits = bool(np.isfinite(stored).all()) if is_learnt else stored.tobytes() == own.tobytes()
    if not fits:
        raise ValueError(f"an array that does not fit in place of {name!r}")
    return stored


def _compare_outputs(
    expected: GraphFile,
    own: dict[str, _Origin],
    stored: GraphFile,
    theirs: dict[str, _Origin],
) -> None:
    origins = [[names.get(value.name) for value in expected.outputs] for names in (own, theirs)]
    if stored.outputs != expected.outputs or origins[0] != origins[1]:
        raise ValueError("other outputs")
