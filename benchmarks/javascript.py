"""Compares the JavaScript package with Python, and with the npm package `sentiment` (AFINN).

`python benchmarks/javascript.py` scores `--reviews` reviews of IMDb's test split with the model
`default`: in Python (one thread), in node, and in headless Chromium. It prints a table with the
reviews a second and the accuracy of each, how far the scores differ from Python's, the first
answer after the model was kept in the browser's cache, and the time of a keystroke in a text of
about 500 tokens. A review whose two poles are equal counts as wrong.

It needs node, Chromium, playwright, and the packages of `npm install --prefix js`.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.browser_folder import write_browser_folder
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.settings import DataSettings

JS = Path(__file__).parents[1] / "js"
LONG = 500
"""The tokens of the text that is edited, at least."""
FIRST_ANSWER = """async (text) => {
  const { open } = await import("./engine_browser.js");
  const started = performance.now();
  window.engine = await open({});
  await window.engine.classify([text]);
  return performance.now() - started;
}"""
MEASURE = """async ({ reviews, long }) => {
  const { measure } = await import("./measure.js");
  return measure(window.engine, reviews, long);
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Sends files, and logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
        """Log nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, score, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reviews", type=int, default=1000)
    parser.add_argument("--native", type=Path, help="the folder of `onnxruntime-node`, if any")
    options = parser.parse_args(arguments)
    classifier = SentimentClassifier.from_pretrained("default", threads=1)
    reviews, positive = sample(options.reviews)
    lengths = [len(each.ids) for each in classifier.predictor.tokenizer.encode(reviews)]
    long = reviews[next(i for i, length in enumerate(lengths) if LONG <= length < 1.2 * LONG)]
    results = {"Python": in_python(classifier, reviews)}
    with tempfile.TemporaryDirectory() as name:
        texts = {"reviews": reviews, "long": long}
        results["node"] = in_node(Path(name), classifier, texts)
        if options.native:
            native = in_node(Path(name), classifier, texts, str(options.native.resolve()))
            results["node, native"] = native
        results["Chromium"] = in_chromium(Path(name), classifier, texts)
    afinn = [result.pop("afinn") for result in results.values() if "afinn" in result]
    report(results, afinn[0], positive)
    return 0


def sample(count: int) -> tuple[list[str], NDArray[np.bool_]]:
    """Draw reviews of IMDb's test split; whether each is positive."""
    names = {"0": "negative", "1": "positive"}
    settings = DataSettings(source="data:imdb", split="test", label_map=names)
    examples = list(read_examples(settings, set_aside=SetAside(None)))
    chosen = random.Random(0).sample(examples, count)
    return [each.text for each in chosen], np.array([each.label == "positive" for each in chosen])


def in_python(classifier: SentimentClassifier, reviews: Sequence[str]) -> dict[str, Any]:
    """Score with the package, one thread."""
    classifier.predict_proba(reviews[:20])
    started = time.perf_counter()
    rows = classifier.predict_proba(reviews)
    speed = len(reviews) / (time.perf_counter() - started)
    return {"probabilities": rows.tolist(), "reviews_per_second": speed}


def in_node(
    folder: Path, classifier: SentimentClassifier, texts: dict[str, Any], native: str = ""
) -> dict[str, Any]:
    """Score with the JavaScript package in node, and with AFINN."""
    file = folder / "texts.json"
    file.write_text(json.dumps(texts))
    script = JS / "benchmark" / "node.js"
    command = ["node", str(script), str(classifier.bundle.folder), str(file), native]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def in_chromium(
    folder: Path, classifier: SentimentClassifier, texts: dict[str, Any]
) -> dict[str, Any]:
    """Score with the folder of `export --browser`. The second visit finds the files in a cache."""
    from playwright.sync_api import sync_playwright

    site = folder / "site"
    runtime = JS / "node_modules" / "onnxruntime-web"
    size = write_browser_folder(site, classifier.bundle, "default", runtime)
    shutil.copy(JS / "benchmark" / "measure.js", site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/licenses.html"
    (site / "licenses.html").write_text("<!doctype html><meta charset=utf-8>")
    with sync_playwright() as running:
        context = running.chromium.launch_persistent_context(
            str(folder / "profile"), executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        first = []
        for _ in range(2):
            page = context.new_page()
            page.goto(address)
            first.append(page.evaluate(FIRST_ANSWER, texts["reviews"][0]))
        results: dict[str, Any] = page.evaluate(MEASURE, texts)
        context.close()
    server.shutdown()
    return {"download_mb": size / 1e6, "first_answer_ms": first[1], **results}


def report(
    results: dict[str, dict[str, Any]], afinn: dict[str, Any], positive: NDArray[np.bool_]
) -> None:
    """Print the results as JSON."""
    python = np.array(results["Python"]["probabilities"])
    two_best = np.sort(python, axis=1)[:, ::-1]
    table: dict[str, Any] = {"reviews": len(positive)}
    for name, result in results.items():
        rows = np.array(result.pop("probabilities"))
        result.pop("labels", None)
        difference = np.abs(rows - python).max(axis=1)
        same = rows.argmax(axis=1) == python.argmax(axis=1)
        table[name] = {key: round(value, 2) for key, value in result.items()} | {
            "accuracy": accuracy(rows[:, 2] - rows[:, 0], positive),
            "largest_difference": float(difference.max()),
            "within_0.001": float((difference < 1e-3).mean()),
            "other_labels": int((~same & (two_best[:, 0] - two_best[:, 1] > 1e-3)).sum()),
        }
    table["npm sentiment (AFINN)"] = {
        "reviews_per_second": round(afinn["reviews_per_second"], 2),
        "accuracy": accuracy(np.array(afinn["scores"]), positive),
    }
    print(json.dumps(table, indent=2))


def accuracy(scores: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Return the accuracy of the sign of a score. A score of 0 is wrong."""
    return float((np.sign(scores) == np.where(positive, 1, -1)).mean())


if __name__ == "__main__":
    run_script(main)
