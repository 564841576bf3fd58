import dataclasses
import subprocess
import sys
from itertools import chain, count, islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sentiment_lstm.bundle import INT8_GRAPH, save_bundle
from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.export import export
from sentiment_lstm.inference import runtime as runtime_module
from sentiment_lstm.inference import windows
from sentiment_lstm.inference.editing import EditedText
from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.inference.runtime import Runtime
from sentiment_lstm.inference.streaming import stream

TEXTS = ["a good film", "not bad at all", "", "bad", "good " * 40, "a zzz film", "bad , a bad film"]
SAME = {"rtol": 0.0, "atol": 1e-6}


class CountingRuntime:
    """Returns the number of tokens as logit, and remembers the lengths of every batch."""

    threads, pads = 1, True
    batches = Runtime.batches

    def __init__(self) -> None:
        self.scored: list[list[int]] = []

    def score(self, texts):
        lengths = [len(text.ids) for text in texts]
        self.scored.append(lengths)
        return np.array(lengths, dtype=np.float32)

    def score_all(self, batches):
        return map(self.score, batches)


@pytest.mark.parametrize("pooling", ["last", "max+mean", "max+mean+last", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_scores_are_the_same_alone_in_a_batch_and_in_any_order(make_bundle, pooling, bidirectional):
    predictor = open_predictor(make_bundle(pooling=pooling, bidirectional=bidirectional))
    together = predictor.probabilities(TEXTS)
    alone = np.concatenate([predictor.probabilities([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, **SAME)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    shuffled = predictor.probabilities([TEXTS[i] for i in order])
    np.testing.assert_allclose(shuffled, together[order], **SAME)
    assert len(np.unique(together[:, 0].round(4))) > 3, "the texts differ, and so do their scores"


def test_predictions_have_the_label_of_the_highest_probability(make_bundle):
    predictor = open_predictor(make_bundle(("x", "y", "z")))
    texts = [text for text in TEXTS if text]  # an empty text has no label
    class_probabilities = predictor.probabilities(texts)
    predictions = predictor.predict(texts)
    assert [p.label for p in predictions] == [
        predictor.classes[row.argmax()] for row in class_probabilities
    ]
    np.testing.assert_allclose([p.score for p in predictions], class_probabilities.max(axis=1))
    assert [(p.start, p.end) for p in predictions] == [(0, len(text)) for text in texts]


@pytest.mark.parametrize(("thresholds", "expected"), [(None, 0.5), ((0.4, 0.6), 0.0)])
def test_an_empty_text_has_the_base_probability(make_bundle, thresholds, expected):
    predictor = open_predictor(make_bundle(("a", "b"), thresholds=thresholds))
    rows = [*predictor.probabilities([""]), predictor.predict([" "])[0].probabilities]
    rows += [step.probabilities for step in stream(predictor, "")]
    rows.append(EditedText(predictor).update("").prediction.probabilities)
    assert np.array(rows).tolist() == [[expected, expected]] * 4


def test_unknown_is_the_fraction_of_unknown_tokens(bundle):
    fractions = [
        p.unknown for p in open_predictor(bundle).predict(["good zzz", "good film", "zzz"])
    ]
    assert fractions == [0.5, 0.0, 1.0]


@pytest.mark.parametrize("text", ["\ud800", "\x00", "<br />", "🎬" * 50, "a" * 10_000])
def test_odd_texts_get_a_finite_score(bundle, text):
    (prediction,) = open_predictor(bundle).predict([text])
    assert 0.5 <= prediction.score <= 1.0
    assert prediction.end == len(text)


def test_temperature_divides_the_logits(bundle):
    warm = dataclasses.replace(bundle, config=dataclasses.replace(bundle.config, temperature=2.0))
    class_probabilities = Predictor(warm, CountingRuntime()).probabilities(
        ["good", "good good bad"]
    )
    np.testing.assert_allclose(class_probabilities, probabilities(np.array([0.5, 1.5])))


def test_below_the_threshold_a_prediction_has_no_label(bundle):
    predictor = Predictor(bundle, CountingRuntime())
    texts = ["good", "good good good", "bad"]
    everything = predictor.predict(texts)
    sure = predictor.predict(texts, abstain_below=0.9)
    assert [p.label is None for p in sure] == [p.score < 0.9 for p in everything]
    assert {p.label is None for p in sure} == {True, False}
    assert [p.score for p in sure] == [p.score for p in everything]
    least = everything[0].score
    assert predictor.predict(texts[:1], abstain_below=least) == everything[:1], "it reaches it"


def test_a_wrong_threshold_is_refused_before_a_text_is_read(bundle):
    never = (pytest.fail("a text was read") for _ in range(1))
    with pytest.raises(UsageError, match=r"abstain threshold .* found 1.5"):
        open_predictor(bundle).predict_iter(never, abstain_below=1.5)


def test_order_is_restored_over_batches_and_windows(bundle, monkeypatch):
    monkeypatch.setattr(runtime_module, "_BATCH_TOKENS", 6)
    monkeypatch.setattr(windows, "_WINDOW_TEXTS", 5)
    runtime = CountingRuntime()
    lengths = [3, 1, 6, 2, 2, 9, 1, 1, 4]
    texts = [" ".join(["good"] * n) for n in lengths]
    class_probabilities = Predictor(bundle, runtime).probabilities(texts)
    np.testing.assert_allclose(
        class_probabilities, probabilities(np.array(lengths, dtype=np.float32))
    )
    assert sorted(chain.from_iterable(runtime.scored)) == sorted(lengths)
    assert all(len(b) == 1 or len(b) * max(b) <= 6 for b in runtime.scored)
    assert len(runtime.scored) < len(texts)


def test_a_stream_without_end_is_read_window_by_window(bundle, monkeypatch):
    monkeypatch.setattr(windows, "_WINDOW_TEXTS", 4)
    read = []
    endless = (read.append(n) or "good film" for n in count())
    first = list(islice(Predictor(bundle, CountingRuntime()).predict_iter(endless), 5))
    assert len(first) == 5
    assert len(read) == 12, "one window is read ahead"


def test_an_error_comes_after_the_windows_before_it(bundle, monkeypatch):
    monkeypatch.setattr(windows, "_WINDOW_TEXTS", 2)
    predictions = Predictor(bundle, CountingRuntime()).predict_iter(["good"] * 5 + [None])
    read = []
    with pytest.raises(UsageError, match="found a missing value \\(None\\) at index 5"):
        read.extend(predictions)
    assert len(read) == 4


@pytest.mark.parametrize("threads", [-1, 1.5, "2"])
def test_the_number_of_threads_is_checked(bundle, threads):
    with pytest.raises(UsageError, match="Expected a whole number of threads"):
        open_predictor(bundle, threads)


def test_the_number_of_threads_may_be_one_of_numpy(bundle):
    assert open_predictor(bundle, np.int64(1)).predict(["good"])


def test_a_thread_may_predict_after_the_main_thread_ends(bundle, tmp_path):
    save_bundle(tmp_path / "model", export(bundle, [INT8_GRAPH]))
    script = f"""
import threading, time
from sentiment_lstm import SentimentClassifier
classifier = SentimentClassifier.from_pretrained({str(tmp_path / "model")!r}, threads=2)
def late():
    threading.main_thread().join()
    print(len(classifier.predict(["good film"] * 5_000)))
threading.Thread(target=late).start()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.strip() == b"5000", done.stderr


def test_few_texts_are_shared_by_all_threads(bundle):
    runtime = CountingRuntime()
    runtime.threads = 2
    Predictor(bundle, runtime).probabilities(["good film"] * 6)
    assert [len(batch) for batch in runtime.scored] == [3, 3]


def test_a_window_is_limited_by_characters_too(bundle, monkeypatch):
    monkeypatch.setattr(windows, "_WINDOW_CHARACTERS", 10)
    read = []
    endless = (read.append(n) or "good film" for n in count())
    next(Predictor(bundle, CountingRuntime()).predict_iter(endless))
    assert len(read) == 4


def test_no_texts_give_no_predictions(make_bundle):
    predictor = open_predictor(make_bundle(("x", "y", "z")))
    assert predictor.predict([]) == []
    assert predictor.probabilities([]).shape == (0, 3)


def test_other_values_than_a_list_of_texts_are_refused(bundle):
    with pytest.raises(UsageError, match="found NoneType"):
        open_predictor(bundle).predict(None)


def test_one_string_is_not_a_list_of_letters(bundle):
    with pytest.raises(UsageError, match="found one text: put it in a list"):
        open_predictor(bundle).predict("good")


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan").item(), pd.NA, pd.NaT])
def test_a_missing_value_is_named_with_its_place(bundle, missing):
    series = pd.Series(["good", "bad", missing], index=[7, 8, 9], dtype=object)
    expected = rf"found a missing value \({missing}\) at index 2: leave such rows out"
    with pytest.raises(UsageError, match=expected):
        open_predictor(bundle).predict(series)


def test_an_arrow_array_is_a_list_of_texts(bundle):
    predictor = open_predictor(bundle)
    texts = ["good film", "bad"]
    assert predictor.predict(pa.array(texts)) == predictor.predict(texts)
    assert predictor.predict(pa.chunked_array([texts, []])) == predictor.predict(texts)
    with pytest.raises(UsageError, match="missing value"):
        predictor.predict(pa.array(["good", None]))


@pytest.mark.parametrize("wrong", [3.5, b"good", ["good"]])
def test_texts_that_are_no_strings_are_refused(bundle, wrong):
    with pytest.raises(UsageError, match=f"found {type(wrong).__name__} at index 1"):
        open_predictor(bundle).predict(["good", wrong])


def test_without_torch_the_extra_is_named(bundle, monkeypatch):
    monkeypatch.delitem(sys.modules, "sentiment_lstm.inference.torch_runtime", raising=False)
    monkeypatch.delitem(sys.modules, "sentiment_lstm.model.weights", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        MissingExtraError, match=r"Expected torch .*sentiment-lstm\[train\].* sentiment-lstm export"
    ):
        open_predictor(bundle)


def test_a_missing_onnx_runtime_is_named(make_bundle, monkeypatch):
    bundle = export(make_bundle(), ["model.onnx"])
    monkeypatch.delitem(sys.modules, "sentiment_lstm.inference.onnx_runtime")
    monkeypatch.delitem(sys.modules, "sentiment_lstm.inference.onnx_library")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"Expected onnxruntime .* pip install onnxruntime"):
        open_predictor(bundle)
