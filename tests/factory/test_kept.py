"""Labels of a finished model of three classes."""

import json

import numpy as np
import pytest

from factory.teachers import kept
from sentiment_lstm.api import SentimentClassifier


def test_each_text_has_the_probabilities_of_the_model(three, tmp_path):
    classifier = SentimentClassifier(three)
    classifier.save_pretrained(tmp_path / "model")
    texts, out = tmp_path / "texts.jsonl", tmp_path / "kept.jsonl"
    texts.write_text('{"text": "a good film"}\n{"text": "a bad film"}\n', "utf-8")
    arguments = ("--model", str(tmp_path / "model"), "--texts", str(texts), "--out", str(out))
    assert kept.main(arguments) == 0
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["a good film", "a bad film"]
    expected = classifier.predict_proba(["a good film", "a bad film"])
    given = np.array([[row["label"][name] for name in classifier.classes_] for row in rows])
    assert given == pytest.approx(expected, abs=1e-4)
