"""Empty texts, tables in place of texts, wrong numbers and terminals of few characters."""

import json
import subprocess
import sys

import numpy as np
import pytest

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.scoring.cluster import predict_function

EMPTY = ["", " \n\t\u00a0"]


@pytest.fixture(params=[("a", "b"), ("a", "b", "c")])
def classifier(request, make_bundle):
    return SentimentClassifier(make_bundle(request.param))


@pytest.fixture
def several(make_bundle):
    return SentimentClassifier(make_bundle(("a", "b", "c"), thresholds=(0.1, 0.1, 0.1)))


def test_an_empty_text_has_no_label_and_no_score(classifier):
    count = len(classifier.classes_)
    texts = [*EMPTY, "a good film"]
    assert classifier.predict(texts)[:2] == [None, None]
    assert classifier.predict(texts)[2] is not None
    np.testing.assert_array_equal(classifier.predict_proba(EMPTY), np.full((2, count), 1 / count))
    for text in EMPTY:
        assert classifier(text) == [{"label": None, "score": None}]
        assert classifier(text, top_k=None) == [{"label": None, "score": None}]
        prediction = classifier.predictor.predict([text])[0]
        assert (prediction.label, prediction.score, prediction.labels) == (None, None, ())
    assert classifier(texts)[:2] == [{"label": None, "score": None}] * 2
    assert classifier(texts, top_k=None)[0] == [{"label": None, "score": None}]


def test_an_empty_text_has_no_label_among_several(several):
    assert several.predict(EMPTY) == [[], []]
    assert several(EMPTY) == [[], []]
    assert several("", top_k=2) == [{"label": None, "score": None}]
    assert several.predict(["good film"]) != [[]]


@pytest.mark.parametrize("pieces", [[""], [" ", "\n"], []])
def test_a_stream_without_words_has_no_label(classifier, pieces):
    (step,) = classifier.stream(pieces)
    assert (step.label, step.score, step.labels, step.change) == (None, None, (), 0.0)
    np.testing.assert_array_equal(step.probabilities, classifier.predict_proba([""])[0])


def test_an_explanation_of_an_empty_text_has_no_label(classifier, run, model, tmp_path):
    for text in EMPTY:
        values = classifier.explain(text).to_dict()
        assert (values["label"], values["score"]) == (None, None)
    code, out, _ = run("explain", "--model", str(model), " ", "--html", "why.html")
    assert code == 0
    assert "no label, the text is empty" in out
    assert "<h1>The text is empty: it has no label</h1>" in (tmp_path / "why.html").read_text()


def test_spark_gets_no_label_and_nan_for_an_empty_text(bundle):
    scored = predict_function(bundle)()(np.array([None, "", "good"], dtype=object))
    assert scored["label"].tolist()[:2] == [None, None]
    assert scored["score"].dtype == np.float64
    assert np.isnan(scored["score"]).tolist() == [True, True, False]


def test_the_commands_show_nothing_for_an_empty_text(run, model):
    code, out, _ = run("predict", "--model", str(model), "--json", "", "good")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["score"] is None for row in rows] == [True, False]
    assert rows[0]["label"] is None
    _, out, _ = run("predict", "--model", str(model), "")
    assert [cell.strip() for cell in out.splitlines()[3].strip("│").split("│")][:2] == ["", ""]
    code, out, _ = run("stream", "--model", str(model), "--json", " ")
    assert code == 0
    assert (json.loads(out)["label"], json.loads(out)["score"]) == (None, None)
    code, out, _ = run("stream", "--model", str(model), " ")
    assert code == 0
    assert "no label, the text is empty" in out


def test_tables_are_no_lists_of_texts(classifier):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["good"], "other": ["bad"]})
    sentence = r"Expected a list of texts, found (DataFrame|dict): give one column, such as"
    for table in (frame, {"text": ["good"]}):
        for call in (classifier, classifier.predict, classifier.predict_proba):
            with pytest.raises(UsageError, match=sentence):
                call(table)
    assert classifier.predict(frame["text"]) == classifier.predict(["good"])


@pytest.mark.parametrize("top_k", [1.5, "2", 0, True])
def test_top_k_is_a_whole_number(classifier, top_k):
    with pytest.raises(UsageError, match="Expected top_k to be None or at least 1, found"):
        classifier("good", top_k=top_k)
    assert classifier("good", top_k=np.int64(1)) == classifier("good")


@pytest.mark.parametrize("command", [["predict"], ["stream"], ["explain"]])
def test_a_terminal_without_unicode_shows_the_rest(model, command):
    call = [sys.executable, "-m", "sentiment_lstm", *command, "--model", str(model)]
    environment = {"PYTHONIOENCODING": "ascii", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([*call, "a caf\u00e9 \U0001f600"], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert b"caf?" in done.stdout
    assert done.stdout.isascii()
