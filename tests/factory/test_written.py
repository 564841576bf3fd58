"""Sentences written to teach reading: each once, each with a label, balanced."""

import json
import re
from pathlib import Path

import pytest

from sentiment_lstm.data.open import is_missing, open_rows
from sentiment_lstm.settings import DataSettings

ROOT = Path(__file__).parents[2]


def rows(path):
    return [json.loads(line) for line in (ROOT / path).read_text("utf-8").splitlines()]


ROWS = rows("factory/texts/written.jsonl")


def test_each_text_stands_once_with_a_soft_label():
    assert {row["label"] for row in ROWS} == {0, 0.15, 0.5, 0.85, 1}
    texts = [row["text"] for row in ROWS]
    assert all(text == text.strip() != "" for text in texts)
    assert len({text.lower() for text in texts}) == len(texts)


def test_neither_side_outweighs_the_other():
    labels = [row["label"] for row in ROWS]
    assert abs(labels.count(0) - labels.count(1)) < 0.05 * len(labels)


def test_none_is_asked_of_models_that_never_saw_it():
    taught = {_letters(row["text"]) for row in ROWS}
    for name in ("unseen.jsonl", "unseen_test.jsonl"):
        asked = [_letters(row["text"]) for row in rows(f"benchmarks/{name}")]
        assert len(asked) == 400
        assert [text for text in asked if text in taught] == []


TEST = {"split": "test"}
VALIDATION = {"split": "validation"}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("imdb", TEST),
        ("sst", VALIDATION),
        ("sst", TEST),
        ("tweets", VALIDATION),
        ("tweets", TEST),
        ("products", TEST),
        ("irony", VALIDATION),
        ("irony", TEST),
        ("restaurants", VALIDATION),
        ("counterfactual", VALIDATION),
    ],
)
def test_none_is_measured(name, settings):
    source = f"data:{name}"
    if is_missing(source):
        pytest.skip(f"{source} is not on this machine")
    measured = DataSettings(source, **settings)
    asked = {_letters(row.text) for row in open_rows(measured)}
    assert len(asked) > 300
    assert [row["text"] for row in ROWS if _letters(row["text"]) in asked] == []


def _letters(text):
    return " ".join(re.findall("[a-z]+", text.lower()))
