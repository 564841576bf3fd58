"""Sets of two and of three classes are measured for models of two and of three classes."""

import numpy as np
import pytest

from factory.measure import accuracy
from sentiment_lstm.bundle import save_bundle

OF_TWO = ["negative", "positive", "positive"]
OF_THREE = ["negative", "neutral", "positive", "positive"]


def test_two_classes_by_a_model_of_two():
    values = accuracy.measured(OF_TWO, np.array([0.1, 0.4, 0.9]))
    assert (values["n"], values["score"]) == (3, pytest.approx(2 / 3))
    assert values["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.9]).mean())


def test_two_classes_by_a_model_of_three_are_those_of_the_polarity():
    scores = np.array([[0.1, 0.8, 0.1 + 1e-9], [0.1, 0.6, 0.3], [0.0, 0.9, 0.1]])
    values = accuracy.measured(OF_TWO, scores)
    assert values["score"] == pytest.approx(2 / 3)
    assert values["log_loss"] == pytest.approx(-np.log([0.5, 0.75, 1]).mean())


def test_three_classes_by_a_model_of_two_go_by_thirds():
    values = accuracy.measured(OF_THREE, np.array([0.1, 0.6, 0.6, 0.9]))
    assert values == {"n": 4, "score": pytest.approx((1 + 1 + 0.5) / 3)}


def test_three_classes_by_a_model_of_three_go_by_the_likeliest():
    scores = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.1, 0.4, 0.5]])
    values = accuracy.measured(OF_THREE, scores)
    assert values["score"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert values["log_loss"] == pytest.approx(-np.log([0.5, 0.5, 0.3, 0.5]).mean())
    assert 0 <= values["ece"] <= 1


def test_a_set_reads_its_own_split(monkeypatch, tmp_path, three):
    save_bundle(tmp_path / "model", three)
    read = {
        "validation": [("good", "positive"), ("film", "neutral")],
        "test": [("bad", "negative")],
    }
    news = accuracy.Measurement("news", "data:news", {}, read=read.__getitem__)
    monkeypatch.setattr(accuracy, "SETS", (news,))
    monkeypatch.setattr(accuracy, "is_missing", lambda _: False)
    counts = {
        test: accuracy.measure_sets(tmp_path / "model", test=test)["news"]["n"]
        for test in (False, True)
    }
    assert counts == {False: 2, True: 1}
