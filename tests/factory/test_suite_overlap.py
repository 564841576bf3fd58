"""Nothing of the behaviour suite stands in the texts that the factory teaches.

These are the written sentences, the words that edits put into reviews, and the frames of words that
are neutralized. The reviews themselves are not checked.
"""

import json
import re
from pathlib import Path
from random import Random

import pytest
from suite_overlap import sentences_in, templates_in, words_in

from factory.rounds import OF_FRAMES
from factory.texts import filled

FACTORY = Path(__file__).parents[2] / "factory"


def lines(name):
    return map(json.loads, (FACTORY / "texts" / name).read_text("utf-8").splitlines())


WRITTEN = [line["text"] for line in lines("written.jsonl")]
DOMAINS = [line["text"] for line in lines("domains.jsonl")]
EDITED = [new for line in lines("edits.jsonl") for _, _, new in line["edits"]]
FRAMES = [
    frame
    for name in ("surgery/named.py", "surgery/kinds.py")
    for frame in re.findall(r'"([^"\n]*\{\}[^"\n]*)"', (FACTORY / name).read_text("utf-8"))
]
"""Sentences that words for names, people and numbers are made not to move."""
assert len(FRAMES) > 25
FILLED = {
    name: [
        json.loads(line)["text"]
        for line in filled.sentences(5_000, Random(0), FACTORY / "texts" / f"{name}.jsonl")
    ]
    for name in OF_FRAMES
}
every = pytest.mark.parametrize(
    "texts",
    [WRITTEN, DOMAINS, EDITED, FRAMES, *FILLED.values()],
    ids=["written", "domains", "edited", "frames", *FILLED],
)


@every
def test_the_sentences_that_are_asked_of_every_model_are_not_taught(texts):
    assert sentences_in(texts) == []


@every
def test_no_word_of_the_behaviour_suite_stands_in_training(texts):
    assert words_in(texts) == set()


@every
def test_no_template_of_the_behaviour_suite_stands_in_training(texts):
    assert templates_in(texts) == []


def test_a_word_with_a_hyphen_is_recognised():
    texts = ["The fifty-one-year-old sat down.", "A ninety-three year old.", "A ninety-year-old."]
    assert words_in(texts) == {"fifty one year old", "ninety three year old"}
