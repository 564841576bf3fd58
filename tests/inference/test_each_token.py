import numpy as np
import pytest
from small_bundles import random_bundle

from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.runtime import Runtime
from sentiment_lstm.inference.torch_runtime import TorchRuntime
from sentiment_lstm.interpret.gates import gates

TEXTS = ["a good film , not a bad one", "bad bad zzz"]
POOLINGS = ("last", "max+mean", "max+mean+last", "attention")


def runtime_of(bundle, kind: str) -> Runtime:
    if kind == "torch":
        return TorchRuntime(bundle)
    graph = build(bundle, quantised=kind == "int8").to_bytes()
    return OnnxRuntime(bundle, graph, quantised=kind == "int8")


@pytest.mark.parametrize("kind", ["torch", "float", "int8"])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("classes", "wide"), [(("a", "b"), False), (("a", "b", "c"), True)])
def test_tokens_read_at_once_score_like_tokens_read_one_by_one(kind, pooling, classes, wide):
    bundle = random_bundle(TEXTS, classes, pooling=pooling, wide=wide)
    runtime = runtime_of(bundle, kind)
    (text,) = bundle.tokenizer.encode(TEXTS[:1])
    one_by_one = Runtime.read_each(runtime, text)
    (first, second) = text.pieces(5)
    start = runtime.read_each(first)
    rest = runtime.read_each(second, start.state)
    logits = np.concatenate([start.logits, rest.logits])
    forget = np.concatenate([start.forget, rest.forget])
    np.testing.assert_allclose(logits, one_by_one.logits, rtol=0, atol=1e-5)
    most_apart = 0.02 if kind == "int8" else 1e-6  # the graph reads embeddings in int8
    np.testing.assert_allclose(forget, one_by_one.forget, rtol=0, atol=most_apart)
    np.testing.assert_allclose(logits[-1], runtime.score([text])[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["torch", "float", "int8"])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_forget_gate_is_that_of_the_first_layer(kind, layers):
    bundle = random_bundle(TEXTS, layers=layers)
    (text,) = bundle.tokenizer.encode(TEXTS[:1])
    expected = gates(bundle.weights, text.ids)[0].forget.mean(axis=1)
    forget = runtime_of(bundle, kind).read_each(text).forget
    np.testing.assert_allclose(forget, expected, rtol=0, atol=0.02 if kind == "int8" else 1e-5)
