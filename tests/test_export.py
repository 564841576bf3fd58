import dataclasses

import numpy as np
import pytest

from sentiment_lstm import cores
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.cores import usable_cores
from sentiment_lstm.errors import BundleError
from sentiment_lstm.export import export
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.inference.torch_runtime import TorchRuntime
from sentiment_lstm.records import Encoded

POOLINGS = ("last", "max+mean", "max+mean+last", "attention")


def session(bundle: Bundle, *, quantised: bool, threads: int = 1) -> OnnxRuntime:
    graph = build(bundle, quantised=quantised).to_bytes()
    return OnnxRuntime(bundle, graph, quantised=quantised, threads=threads)


def texts(*lengths: int) -> list[Encoded]:
    rng = np.random.default_rng(1)
    return [Encoded(rng.integers(1, 8, size=n).astype(np.int32)) for n in lengths]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_the_float_graph_scores_like_torch(make_bundle, pooling, bidirectional, layers, classes):
    bundle = make_bundle(classes, pooling=pooling, bidirectional=bidirectional, layers=layers)
    inputs = texts(5, 1, 3, 9)
    expected = TorchRuntime(bundle).score(inputs)
    logits = session(bundle, quantised=False).score(inputs)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_quantised_graph_scores_nearly_like_torch(make_bundle, pooling, bidirectional, layers):
    bundle = make_bundle(pooling=pooling, bidirectional=bidirectional, layers=layers, hidden_size=8)
    inputs = texts(5, 1, 3, 9)
    expected = TorchRuntime(bundle).score(inputs)
    logits = session(bundle, quantised=True).score(inputs)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=0.1)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_quantised_scores_do_not_depend_on_the_batch(make_bundle, pooling, bidirectional):
    runtime = session(make_bundle(pooling=pooling, bidirectional=bidirectional), quantised=True)
    inputs = texts(7, 2, 30, 7)
    alone = np.concatenate([runtime.score([text]) for text in inputs])
    np.testing.assert_array_equal(runtime.score(inputs), alone)


def test_there_are_no_more_threads_than_cores(bundle):
    assert session(bundle, quantised=True, threads=100_000).threads == usable_cores()


@pytest.mark.parametrize("threads", [2, 3, 9])
def test_threads_share_batches_and_keep_their_order(bundle, threads, monkeypatch):
    monkeypatch.setattr(cores, "usable_cores", lambda: 9)
    inputs = texts(5, 1, 3, 9, 2)
    batches = [inputs[:2], inputs[2:3], inputs[3:]]
    alone = session(bundle, quantised=True).score(inputs)
    shared = session(bundle, quantised=True, threads=threads).score_all(batches)
    np.testing.assert_array_equal(np.concatenate(list(shared)), alone)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("quantised", [False, True])
def test_pieces_and_tokens_score_like_the_whole_text(make_bundle, pooling, quantised):
    runtime = session(make_bundle(pooling=pooling), quantised=quantised)
    (text,) = texts(12)
    expected = runtime.score([text])
    for size in (1, 5):
        state = None
        for start in range(0, len(text.ids), size):
            piece = text.ids[None, start : start + size].astype(np.int64)
            logits, state = runtime.read(piece, np.array([piece.shape[1]]), state)
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-6)


def test_graphs_do_not_repeat_the_weights(make_bundle):
    """The int8 graph holds the LSTM's weights, a byte each; the float32 graph hardly any."""
    bundle = make_bundle(embedding_size=64, hidden_size=64, layers=1)
    products = 4 * 66 * (66 + 66)
    quantised, plain = (len(build(bundle, quantised=q).to_bytes()) for q in (True, False))
    assert products < quantised < products + 16_000
    assert plain < 8_000


def test_export_adds_checked_graphs(make_bundle, tmp_path):
    made = make_bundle(pooling="max+mean")
    save_bundle(tmp_path / "model", export(made))
    read = load_bundle(tmp_path / "model")
    assert set(read.graphs) == {"model.onnx", "model.int8.onnx"}
    parity = read.metrics["parity"]
    assert parity["model.onnx"]["torch"] < 1e-5
    assert parity["model.int8.onnx"]["alone"] == 0
    assert parity["model.int8.onnx"]["pieces"] < 1e-6
    probabilities = open_predictor(read).probabilities(["a good film", "not bad"])
    expected = open_predictor(made).probabilities(["a good film", "not bad"])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=0.02)


def test_a_graph_with_other_scores_is_refused(make_bundle, monkeypatch):
    other = make_bundle(embedding_size=5)
    monkeypatch.setattr("sentiment_lstm.export.open_torch", lambda _: TorchRuntime(other))
    with pytest.raises(BundleError, match=r"Expected model.onnx to score .* \(torch\)"):
        export(make_bundle())


@pytest.mark.parametrize("graph", [b"", b"no graph"])
def test_a_broken_graph_is_refused(make_bundle, graph):
    broken = dataclasses.replace(make_bundle(), graphs={"model.onnx": graph})
    with pytest.raises(BundleError, match="Expected a graph of this model"):
        open_predictor(broken)
