"""Adds ONNX graphs to a bundle, or writes one file for other programs, and checks them.

`inference.graphs` builds the graphs. They are checked with random texts against PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import FLOAT_GRAPH, GRAPHS, INT8_GRAPH, Bundle
from sentiment_lstm.errors import BundleError
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.inference.arrays import wide_units, zero_state
from sentiment_lstm.inference.graphs import build, build_standalone
from sentiment_lstm.inference.onnx_library import onnxruntime
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.inference.runtime import feature_batch
from sentiment_lstm.records import Encoded, Features

_LENGTHS = (1, 2, 3, 7, 8, 20, 64, 65, 250, 700)
"""Lengths, in tokens, of the random texts that check a graph."""
_MOST_APART = 1e-4
"""The largest allowed difference between probabilities of graphs that should agree."""


def export(bundle: Bundle, names: Sequence[str] = GRAPHS) -> Bundle:
    """Add graphs to a bundle, each checked against PyTorch.

    Args:
        bundle: the model.
        names: the graphs to build, from `bundle.GRAPHS`.

    Returns:
        The bundle with only these graphs. Its metrics hold the result of the checks (`parity`).

    Raises:
        BundleError: a graph's scores differ too much from PyTorch's.
        MissingExtraError: torch is not installed.
    """
    graphs = {n: build(bundle, quantised=n == INT8_GRAPH).to_bytes() for n in names}
    parity = {name: _parity(bundle, name, graph) for name, graph in graphs.items()}
    return replace(bundle, graphs=graphs, metrics={**bundle.metrics, "parity": parity})


def standalone(bundle: Bundle, *, quantised: bool) -> tuple[bytes, float]:
    """Build one ONNX file that any program can run, as `graphs.build_standalone` describes.

    Returns:
        The file, and the largest difference between its probabilities and the package's, on random
        texts.

    Raises:
        BundleError: the difference is above 0.0001.
    """
    graph = build_standalone(bundle, quantised=quantised).to_bytes()
    name = INT8_GRAPH if quantised else FLOAT_GRAPH
    own = bundle.graphs.get(name) or build(bundle, quantised=quantised).to_bytes()
    predictor = Predictor(bundle, OnnxRuntime(bundle, own, quantised=quantised))
    random = np.random.default_rng(0)
    texts = [_random_text(bundle, random, length) for length in _LENGTHS]
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    scores = [session.run(["probabilities"], plain_inputs(bundle, text))[0] for text in texts]
    difference = float(np.abs(np.concatenate(scores) - predictor.score(texts)).max())
    if not difference <= _MOST_APART:
        raise BundleError(
            f"Expected the file to score as the package does, found a difference of "
            f"{difference:.2g} in a probability: export the model's graphs again, without "
            "--standalone."
        )
    return graph, difference


def plain_inputs(bundle: Bundle, text: Encoded) -> dict[str, NDArray[np.generic]]:
    """Return the inputs of a standalone graph for one text that starts with no state."""
    inputs: dict[str, NDArray[np.generic]] = {
        "ids": text.ids[None].astype(np.int64),
        "lengths": np.array([len(text.ids)], dtype=np.int32),
        **zero_state(bundle.config.model, 1, wide_units(bundle.weights)),
    }
    if text.features is not None:
        inputs["features"] = text.features.ids[None].astype(np.int64)
    return inputs


def _parity(bundle: Bundle, name: str, graph: bytes) -> dict[str, float]:
    """Return the largest differences between probabilities of the same random texts.

    `torch`: the graph and PyTorch. `alone`: a text alone and in a batch. `pieces`: a text in pieces
    and whole.
    """
    random = np.random.default_rng(0)
    texts = [_random_text(bundle, random, length) for length in _LENGTHS]
    runtime = OnnxRuntime(bundle, graph, quantised=name == INT8_GRAPH)
    logits = {"whole": runtime.score(texts), "torch": open_torch(bundle).score(texts)}
    logits["alone"] = np.concatenate([runtime.score([text]) for text in texts])
    if runtime.carries:
        logits["pieces"] = np.concatenate([_piecewise(runtime, text) for text in texts])
    multi_label = bundle.config.multi_label
    scores = {key: probabilities(rows, multi_label=multi_label) for key, rows in logits.items()}
    whole = scores.pop("whole")
    differences = {key: float(np.abs(other - whole).max()) for key, other in scores.items()}
    limits = {"torch": np.inf if name == INT8_GRAPH else _MOST_APART}
    for key, difference in differences.items():
        if not difference <= limits.get(key, 1e-5):
            raise BundleError(
                f"Expected {name} to score a text as the model does ({key}), found a difference "
                f"of {difference:.2g} in a probability: do not use it, and report this model."
            )
    return differences


def _random_text(bundle: Bundle, random: np.random.Generator, length: int) -> Encoded:
    """Draw token ids and, for a model with a wide path, up to nine features for each token."""
    ids = random.integers(1, len(bundle.tokenizer), length).astype(np.int32)
    if bundle.tokenizer.features is None:
        return Encoded(ids)
    counts = random.integers(0, 10, length)
    features = random.integers(0, len(bundle.tokenizer.features), counts.sum()).astype(np.int32)
    return Encoded(ids, features=Features(features, counts))


def _piecewise(runtime: OnnxRuntime, text: Encoded) -> NDArray[np.float32]:
    """Return the logits of a text that is read in pieces of seven tokens."""
    state = None
    for piece in text.pieces(7):
        ids = piece.ids[None].astype(np.int64)
        logits, state = runtime.read(ids, np.array([ids.shape[1]]), state, feature_batch([piece]))
    return logits
