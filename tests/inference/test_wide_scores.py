"""What holds for the scores of every model holds with a wide path too."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bundles import random_bundle

from sentiment_lstm import cores
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import BundleError
from sentiment_lstm.export import export
from sentiment_lstm.inference import runtime as runtime_module
from sentiment_lstm.inference.arrays import sum_features
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.inference.streaming import stream
from sentiment_lstm.inference.torch_runtime import TorchRuntime
from sentiment_lstm.model.wide import WidePath
from sentiment_lstm.weights_file import WIDE

POOLINGS = ("last", "max+mean", "max+mean+last", "attention")
CLASSES = [("a", "b"), ("a", "b", "c")]
TEXTS = [
    "a good film",
    "not bad at all",
    "",
    "bad",
    "good " * 40,
    "zzz",
    "bad , a <b>bad</b> film goods",
    "\u200b",
    "\U0001f600 \u6f22",
]
RUNTIMES = ("torch", "float", "int8")


def predictor_of(bundle: Bundle, runtime: str, threads: int = 1) -> Predictor:
    if runtime == "torch":
        return Predictor(bundle, TorchRuntime(bundle))
    quantised = runtime == "int8"
    graph = build(bundle, quantised=quantised).to_bytes()
    return Predictor(bundle, OnnxRuntime(bundle, graph, quantised=quantised, threads=threads))


@pytest.fixture
def bundle(make_bundle) -> Bundle:
    return make_bundle(("a", "b", "c"), wide=True, pooling="max+mean+last")


def without_wide(bundle: Bundle) -> Bundle:
    weights = {name: array for name, array in bundle.weights.items() if name != WIDE}
    return dataclasses.replace(
        bundle, weights=weights, tokenizer=bundle.tokenizer.with_features(None)
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("classes", CLASSES)
def test_the_wide_path_adds_the_weights_of_the_features_to_the_logits(
    make_bundle, runtime, classes
):
    bundle = make_bundle(classes, wide=True)
    encoded = bundle.tokenizer.encode(TEXTS)
    deep = predictor_of(without_wide(bundle), runtime).runtime.score(encoded)
    logits = predictor_of(bundle, runtime).runtime.score(encoded)
    added = np.stack([bundle.weights[WIDE][e.features.ids].sum(0) for e in encoded])
    assert np.abs(added).max() > 1
    assert not added[2].any(), "an empty text has no features"
    expected = deep + (added[:, 0] if len(classes) == 2 else added)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("classes", CLASSES)
def test_the_float_graph_scores_like_torch(make_bundle, pooling, bidirectional, layers, classes):
    shape = {"pooling": pooling, "bidirectional": bidirectional, "layers": layers}
    bundle = make_bundle(classes, wide=True, **shape)
    expected = predictor_of(bundle, "torch").probabilities(TEXTS)
    probabilities = predictor_of(bundle, "float").probabilities(TEXTS)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)
    assert len(np.unique(expected[:, 0].round(3))) > 5, "the texts differ, and so do their scores"


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_scores_do_not_depend_on_batch_mates_padding_and_order(make_bundle, runtime, bidirectional):
    bundle = make_bundle(("a", "b", "c"), wide=True, bidirectional=bidirectional)
    predictor = predictor_of(bundle, runtime)
    together = predictor.probabilities(TEXTS)
    alone = np.concatenate([predictor.probabilities([text]) for text in TEXTS])
    order = np.random.default_rng(0).permutation(len(TEXTS))
    shuffled = predictor.probabilities([TEXTS[i] for i in order])
    atol = 0 if runtime == "int8" else 1e-6
    np.testing.assert_allclose(together, alone, rtol=0, atol=atol)
    np.testing.assert_allclose(shuffled, together[order], rtol=0, atol=atol)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("piece", [1, 2, 7])
def test_long_texts_are_read_in_pieces(make_bundle, monkeypatch, runtime, classes, piece):
    predictor = predictor_of(make_bundle(classes, wide=True, pooling="attention"), runtime)
    expected = predictor.probabilities(TEXTS)
    monkeypatch.setattr(runtime_module, "PIECE", piece)
    np.testing.assert_allclose(predictor.probabilities(TEXTS), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_streaming_step_by_step_gives_the_score_of_the_whole_text(bundle, runtime):
    predictor = predictor_of(bundle, runtime)
    for text in TEXTS:
        steps = list(stream(predictor, text))
        expected = predictor.probabilities([text])[0]
        np.testing.assert_allclose(steps[-1].probabilities, expected, rtol=0, atol=1e-6)


def test_each_step_scores_its_prefix_as_a_whole_text(bundle):
    predictor, text = predictor_of(bundle, "torch"), "Not bad at all , a good-bad film don't"
    for step in stream(predictor, text):
        if step.text not in ("good", "-"):  # parts of a part: its features come with its end
            alone = predictor.probabilities([text[: step.end]])[0]
            np.testing.assert_allclose(step.probabilities, alone, rtol=0, atol=1e-6)


@cache
def piece_predictor() -> Predictor:
    texts = ["a b d g . , ! ? ' é 😀 & < > good bad"]
    return open_predictor(random_bundle(texts, ("a", "b"), wide=True, layers=1))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.text(st.sampled_from("aé<>/b&mp;.,!?\n \t\x85'😀 gd"), max_size=60), st.integers(1, 7))
def test_pieces_cut_anywhere_score_like_the_whole_text(text, cut):
    predictor = piece_predictor()
    pieces = [text[start : start + cut] for start in range(0, len(text), cut)]
    *_, last = stream(predictor, pieces)
    expected = predictor.probabilities([text])[0]
    np.testing.assert_allclose(last.probabilities, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_nothing(bundle, threads, monkeypatch):
    monkeypatch.setattr(cores, "usable_cores", lambda: 9)
    texts = TEXTS * 30
    expected = predictor_of(bundle, "int8").probabilities(texts)
    predictor = predictor_of(bundle, "int8", threads)
    assert predictor.runtime.threads == threads
    np.testing.assert_array_equal(predictor.probabilities(texts), expected)


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_export_checks_the_wide_path_and_a_saved_bundle_scores_the_same(
    make_bundle, tmp_path, classes, bidirectional
):
    bundle = export(make_bundle(classes, wide=True, bidirectional=bidirectional))
    for parity in bundle.metrics["parity"].values():
        assert parity["alone"] < 1e-6
        assert parity.get("pieces", 0) < 1e-6
    save_bundle(tmp_path / "model", bundle)
    expected = open_predictor(bundle).probabilities(TEXTS)
    read = open_predictor(load_bundle(tmp_path / "model")).probabilities(TEXTS)
    np.testing.assert_array_equal(read, expected)


def test_a_graph_with_another_wide_path_is_refused(bundle, monkeypatch):
    weights = {**bundle.weights, WIDE: bundle.weights[WIDE] * 2}
    other = dataclasses.replace(bundle, weights=weights)
    monkeypatch.setattr("sentiment_lstm.export.open_torch", lambda _: TorchRuntime(other))
    with pytest.raises(BundleError, match=r"Expected model.onnx to score .* \(torch\)"):
        export(bundle)


def test_graphs_do_not_hold_the_wide_path(bundle):
    for quantised in (False, True):
        wide, plain = (
            len(build(b, quantised=quantised).to_bytes()) for b in (bundle, without_wide(bundle))
        )
        assert wide - plain < 500


@pytest.mark.parametrize("counts", [[], [0], [2], [0, 3, 0, 0, 1, 0], [1, 1, 1]])
@pytest.mark.parametrize("units", [1, 3])
def test_sums_are_those_of_the_torch_module(counts, units):
    rng = np.random.default_rng(0)
    path = WidePath(9, units)
    weight = rng.normal(size=(9, units)).astype(np.float32)
    ids, counts = rng.integers(0, 9, sum(counts)), np.array(counts, dtype=np.int64)
    with torch.no_grad():
        path.weight.copy_(torch.from_numpy(weight))
        expected = path(torch.from_numpy(ids), torch.from_numpy(counts)).numpy()
    np.testing.assert_allclose(sum_features(weight, ids, counts), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("text", ["\ud800bad", "\x00", "<br />", "🎬" * 50, "a" * 10_000])
def test_odd_texts_get_a_finite_score(bundle, text):
    (prediction,) = open_predictor(bundle).predict([text])
    assert 1 / 3 <= prediction.score <= 1.0
