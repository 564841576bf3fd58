"""Scores token ids with standalone graphs outside the package, and compares with its scores.

`python benchmarks/elsewhere.py` exports the shipped models with `export.standalone`. It scores
2,000 texts of IMDb's test split with plain ONNX Runtime in Python. If Node and its package
`onnxruntime-node` are installed (`NODE_PATH`), it also runs the program of the guide's page
"A model in other programs". It prints JSON: the largest difference of each from the package's
probabilities.

`--vectors FILE` writes the test vectors of that page instead.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.export import plain_inputs, standalone
from sentiment_lstm.inference.onnx_library import onnxruntime
from sentiment_lstm.records import Encoded
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically
from sentiment_lstm.text.hashing import hash_parts, pair_hashes

MODELS = ("default", "tiny")
PAGE = Path(__file__).parents[1] / "docs" / "guide" / "elsewhere.md"
TEXTS = (
    "A dull film, but the ending is lovely.",
    "GREAT!!!! I can't recommend it enough :)",
    "<p>It isn\u2019t bad &amp; it isn\u2019t good&hellip;</p>",
    "Ask @reader_7 or see https://example.com/a?b=1, then decide.",
    "The perfromance was wonderfull.",
    "8.5/10 \u2014 80's rock'n'roll \U0001f44d\U0001f3fd \u2764\ufe0f",
    "Cafe\u0301 o\u00f9 l\u2019on mange tr\u00e8s mal",
    "\u5f88\u597d\u770b \u0645\u0645\u062a\u0627\u0632",
    "A soft\u00adhyphen and a zero\u200bwidth space",
    "not good " * 50,
)
"""Each shows a rule of the page: cleaning, cutting, corrections, unknown words, length."""


def vectors() -> str:
    """The content of the file of test vectors: JSON, with one text a line."""
    texts = [row for name in MODELS for row in scored(name)]
    lists = [
        f'"{key}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]"
        for key, rows in (("texts", texts), ("features", features()))
    ]
    return "{\n" + ",\n".join(lists) + "\n}\n"


def scored(name: str) -> list[dict[str, object]]:
    """The texts with their words, ids and probabilities, as a shipped model reads them."""
    predictor = SentimentClassifier.from_pretrained(name).predictor
    tokenizer = predictor.tokenizer
    encoded = tokenizer.encode(TEXTS)
    rows = zip(TEXTS, encoded, predictor.score(encoded).tolist(), strict=True)
    return [
        {
            "model": name,
            "text": text,
            "words": tokenizer.words(text),
            "tokens": [tokenizer.token(id_) for id_ in each.ids.tolist()],
            "ids": each.ids.tolist(),
            "probabilities": dict(zip(predictor.classes, probabilities, strict=True)),
        }
        for text, each, probabilities in rows
    ]


def features() -> list[dict[str, object]]:
    """Texts with the hashes of their features, rising, which are the same for every model."""
    tokenizer = SentimentClassifier.from_pretrained("tiny").predictor.tokenizer
    rows: list[dict[str, object]] = []
    for text in ("Not good.", "caf\u00e9 bar"):
        words = tokenizer.words_of_parts(tokenizer.parts(text))
        hashed = hash_parts(words)
        first, last = hashed.heads["first"][1:], hashed.heads["last"][:-1]
        hashes = np.concatenate([hashed.hashes, pair_hashes(last, first)])
        rows.append({"text": text, "parts": words, "hashes": sorted(hashes.tolist())})
    return rows


def in_python(graph: bytes, bundle: Bundle, texts: Sequence[Encoded]) -> NDArray[np.float64]:
    """The probabilities of plain ONNX Runtime, [N, C]."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    rows = [session.run(["probabilities"], plain_inputs(bundle, text))[0] for text in texts]
    return np.concatenate(rows).astype(np.float64)


def in_node(graph: bytes, texts: Sequence[Encoded]) -> NDArray[np.float64] | None:
    """The probabilities of `onnxruntime-node`, [N, C]; None if it is not installed."""
    node = shutil.which("node")
    check = [node or "", "-e", "require('onnxruntime-node')"]
    if node is None or subprocess.run(check, capture_output=True, check=False).returncode:
        return None
    program = re.findall(r'```js title="score.cjs"\n(.*?)```', PAGE.read_text(), re.DOTALL)[0]
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "score.cjs"), Path(folder, "model.onnx")
        paths[0].write_text(program)
        paths[1].write_bytes(graph)
        lines = "\n".join(json.dumps(text.ids.tolist()) for text in texts)
        environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
        done = subprocess.run(
            [node, *paths], input=lines, capture_output=True, text=True, check=True, env=environment
        )
    return np.array([json.loads(line) for line in done.stdout.splitlines()])


def differences(name: str, texts: Sequence[str]) -> dict[str, float]:
    """The largest difference between a probability outside the package and in it, by runtime."""
    classifier = SentimentClassifier.from_pretrained(name)
    encoded = classifier.predictor.tokenizer.encode(texts)
    expected = classifier.predictor.score(encoded)
    graph, _ = standalone(classifier.bundle, quantised=True)
    scores = {
        "python": in_python(graph, classifier.bundle, encoded),
        "node": in_node(graph, encoded),
    }
    return {key: float(np.abs(p - expected).max()) for key, p in scores.items() if p is not None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the vectors, or measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="data:imdb")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--vectors", type=Path, help="write the test vectors to this file")
    options = parser.parse_args(arguments)
    if options.vectors:
        write_atomically(options.vectors, vectors().encode())
        return 0
    label_map = {"0": "negative", "1": "positive"}
    data = DataSettings(source=options.data, split="test", label_map=label_map)
    examples = read_examples(data, set_aside=SetAside(None))
    texts = [example.text for example in islice(examples, options.texts)]
    print(json.dumps({name: differences(name, texts) for name in MODELS}, indent=2))
    return 0


if __name__ == "__main__":
    run_script(main)
