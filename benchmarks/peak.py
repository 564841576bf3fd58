"""Compares the speed of scoring with the processor's fastest matrix products.

`python benchmarks/peak.py` times the shipped model's int8 and float32 graphs on batches of 20 texts
of 250 tokens, one batch for each thread at a time. It also times square matrix products of ONNX
Runtime (`MatMulInteger`, `MatMul`) on the same threads. The best of several times counts. It prints
JSON: billions of multiply-adds a second of both, and their quotient (`share`). A batch's time is
that of the whole graph, with embedding, gates and pooling.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import FLOAT_GRAPH, GRAPHS, INT8_GRAPH, Bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.inference.graph_file import IR_VERSION, OPSET
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_library import onnxruntime
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime

SIZE = 2048
TEXTS, TOKENS = 20, 250
TIMES = 7


def best(work: Callable[[], object]) -> float:
    """The shortest of several times, in seconds; a first run does not count."""
    work()
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def product(kind: str, left: NDArray[Any], weights: NDArray[Any], threads: int) -> float:
    """Billions of multiply-adds a second of a square product."""
    types = [helper.np_dtype_to_tensor_dtype(a.dtype) for a in (left, weights)]
    out = TensorProto.INT32 if kind == "MatMulInteger" else TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(kind, ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info("a", types[0], left.shape)],
        [helper.make_tensor_value_info("c", out, [SIZE, SIZE])],
        [numpy_helper.from_array(weights, "b")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return SIZE**3 / best(lambda: session.run(None, {"a": left})) / 1e9


def peak(kind: str, threads: int) -> float:
    """Billions of multiply-adds a second of the processor's fastest product of this kind."""
    random = np.random.default_rng(0)
    if kind == FLOAT_GRAPH:
        left, weights = random.normal(size=(2, SIZE, SIZE)).astype(np.float32)
        return product("MatMul", left, weights, threads)
    whole = random.integers(0, 127, (2, SIZE, SIZE))
    return product("MatMulInteger", whole[0].astype(np.uint8), whole[1].astype(np.int8), threads)


def scoring(bundle: Bundle, kind: str, threads: int) -> float:
    """Billions of multiply-adds a second of the model's LSTM, in the time of the whole graph."""
    quantised = kind == INT8_GRAPH
    graph = build(bundle, quantised=quantised).to_bytes()
    runtime = OnnxRuntime(bundle, graph, quantised=quantised, threads=threads)
    shape = (2 * runtime.threads, TEXTS, TOKENS)
    ids = np.random.default_rng(0).integers(2, len(bundle.tokenizer), shape, dtype=np.int32)
    batches = [list(batch) for batch in ids]
    weights = sum(array.size for name, array in bundle.weights.items() if ".weight_" in name)
    return ids.size * weights / best(lambda: list(runtime.score_all(batches))) / 1e9


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, divide, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", help="default: the shipped one")
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core")
    options = parser.parse_args(arguments)
    bundle = SentimentClassifier.from_pretrained(options.model).bundle
    figures = {}
    for kind in GRAPHS:
        reached = scoring(bundle, kind, options.threads)
        most = peak(kind, options.threads)
        figures[kind] = {"scoring": reached, "product": most, "share": reached / most}
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    run_script(main)
