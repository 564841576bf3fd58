"""Compares the scores of one model in PyTorch, in its float32 graph and in its int8 graph.

`python benchmarks/parity.py` scores IMDb's whole test split with the shipped model in all three
runtimes. It prints JSON: the accuracy of each, and the largest and the mean difference between its
probabilities and PyTorch's. The first `--again` reviews are scored again in each runtime: one at a
time, in another order, and streamed token by token. The largest differences are printed, too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import FLOAT_GRAPH, GRAPHS, INT8_GRAPH, Bundle
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.polarity import Poles, find_poles, polarities
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.inference.streaming import stream
from sentiment_lstm.settings import DataSettings

NAMES = {FLOAT_GRAPH: "float32", INT8_GRAPH: "int8"}


def predictors(bundle: Bundle) -> dict[str, Predictor]:
    """The bundle in PyTorch and in both graphs, which are built again from its weights."""
    by_runtime = {"torch": Predictor(bundle, open_torch(bundle))}
    for name in GRAPHS:
        quantised = name == INT8_GRAPH
        graph = build(bundle, quantised=quantised).to_bytes()
        by_runtime[NAMES[name]] = Predictor(bundle, OnnxRuntime(bundle, graph, quantised=quantised))
    return by_runtime


def read_again(predictor: Predictor, texts: Sequence[str]) -> dict[str, float]:
    """The largest differences from one batch: one text at a time, in another order, streamed."""
    together = predictor.probabilities(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = np.empty_like(together)
    shuffled[order] = predictor.probabilities([texts[index] for index in order])
    alone = np.concatenate([predictor.probabilities([text]) for text in texts])
    streamed = np.array([[*stream(predictor, text)][-1].probabilities for text in texts])
    ways = {"alone": alone, "shuffled": shuffled, "streamed": streamed}
    return {name: _largest(together, probabilities) for name, probabilities in ways.items()}


def compare(
    by_runtime: Mapping[str, NDArray[np.float64]], positive: NDArray[np.bool_], poles: Poles
) -> dict[str, dict[str, float]]:
    """The accuracy of each runtime, and how far its probabilities [N, C] are from PyTorch's."""
    reference = by_runtime["torch"]
    return {
        name: {
            "accuracy": float(((polarities(probabilities, poles) > 0.5) == positive).mean()),
            "largest difference": _largest(reference, probabilities),
            "mean difference": float(np.abs(reference - probabilities).mean()),
        }
        for name, probabilities in by_runtime.items()
    }


def _largest(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.abs(first - second).max())


def main(arguments: Sequence[str] | None = None) -> int:
    """Score, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", help="default: the shipped one")
    parser.add_argument("--data", default="data:imdb")
    parser.add_argument("--again", type=int, default=200)
    options = parser.parse_args(arguments)
    bundle = SentimentClassifier.from_pretrained(options.model).bundle
    label_map = {"0": "negative", "1": "positive"}
    data = DataSettings(source=options.data, split="test", label_map=label_map)
    reviews = list(read_examples(data, set_aside=SetAside(None)))
    texts = [review.text for review in reviews]
    runs = predictors(bundle)
    probabilities = {name: predictor.probabilities(texts) for name, predictor in runs.items()}
    positive = np.array([review.label == "positive" for review in reviews])
    figures = compare(probabilities, positive, find_poles(bundle.config.classes))
    for name, predictor in runs.items():
        figures[name] |= read_again(predictor, texts[: options.again])
    print(json.dumps({"reviews": len(texts), **figures}, indent=2))
    return 0


if __name__ == "__main__":
    run_script(main)
