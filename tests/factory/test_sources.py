"""Data sets are opened for training alone, with the labels that they have."""

import json

import pytest

from factory.texts.sources import kept_apart, numbered, training_reviews, tweets


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """Products without a validation split, and tweets with one."""
    splits = {"products": ("train", "test"), "tweets": ("train", "validation", "test")}
    for name, parts in splits.items():
        (tmp_path / name).mkdir()
        for split in parts:
            texts = [f"a box of {split} {n}" for n in range(20)]
            rows = [{"text": text, "label": n % 2} for n, text in enumerate(texts)]
            lines = "".join(f"{json.dumps(row)}\n" for row in rows)
            (tmp_path / name / f"{split}.jsonl").write_text(lines)
    monkeypatch.setenv("SENTIMENT_LSTM_DATA", str(tmp_path))


def test_a_registered_set_keeps_its_numbers(sets):
    assert numbered("data:tweets") == {"0": "0", "1": "1", "2": "2"}
    assert numbered("some.csv") == {}
    assert {example.label for example in training_reviews("data:products")} == {"0", "1"}


def test_splits_that_validate_or_test_are_kept_apart(sets):
    assert kept_apart("data:products") == ["data:products:test"]
    assert kept_apart("data:tweets") == ["data:tweets:validation", "data:tweets:test"]
    assert all("train" in text for text in tweets("data:tweets"))


def test_every_text_of_a_set_that_nothing_validates_is_there(sets):
    assert len(training_reviews("data:products")) == 20
    assert len(training_reviews("data:tweets")) == 20
