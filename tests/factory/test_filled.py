"""Frames whose gaps hold common, rare and invented words."""

import json
from collections import Counter
from random import Random

import pytest

from factory.rounds import OF_FRAMES
from factory.texts import filled

FILES = [filled.FOLDER / f"{name}.jsonl" for name in OF_FRAMES]


@pytest.mark.parametrize("file", FILES, ids=list(OF_FRAMES))
def test_every_gap_is_filled_and_every_frame_is_used_as_often_as_another(file):
    count = 2 * len(filled.frames(file))
    rows = [json.loads(line) for line in filled.sentences(count, Random(1), file)]
    assert not any("{" in row["text"] for row in rows)
    assert len({row["text"] for row in rows}) > 0.9 * count
    labels = Counter(label for _, label in filled.frames(file))
    assert Counter(row["label"] for row in rows) == {
        label: 2 * number for label, number in labels.items()
    }


@pytest.mark.parametrize(
    ("frame", "start"),
    [
        ("{a} {job} came.", "A"),
        ("{A} {job} came.", "A"),
        ("She is {a} {age} woman.", "She is a"),
        ('{A} "{job}" came.', "A"),
    ],
)
def test_an_article_fits_its_word(frame, start):
    for seed in range(40):
        text = filled.filled(frame, Random(seed))
        assert text.startswith(start)
        article, word = text.removeprefix("She is ").split()[:2]
        assert article.lower() == ("an" if word.strip('"')[0].lower() in "aeiou" else "a")


def test_the_same_seed_gives_the_same_sentences():
    first, second = (list(filled.sentences(50, Random(3), FILES[0])) for _ in range(2))
    assert first == second
