"""Texts that people labelled, with weights."""

import json

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra `train` is not installed")
from factory.texts import people
from factory.texts.judged import key
from sentiment_lstm.records import Example


def test_a_text_with_several_judgements_has_their_mean():
    pairs = [("a", "negative"), ("b", "neutral"), ("a", "positive"), ("a", "positive")]
    labels = people.mean_labels(pairs)
    assert list(labels) == ["a", "b"]
    assert labels["a"].tolist() == pytest.approx([1 / 3, 0, 2 / 3])


def test_labels_are_means_of_people_a_linear_model_and_a_grade(monkeypatch):
    monkeypatch.setattr(people, "out_of_fold", lambda texts, labels: np.eye(3)[[2, 2]])
    own = people.mean_labels([("a", "negative"), ("b", "positive")])
    labels = people.taught(own, {key("a"): 0.5})
    assert labels["a"].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert labels["b"].tolist() == [0, 0, 1]


def test_tweets_of_other_tasks_are_labelled_by_their_grade_alone(monkeypatch):
    tweets = {"data:offensive": ["a", "b"], "data:emotion": ["c"]}

    def training_reviews(source):
        return [Example(text, "anger", text) for text in tweets[source]]

    monkeypatch.setattr(people, "training_reviews", training_reviews)
    labels = people.graded_tweets({key("a"): 0.15, key("c"): 1.0})
    assert list(labels) == ["a", "c"]
    assert labels["a"].tolist() == pytest.approx([0.7, 0.3, 0])
    assert labels["c"].tolist() == [0, 0, 1]


def test_a_text_has_the_weight_of_the_class_that_people_gave():
    own = people.mean_labels([("a", "negative")])
    (line,) = people.weighted(own, {"a": np.array([0.4, 0.6, 0])}, "tweets")
    row = json.loads(line)
    assert row == {
        "text": "a",
        "label": {"negative": 0.4, "neutral": 0.6},
        "weight": 9.0,
        "kind": "tweets",
    }
