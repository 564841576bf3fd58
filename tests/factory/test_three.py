"""Texts and a model of two classes get a third one, neutral."""

import json
from dataclasses import replace

import numpy as np
import pytest
from factory_texts import TEXTS

from factory.surgery.shared import shared_again
from factory.surgery.three import CLASSES, with_neutral
from factory.texts import three
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor, open_torch


@pytest.mark.parametrize(
    ("grade", "label"),
    [
        (0, {"negative": 1}),
        (0.15, {"negative": 0.7, "neutral": 0.3}),
        (0.5, {"neutral": 1}),
        (0.75, {"positive": 0.5, "neutral": 0.5}),
        (1, {"positive": 1}),
    ],
)
def test_the_middle_of_the_grades_is_neutral(grade, label):
    assert three.from_grade(grade) == label


def test_the_middle_of_the_probabilities_is_negative_or_positive(tmp_path):
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text('{"text": "a film", "label": 0.3}\n{"text": "one", "label": 1}\n')
    assert three.main(["--probabilities", str(file), "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows == [
        {"text": "a film", "label": {"negative": 0.7, "positive": 0.3}},
        {"text": "one", "label": {"positive": 1.0}},
    ]


def test_polarity_stays_and_the_middle_becomes_neutral(bundle):
    before, after = (Predictor(b, open_torch(b)) for b in (bundle, with_neutral(bundle)))
    two, classes = before.probabilities(TEXTS), after.probabilities(TEXTS)
    assert after.classes == CLASSES
    polarity = classes[:, 2] / (classes[:, 0] + classes[:, 2])
    np.testing.assert_allclose(polarity, two[:, 1], atol=1e-6)
    is_neutral = classes.argmax(axis=1) == 1
    assert np.array_equal(is_neutral, abs(two[:, 1] - 0.5) < 0.38)


def test_tokens_that_shared_an_embedding_share_their_mean_again(bundle):
    before = bundle.weights["embedding.weight"].copy()
    before[3] = before[4]
    after = before + np.arange(len(before), dtype=np.float32)[:, None]
    start, trained = (
        replace(bundle, weights={**bundle.weights, "embedding.weight": table})
        for table in (before, after)
    )
    rows = shared_again(trained, start).weights["embedding.weight"]
    assert np.array_equal(rows[3], rows[4])
    np.testing.assert_allclose(rows[3], before[3] + 3.5, rtol=1e-6)
    others = [row for row in range(len(before)) if row not in (3, 4)]
    assert np.array_equal(rows[others], after[others])


def test_a_model_of_other_classes_is_refused(make_bundle):
    with pytest.raises(UsageError, match="found joy, rage, fear"):
        with_neutral(make_bundle(("joy", "rage", "fear")))
