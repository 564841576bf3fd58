"""Frames whose gaps hold common, rare and invented words."""

import json
from collections import Counter
from random import Random

import pytest

from factory.texts import filled


def test_every_gap_is_filled_and_every_frame_is_used_as_often_as_another():
    count = 2 * len(filled.frames())
    rows = [json.loads(line) for line in filled.sentences(count, Random(1))]
    assert not any("{" in row["text"] for row in rows)
    assert len({row["text"] for row in rows}) > 0.9 * count
    labels = Counter(label for _, label in filled.frames())
    assert Counter(row["label"] for row in rows) == {
        label: 2 * number for label, number in labels.items()
    }


@pytest.mark.parametrize(
    ("frame", "start"),
    [("{a} {job} came.", "A"), ("{A} {job} came.", "A"), ("She is {a} {age} woman.", "She is a")],
)
def test_an_article_fits_its_word(frame, start):
    for seed in range(40):
        text = filled.filled(frame, Random(seed))
        assert text.startswith(start)
        article, word = text.removeprefix("She is ").split()[:2]
        assert article.lower() == ("an" if word[0].lower() in "aeiou" else "a")


def test_the_same_seed_gives_the_same_sentences():
    assert list(filled.sentences(50, Random(3))) == list(filled.sentences(50, Random(3)))
