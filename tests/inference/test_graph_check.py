"""A graph of a stranger: only one that this package builds for the model is run."""

import dataclasses
import json

import numpy as np
import pytest
from small_bundles import random_bundle

from sentiment_lstm.bundle import FLOAT_GRAPH, INT8_GRAPH, Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import BundleError
from sentiment_lstm.inference import graph_file
from sentiment_lstm.inference.graph_check import checked_graph
from sentiment_lstm.inference.graph_file import GraphFile, Node, OutsideArray, Value, parse
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.predictor import open_predictor

REFUSED = r"^Expected a graph of this model, found: [^\n]*; create it again with"
SHAPES = {
    "last": {"pooling": "last"},
    "both directions": {"bidirectional": True, "pooling": "max+mean+last"},
    "attention": {"pooling": "attention", "classes": ("a", "b", "c")},
    "wide": {"wide": True, "pooling": "max+mean"},
}
TEXTS = ["a good film", "not bad at all , not bad"]


def opened(bundle: Bundle, graph: bytes, *, quantised: bool = False) -> np.ndarray:
    """The probabilities of a bundle with this graph."""
    graphs = {INT8_GRAPH if quantised else FLOAT_GRAPH: graph}
    return open_predictor(dataclasses.replace(bundle, graphs=graphs)).probabilities(TEXTS)


def as_earlier(graph: GraphFile) -> GraphFile:
    """The graph as an earlier version wrote it: other names inside, another location."""
    outer = {value.name for value in (*graph.inputs, *graph.outputs)}

    def renamed(name: str) -> str:
        return name if name in outer or not name else f"{name}_before"

    nodes = [
        dataclasses.replace(
            node,
            inputs=tuple(map(renamed, node.inputs)),
            outputs=tuple(map(renamed, node.outputs)),
        )
        for node in graph.nodes
    ]
    constants = {}
    for name, array in reversed(graph.constants.items()):
        if isinstance(array, OutsideArray):
            array = dataclasses.replace(array, location="model.safetensors")
        constants[renamed(name)] = array
    return dataclasses.replace(graph, nodes=nodes, constants=constants)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quantised", [False, True])
