"""Accuracy against speed: the shipped models beside other classifiers, in one run.

    python -m benchmarks.pareto --json pareto.json --plot pareto.png

Run it in the root of the repository, because one rival stands in `factory/`.

Each system turns raw reviews of IMDb's test split into a probability of `positive`. Cutting into
words counts, and each system uses all the cores it can. Accuracy is measured on the whole split.
Speed is the median of three passes, each over `--texts` other reviews (fewer for slow systems).
DistilBERT has random weights here and only its speed is measured; the accuracy is the published
one. The rivals come with the extra `benchmarks`. A rival that is not installed is left out, with a
message.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from factory.teachers.teacher import linear
from sentiment_lstm.bundle import FLOAT_GRAPH, INT8_GRAPH, SHIPPED, Bundle, is_bundle, load_bundle
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.inference.two_classes import polarity
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import as_json, write_atomically

Scorer = Callable[[Sequence[str]], NDArray[np.float64]]
"""From N texts to a probability of `positive`, or anything that is above 0.5 for it, [N]."""
PASSES, SLOW_TEXTS = 3, 48
WORDS, PAIRS = "TF-IDF words + logistic regression", "TF-IDF pairs + logistic regression"
NB_SVM, DISTILBERT = "NB-SVM trigrams", "DistilBERT (random weights)"
DISTILBERT_ACCURACY = 0.928
"""Sanh et al. (2019), table 2."""
TORCH, FLOAT, INT8 = "torch float32", "ONNX float32", "ONNX int8"
OUT = Console()


@dataclass(frozen=True)
class Texts:
    """Reviews and whether each is positive, [N]."""

    texts: list[str]
    positive: NDArray[np.bool_]


@dataclass(frozen=True)
class System:
    """A way to score.

    `texts` is the number that is enough to time it; 0 means as many as asked for. `published` is
    the published accuracy of a system whose weights are random here.
    """

    name: str
    make: Callable[[Texts], Scorer]
    texts: int = 0
    published: float | None = None
    ours: bool = False


@dataclass(frozen=True)
class Result:
    """The figures of a system. `measured`: whether the accuracy was measured here."""

    name: str
    accuracy: float
    reviews_a_second: float
    measured: bool
    ours: bool


def read(source: str, split: str) -> Texts:
    """Read a split of IMDb."""
    data = DataSettings(source, split=split)
    reviews = list(read_examples(data, set_aside=SetAside(None)))
    return Texts([r.text for r in reviews], np.array([r.label in ("1", "pos") for r in reviews]))


def tfidf(pairs: int) -> Callable[[Texts], Scorer]:
    """TF-IDF of words, or of words and pairs, under logistic regression."""

    def make(train: Texts) -> Scorer:
        words = TfidfVectorizer(ngram_range=(1, pairs), min_df=2, sublinear_tf=True)
        model = LogisticRegression(C=10.0, max_iter=200)
        model.fit(words.fit_transform(train.texts), train.positive)
        return lambda texts: model.predict_proba(words.transform(texts))[:, 1]

    return make


def nb_svm(train: Texts) -> Scorer:
    """The NB-SVM of factory/teachers/teacher.py."""
    logits = linear(train.texts, train.positive)
    return lambda texts: 1 / (1 + np.exp(-logits(texts)))


def fasttext(train: Texts) -> Scorer:
    """FastText's classifier of words and pairs, with the settings of its own tutorial."""
    import fasttext as library

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        # FastText does not shuffle.
        for row in np.random.default_rng(0).permutation(len(train.texts)):
            file.write(f"__label__{int(train.positive[row])} {_plain(train.texts[row])}\n")
        file.flush()
        model = library.train_supervised(
            file.name, wordNgrams=2, epoch=5, lr=0.5, verbose=0, thread=1
        )

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        # FastText's own `predict` fails under NumPy 2; it calls this function.
        guesses = (model.f.predict(f"{_plain(text)}\n", 1, 0.0, "strict")[0] for text in texts)
        return np.array([p if label == "__label__1" else 1 - p for p, label in guesses])

    return score


def _plain(text: str) -> str:
    """Prepare a text as fastText's tutorial does: lower case, punctuation apart, one line."""
    for mark in ".!?,'/()":
        text = text.replace(mark, f" {mark} ")
    return text.replace("\n", " ").lower()


def vader(_: Texts) -> Scorer:
    """VADER's rules and word list."""
    from vaderSentiment.vaderSentiment import (
        SentimentIntensityAnalyzer,
    )

    rules = SentimentIntensityAnalyzer()
    return lambda texts: np.array([(rules.polarity_scores(t)["compound"] + 1) / 2 for t in texts])


def textblob(_: Texts) -> Scorer:
    """TextBlob's word list."""
    from textblob import TextBlob

    return lambda texts: np.array([(TextBlob(text).polarity + 1) / 2 for text in texts])


