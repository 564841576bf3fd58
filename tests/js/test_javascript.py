"""The JavaScript package scores as Python does."""

import json
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from documents import DOCS
from small_bundles import random_bundle

from js.scripts.write_patterns import OUT as PATTERNS
from js.scripts.write_patterns import patterns
from js.scripts.write_vectors import vectors
from sentiment_lstm.bundle import FLOAT_GRAPH, INT8_GRAPH, SHIPPED, Bundle, load_bundle, save_bundle
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.inference.streaming import stream
from sentiment_lstm.interpret.gates import gates
from sentiment_lstm.settings import TextSettings

JS = Path(__file__).parents[2] / "js"
VECTORS = json.loads((DOCS / "runtime_vectors.json").read_text(encoding="utf-8"))
LETTERS = "abcDEF .,!?'<>&@:/\u0301\u200b\u200d\ufe0f\U0001f600\u0915\u094d\u0e2a\u0640\u0130\x85;-"
POOLINGS = ("last", "max+mean", "max+mean+last", "attention")
KINDS = {
    "two": {},
    "three": {"classes": ("a", "b", "c"), "wide": True},
    "several": {"classes": ("a", "b"), "thresholds": (0.4, 0.6), "wide": True},
}
SMALL = ["a good film", "bad", "not bad at all , good film film", "good , not bad", "", "???", "x"]


def hostile(count: int) -> list[str]:
    """Make texts of characters that the cleaning changes."""
    chance = random.Random(0)
    return ["".join(chance.choices(LETTERS, k=chance.randint(1, 60))) for _ in range(count)]


def saved(bundle: Bundle, folder: Path, name: str = INT8_GRAPH) -> Predictor:
    """Save a bundle with one of its graphs, and return its predictor."""
    graph = build(bundle, quantised=name == INT8_GRAPH).to_bytes()
    bundle = replace(bundle, graphs={name: graph}, half=True)
    save_bundle(folder, bundle)
    return open_predictor(load_bundle(folder), 1)


def farthest(predictor: Predictor, texts: list[str], predictions: list[dict]) -> np.ndarray:
    """Return the largest difference between the probabilities of each text."""
    theirs = np.array([prediction["probabilities"] for prediction in predictions])
    return np.abs(predictor.probabilities(texts) - theirs).max(axis=1)


def test_the_patterns_of_javascript_are_those_of_python():
    assert patterns() == PATTERNS.read_text()


def test_the_vectors_are_what_python_makes_of_the_texts():
    now = vectors()
    assert now["texts"] == VECTORS["texts"]
    assert now["features"] == VECTORS["features"]
    for name, stored in VECTORS["models"].items():
        for own, row in zip(now["models"][name]["texts"], stored["texts"], strict=True):
            exact = ("ids", "spans", "label")
            assert [own[key] for key in exact] == [row[key] for key in exact]
            assert own["probabilities"] == pytest.approx(row["probabilities"], abs=1e-3)
            assert own["logits"] == pytest.approx(row["logits"], abs=0.02)


def test_the_vectors_are_small():
    assert (DOCS / "runtime_vectors.json").stat().st_size < 100_000


@pytest.mark.parametrize("name", ["default", "tiny"])
def test_shipped_models_score_as_in_python(score, name):
    texts = [*VECTORS["texts"], *hostile(150), " ".join(VECTORS["texts"]) * 12]
    predictor = open_predictor(load_bundle(SHIPPED / name), 1)
    result = score(SHIPPED / name, texts)
    # Python takes two lone halves of a character for two characters, JSON for one.
    assert result["ids"] == [text.ids.tolist() for text in predictor.tokenizer.encode(texts)]
    difference = farthest(predictor, texts, result["predictions"])
    # A rounding of int8 may differ between processors: rarely, and by little.
    assert (difference < 1e-3).mean() > 0.98
    assert difference.max() < 0.02


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_models_of_users_score_as_in_python(score, tmp_path, pooling, kind):
    bundle = random_bundle(SMALL[:4], pooling=pooling, **KINDS[kind])
    predictor = saved(bundle, tmp_path / "model")
    result = score(tmp_path / "model", SMALL)
    assert farthest(predictor, SMALL, result["predictions"]).max() < 1e-3
    python = predictor.predict(SMALL)
    assert [row["label"] for row in result["predictions"]] == [each.label for each in python]
    if kind == "several":
        assert [tuple(row["labels"]) for row in result["predictions"]] == [p.labels for p in python]
    for text, reading in zip(SMALL, result["readings"], strict=True):
        steps = [
            step for step in stream(predictor, text) if step.label or step.labels or step.score
        ]
        assert [step["text"] for step in reading["steps"]] == [step.text for step in steps]
        theirs = np.array([step["probabilities"] for step in reading["steps"]])
        own = np.array([step.probabilities for step in steps])
        assert theirs == pytest.approx(own, abs=1e-3)