def test_a_graph_of_an_earlier_version_scores_the_same(make_bundle, shape, quantised):
    bundle = make_bundle(**SHAPES[shape])
    graph = build(bundle, quantised=quantised)
    expected = opened(bundle, graph.to_bytes(), quantised=quantised)
    earlier = as_earlier(graph).to_bytes()
    assert earlier != graph.to_bytes()
    assert checked_graph(earlier, graph).to_bytes() == graph.to_bytes()
    np.testing.assert_array_equal(opened(bundle, earlier, quantised=quantised), expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quantised", [False, True])
def test_a_file_is_read_as_it_was_written(make_bundle, shape, quantised):
    graph = build(make_bundle(**SHAPES[shape]), quantised=quantised)
    read = parse(graph.to_bytes())
    assert (read.nodes, read.inputs, read.outputs) == (graph.nodes, graph.inputs, graph.outputs)
    assert list(read.constants) == list(graph.constants)
    for name, array in graph.constants.items():
        if not isinstance(array, OutsideArray):
            np.testing.assert_array_equal(read.constants[name], array)


def loop(times: int) -> bytes:
    """A graph of our interface whose scores come from a loop."""
    field = graph_file._field
    turn = Value("n", graph_file.INT64, ())
    body = b"".join(
        (
            field(1, graph_file._node(Node("Identity", ("go",), ("go_on",)))),
            field(2, b"body"),
            field(11, graph_file._value(turn)),
            field(11, graph_file._value(Value("go", 9, ()))),
            field(12, graph_file._value(Value("go_on", 9, ()))),
        )
    )
    option = field(1, b"body") + field(6, body) + field(20, 5)
    node = field(1, b"times") + field(1, b"") + field(4, b"Loop") + field(5, option)
    times_array = graph_file._tensor("times", np.array(times, dtype=np.int64))
    graph = field(1, node) + field(2, b"g") + field(5, times_array)
    opset = field(1, b"") + field(2, graph_file.OPSET)
    return field(1, 10) + field(2, b"sentiment-lstm") + field(7, graph) + field(8, opset)


def with_node(graph: GraphFile, index: int, **changes: object) -> GraphFile:
    nodes = list(graph.nodes)
    nodes[index] = dataclasses.replace(nodes[index], **changes)
    return dataclasses.replace(graph, nodes=nodes)


def with_array(graph: GraphFile, name: str, array: object) -> GraphFile:
    return dataclasses.replace(graph, constants={**graph.constants, name: array})


def hostile(graph: GraphFile) -> dict[str, bytes]:
    """Other graphs with the inputs and outputs of an int8 graph."""
    kinds = [node.kind for node in graph.nodes]
    lstm, last = kinds.index("DynamicQuantizeLSTM"), len(kinds) - 1
    more = [*graph.nodes, Node("Identity", ("ids",), ("more",))]
    nan = np.full_like(graph.constants["output_bias"], np.nan)
    table = graph.constants["table"]
    swapped = [graph.inputs[1], graph.inputs[0], *graph.inputs[2:]]
    wider = dataclasses.replace(graph.inputs[0], shape=("B", 10**9))
    good = graph.to_bytes()
    field = graph_file._field
    variants = {
        "one node more": dataclasses.replace(graph, nodes=more),
        "one node less": dataclasses.replace(graph, nodes=graph.nodes[:-1]),
        "another operator": with_node(graph, last, kind="Identity"),
        "another domain": with_node(graph, 0, domain="ai.evil"),
        "another option": with_node(graph, lstm, options={"hidden_size": 10**9}),
        "another input of a node": with_node(graph, 1, inputs=("table", "ids")),
        "an unknown name": with_node(graph, 1, inputs=("table", "nowhere")),
        "one input less": with_node(graph, 1, inputs=("table",)),
        "a weight that is no number": with_array(graph, "output_bias", nan),
        "a weight of another shape": with_array(graph, "output", np.zeros((9, 9), np.float32)),
        "a weight of another type": with_array(graph, "output_bias", nan.astype(np.float16)),
        "another size": with_array(graph, "i2", np.array([2**40])),
        "an embedding inside": with_array(graph, "table", np.zeros(table.shape, np.int8)),
        "weights outside": with_array(
            graph, "output_bias", OutsideArray(np.dtype(np.float32), nan.shape, "/etc/passwd")
        ),
        "swapped inputs": dataclasses.replace(graph, inputs=swapped),
        "a fixed size": dataclasses.replace(graph, inputs=[wider, *graph.inputs[1:]]),
        "other outputs": dataclasses.replace(graph, outputs=graph.outputs[1:]),
    }
    return {name: variant.to_bytes() for name, variant in variants.items()} | {
        "a loop": loop(2**62),
        "functions": good + field(25, b""),
        "two graphs": good + field(7, b""),
        "cut short": good[:-1000],
        "a huge length": good[:2] + b"\x12\xff\xff\xff\xff\x7f",
        "an endless number": b"\xff" * 100,
        "a float": b"\x0d\0\0\0\0",
        "empty": b"",
        "text": b"no graph",
    }


CASES = list(hostile(build(random_bundle(TEXTS, pooling="max+mean"), quantised=True)))


@pytest.mark.parametrize("case", CASES)
def test_any_other_graph_is_refused_before_it_runs(make_bundle, case):
    bundle = make_bundle(pooling="max+mean")
    graph = hostile(build(bundle, quantised=True))[case]
    with pytest.raises(BundleError, match=REFUSED):
        opened(bundle, graph, quantised=True)


def test_weights_of_the_graph_are_used(make_bundle):
    """A graph may hold other weights than the bundle; they are only numbers."""
    bundle = make_bundle()
    graph = build(bundle, quantised=False)
    bias = graph.constants["output_bias"] + np.float32(3)
    before, after = (
        opened(bundle, g.to_bytes()) for g in (graph, with_array(graph, "output_bias", bias))
    )
    assert (after[:, 1] > before[:, 1]).all()


@pytest.mark.parametrize("kind", ["graph", "torch"])
def test_a_score_that_is_not_finite_never_leaves(make_bundle, kind):
    bundle = make_bundle()
    open_gates = {n: np.full_like(a, 30) for n, a in bundle.weights.items() if ".bias_" in n}
    huge = {"output.weight": np.full_like(bundle.weights["output.weight"], 3e38)}
    bundle = dataclasses.replace(bundle, weights={**bundle.weights, **open_gates, **huge})
    if kind == "graph":
        graphs = {FLOAT_GRAPH: build(bundle, quantised=False).to_bytes()}
        bundle = dataclasses.replace(bundle, graphs=graphs)
    with pytest.raises(BundleError, match=r"^Expected finite scores, found"):
        open_predictor(bundle).probabilities(["a good film " * 100])


@pytest.mark.parametrize("temperature", [1e-320, 1e-3, 1e3, 1e308, 0, -1, "1", True, None])
def test_a_temperature_that_no_calibration_gives_is_refused(model, temperature):
    path = model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"temperature": temperature}))
    with pytest.raises(BundleError, match=r"Expected a temperature from 0\.01 to 100 in"):
        load_bundle(model)


@pytest.mark.parametrize("temperature", [0.05, 20.0, 1])
def test_a_temperature_of_a_calibration_is_read(tmp_path, make_bundle, temperature):
    bundle = make_bundle()
    config = dataclasses.replace(bundle.config, temperature=temperature)
    save_bundle(tmp_path / "x", dataclasses.replace(bundle, config=config))
    assert load_bundle(tmp_path / "x").config.temperature == temperature