def distilbert(train: Texts) -> Scorer:
    """DistilBERT's architecture in float32, 512 tokens at most, batches of 16 of similar length."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    words = BertWordPieceTokenizer()
    words.train_from_iterator(train.texts[:5000], vocab_size=30_522, show_progress=False)
    words.enable_truncation(512)
    words.enable_padding()
    model = DistilBertForSequenceClassification(DistilBertConfig()).train(mode=False)

    @torch.inference_mode()
    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        order = np.argsort([len(text) for text in texts])
        probabilities = np.empty(len(texts))
        for start in range(0, len(order), 16):
            rows = order[start : start + 16]
            batch = words.encode_batch([texts[row] for row in rows])
            ids, mask = (
                torch.tensor([getattr(e, kind) for e in batch])
                for kind in ("ids", "attention_mask")
            )
            probabilities[rows] = model(ids, mask).logits.softmax(1)[:, 1].numpy()
        return probabilities

    return score


def ours(bundle: Bundle, kind: str) -> Callable[[Texts], Scorer]:
    """A bundle in PyTorch (float32) or in one of its ONNX graphs."""

    def make(_: Texts) -> Scorer:
        if kind == TORCH:
            predictor = Predictor(bundle, open_torch(bundle))
        else:
            quantised = kind == INT8
            graph = bundle.graphs.get(INT8_GRAPH if quantised else FLOAT_GRAPH)
            graph = graph or build(bundle, quantised=quantised).to_bytes()
            predictor = Predictor(bundle, OnnxRuntime(bundle, graph, quantised=quantised))
        return partial(polarity, predictor)

    return make


def systems() -> Iterator[System]:
    """The rivals, then every bundle that ships."""
    yield System(WORDS, tfidf(1))
    yield System(PAIRS, tfidf(2))
    yield System(NB_SVM, nb_svm)
    yield System("fastText", fasttext)
    yield System("VADER", vader, texts=500)
    yield System("TextBlob", textblob, texts=500)
    yield System(DISTILBERT, distilbert, SLOW_TEXTS, DISTILBERT_ACCURACY)
    for folder in sorted(SHIPPED.iterdir()):
        if is_bundle(folder):
            bundle = load_bundle(folder)
            for kind in (TORCH, FLOAT, INT8):
                yield System(f"{folder.name}, {kind}", ours(bundle, kind), ours=True)


def measure(system: System, train: Texts, test: Texts, count: int) -> Result:
    """Measure the speed on texts drawn from the test split, and the accuracy on all of it.

    Raises:
        ModuleNotFoundError: the system is not installed.
    """
    score = system.make(train)
    order = np.random.default_rng(0).permutation(len(test.texts))
    size = min(system.texts or count, len(order) // PASSES)
    score([test.texts[row] for row in order[-8:]])
    timed = [test.texts[row] for row in order[: PASSES * size]]
    seconds = [_seconds(score, timed[start::PASSES]) for start in range(PASSES)]
    speed = size / statistics.median(seconds)
    if system.published is not None:
        return Result(system.name, system.published, speed, measured=False, ours=system.ours)
    right = (score(test.texts) > 0.5) == test.positive
    return Result(system.name, float(right.mean()), speed, measured=True, ours=system.ours)


def _seconds(score: Scorer, texts: Sequence[str]) -> float:
    start = time.perf_counter()
    score(texts)
    return time.perf_counter() - start


def show(results: Sequence[Result]) -> dict[str, float]:
    """Print the table and ratios between speeds; return the ratios."""
    table = Table("system", "accuracy, %", "reviews/s")
    for result in results:
        note = "" if result.measured else " (published)"
        speed = f"{result.reviews_a_second:,.1f}"
        table.add_row(result.name, f"{result.accuracy:.2%}{note}", speed)
    OUT.print(table)
    speeds = {result.name: result.reviews_a_second for result in results}
    pairs = {
        "default int8 over torch float32": (f"default, {INT8}", f"default, {TORCH}"),
        "default int8 over DistilBERT": (f"default, {INT8}", DISTILBERT),
        "tiny int8 over DistilBERT": (f"tiny, {INT8}", DISTILBERT),
        "tiny int8 over NB-SVM": (f"tiny, {INT8}", NB_SVM),
        "tiny int8 over TF-IDF pairs": (f"tiny, {INT8}", PAIRS),
    }
    ratios = {n: speeds[a] / speeds[b] for n, (a, b) in pairs.items() if {a, b} <= speeds.keys()}
    for name, ratio in ratios.items():
        OUT.print(f"{name}: {ratio:.2f} times as fast", highlight=False)
    return ratios


def plot(results: Sequence[Result], path: Path) -> None:
    """Draw accuracy against reviews a second, on a logarithmic axis; our models in int8 only."""
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    for result in (r for r in results if not r.ours or r.name.endswith(INT8)):
        point = (result.reviews_a_second, result.accuracy * 100)
        axes.plot(*point, "o" if result.ours else "s",
                  color="C0" if result.ours else "0.5",
                  fillstyle="full" if result.measured else "none")  # fmt: skip
        # The points are close: our names go below and to the left, the others opposite.
        offset, side = ((-6, -14), "right") if result.ours else ((6, 4), "left")
        axes.annotate(result.name, point, xytext=offset, textcoords="offset points", ha=side,
                      fontsize=8)  # fmt: skip
    axes.set(xscale="log", xlabel="reviews a second, from raw text", ylabel="accuracy on test, %")
    axes.margins(x=0.3)
    figure.savefig(path, dpi=120)
    with Image.open(path) as picture:  # a palette makes the file a third as large
        small = picture.convert("RGB").quantize(32, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every system, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="data:imdb")
    parser.add_argument("--texts", type=int, default=4000, help="reviews to time fast systems on")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--plot", type=Path, help="where to draw them")
    options = parser.parse_args(arguments)
    train, test = read(options.data, "train"), read(options.data, "test")
    results = []
    for system in systems():
        try:
            results.append(measure(system, train, test, options.texts))
        except ModuleNotFoundError as error:
            OUT.print(f"{system.name}: left out, {error.name} is not installed", style="yellow")
            continue
        OUT.print(f"{results[-1].name}: {results[-1].accuracy:.2%}", highlight=False)
    ratios = show(results)
    if options.json:
        figures = {"systems": [asdict(result) for result in results], "ratios": ratios}
        write_atomically(options.json, as_json(figures))
    if options.plot:
        plot(results, options.plot)
    return 0


if __name__ == "__main__":
    run_script(main)