@pytest.mark.parametrize("name", [INT8_GRAPH, FLOAT_GRAPH])
def test_a_model_of_two_directions_scores_as_in_python(score, tmp_path, name):
    predictor = saved(random_bundle(SMALL[:4], bidirectional=True), tmp_path / "model", name)
    result = score(tmp_path / "model", SMALL)
    assert farthest(predictor, SMALL, result["predictions"]).max() < 1e-3
    assert result["readings"] == []


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_graph_of_float32_is_run_if_there_is_no_other(score, tmp_path, pooling):
    bundle = random_bundle(SMALL[:4], pooling=pooling, classes=("a", "b", "c"), wide=True)
    predictor = saved(bundle, tmp_path / "model", FLOAT_GRAPH)
    result = score(tmp_path / "model", SMALL)
    assert farthest(predictor, SMALL, result["predictions"]).max() < 1e-5
    for text, reading in zip(SMALL, result["readings"], strict=True):
        if not reading["steps"]:
            continue
        (encoded,) = predictor.tokenizer.encode([text])
        expected = gates(load_bundle(tmp_path / "model").weights, encoded.ids)[0].forget
        own = [step["forget"] for step in reading["steps"]]
        assert own == pytest.approx(expected.mean(axis=1).tolist(), abs=1e-5)
        last = reading["steps"][-1]["probabilities"]
        assert last == pytest.approx(predictor.probabilities([text])[0].tolist(), abs=1e-5)


def test_subwords_with_capitals_have_the_ids_of_python(score, tmp_path):
    text = TextSettings(kind="bpe", vocabulary=120, min_frequency=1, lowercase=False)
    texts = ["Performances of WONDERFUL films", "wonderful performance", *SMALL, *hostile(50)]
    predictor = saved(random_bundle(texts[:6], text=text), tmp_path / "model")
    result = score(tmp_path / "model", texts)
    assert result["ids"] == [each.ids.tolist() for each in predictor.tokenizer.encode(texts)]


def test_the_forget_gate_is_that_of_the_weights(score):
    text = "It was not bad at all."
    bundle = load_bundle(SHIPPED / "default")
    steps = score(SHIPPED / "default", [text])["readings"][0]["steps"]
    (encoded,) = bundle.tokenizer.encode([text])
    expected = gates(bundle.weights, encoded.ids)[0].forget.mean(axis=1).tolist()
    assert [step["forget"] for step in steps] == pytest.approx(expected, abs=0.01)


def test_the_tests_of_the_package_pass(node, runtime):
    files = sorted((JS / "test").glob("*.test.js"))
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "# skipped 0" in done.stdout


def test_the_package_holds_what_it_needs(node, runtime):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm")
    command = [npm, "pack", "--dry-run", "--json", "--silent"]
    done = subprocess.run(command, cwd=JS, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (package,) = json.loads(done.stdout[done.stdout.index("[\n") :])
    names = {file["path"] for file in package["files"]}
    assert {"README.md", "LICENSE", "package.json", "src/index.d.ts", "model/README.md"} <= names
    assert {f"src/{path.name}" for path in (JS / "src").iterdir()} <= names
    assert not [name for name in names if name.startswith(("test", "scripts", "node_modules"))]
    assert package["size"] < 6_000_000
