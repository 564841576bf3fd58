"""One classifier in many threads, in asyncio, in other processes, and when it is interrupted."""

import asyncio
import copy
import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import INT8_GRAPH, save_bundle
from sentiment_lstm.export import export

WORDS = ["good", "bad", "not", "film", "at", "all", "zzz", ",", "a"]
TEXTS = [
    " ".join(words[: 1 + n % 5]) + f" {n}"
    for n, words in enumerate(itertools.permutations(WORDS, 5))
][:2_000]


@pytest.fixture(params=["onnx", "torch"])
def classifier(bundle, request):
    graphs = [INT8_GRAPH] if request.param == "onnx" else []
    return SentimentClassifier(export(bundle, graphs), threads=2)


def test_threads_get_the_scores_of_one_thread(classifier):
    alone = classifier.predict_proba(TEXTS)

    def score(seed: int) -> np.ndarray:
        order = np.random.default_rng(seed).permutation(len(TEXTS))
        scores = np.empty_like(alone)
        scores[order] = classifier.predict_proba([TEXTS[i] for i in order])
        return scores

    with ThreadPoolExecutor(8) as pool:
        for scores in pool.map(score, range(8)):
            np.testing.assert_allclose(scores, alone, rtol=0, atol=1e-6)


def test_tasks_of_asyncio_get_the_scores_of_one_thread(classifier):
    async def score_all() -> list[list[str | None]]:
        parts = [TEXTS[i::20] for i in range(20)]
        return await asyncio.gather(*(asyncio.to_thread(classifier.predict, p) for p in parts))

    assert asyncio.run(score_all()) == [classifier.predict(TEXTS[i::20]) for i in range(20)]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_scores(classifier):
    expected = classifier.predict(TEXTS)  # the threads of all libraries have begun
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(classifier.predict, (TEXTS,)).get(timeout=60) == expected


@pytest.mark.slow
def test_a_spawned_process_scores(classifier):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        answer = pool.apply_async(classifier.predict, (TEXTS,)).get(timeout=120)
    assert answer == classifier.predict(TEXTS)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_gives_the_same_scores(classifier, copied):
    copy_ = copied(classifier)
    assert type(copy_) is SentimentClassifier
    np.testing.assert_array_equal(copy_.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_predictions_may_be_left_early(classifier):
    for _ in range(3):
        predictions = classifier.predictor.predict_iter(TEXTS * 3)
        next(predictions)
        predictions.close()
    assert len(classifier.predict(TEXTS)) == len(TEXTS)


def test_an_error_of_the_texts_is_raised_as_it_is(classifier):
    def texts():
        yield "good"
        raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="the database is gone"):
        classifier.predict(texts())
    assert classifier.predict(["good"])


@pytest.mark.parametrize(
    "texts", ["['good film , not bad ' * 200_000] * 20", "['good film ' * 300] * 100_000"]
)
@pytest.mark.slow
def test_an_interrupt_ends_a_call_at_once(bundle, tmp_path, texts):
    save_bundle(tmp_path / "model", export(bundle, [INT8_GRAPH]))
    script = f"""
import time
from sentiment_lstm import SentimentClassifier
classifier = SentimentClassifier.from_pretrained({str(tmp_path / "model")!r}, threads=2)
print("begins", flush=True)
try:
    classifier.predict({texts})
except KeyboardInterrupt:
    print(time.time())
"""
    call = [sys.executable, "-c", script]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begins\n"
        time.sleep(3)  # all threads score now
        interrupted = time.time()
        process.send_signal(signal.SIGINT)
        ended = float(process.stdout.read())
    assert ended - interrupted < 2, "it takes 50 ms on a quiet machine"
