"""The same scores whatever runs a model: PyTorch, the float32 graph, the int8 graph.

`python benchmarks/parity.py` scores IMDb's whole test split with the shipped bundle in all three,
and prints JSON: each one's accuracy, and the largest and mean difference of a probability from
PyTorch's. On the first `--again` reviews also the largest difference when the same runtime reads
them alone, in another order, and streamed token by token.
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
from sentiment_lstm.export import build
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.inference.streaming import stream
from sentiment_lstm.settings import DataSettings

NAMES = {FLOAT_GRAPH: "float32", INT8_GRAPH: "int8"}


def predictors(bundle: Bundle) -> dict[str, Predictor]:
    """The bundle in PyTorch and as both graphs, built anew from its weights."""
    found = {"torch": Predictor(bundle, open_torch(bundle))}
    for name in GRAPHS:
        quantised = name == INT8_GRAPH
        graph = build(bundle, quantised=quantised).SerializeToString()
        found[NAMES[name]] = Predictor(bundle, OnnxRuntime(bundle, graph, quantised=quantised))
    return found


def read_again(predictor: Predictor, texts: Sequence[str]) -> dict[str, float]:
    """The largest differences from one batch: alone, in another order, streamed."""
    together = predictor.probabilities(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = np.empty_like(together)
    shuffled[order] = predictor.probabilities([texts[place] for place in order])
    alone = np.concatenate([predictor.probabilities([text]) for text in texts])
    streamed = np.array([[*stream(predictor, text)][-1].probabilities for text in texts])
    ways = {"alone": alone, "shuffled": shuffled, "streamed": streamed}
    return {name: _largest(together, shares) for name, shares in ways.items()}


def measured(
    shares: Mapping[str, NDArray[np.float64]], positive: NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Accuracy of each, and how far its probabilities [N, 2] are from PyTorch's."""
    return {
        name: {
            "accuracy": float(((share[:, 1] > 0.5) == positive).mean()),
            "largest difference": _largest(shares["torch"], share),
            "mean difference": float(np.abs(shares["torch"] - share).mean()),
        }
        for name, share in shares.items()
    }


def _largest(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).max())


def main(arguments: Sequence[str] | None = None) -> int:
    """Score, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", help="default: the shipped one")
    parser.add_argument("--data", default="../shared/data/imdb")
    parser.add_argument("--again", type=int, default=200)
    options = parser.parse_args(arguments)
    bundle = SentimentClassifier.from_pretrained(options.model).bundle
    label_map = {"0": "negative", "1": "positive"}
    data = DataSettings(source=options.data, split="test", label_map=label_map)
    reviews = list(read_examples(data, set_aside=SetAside(None)))
    texts = [review.text for review in reviews]
    runs = predictors(bundle)
    shares = {name: one.probabilities(texts) for name, one in runs.items()}
    found = measured(shares, np.array([review.label == "positive" for review in reviews]))
    for name, one in runs.items():
        found[name] |= read_again(one, texts[: options.again])
    print(json.dumps({"reviews": len(texts), **found}, indent=2))
    return 0


if __name__ == "__main__":
    run_script(main)
