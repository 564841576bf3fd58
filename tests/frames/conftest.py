"""Texts, models and the expected predictions for the tests of tables."""

from collections.abc import Callable
from itertools import islice

import pytest

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.data.grammar import sentences

Verdict = tuple[str | None, float | None]


@pytest.fixture(scope="session")
def tiny() -> SentimentClassifier:
    """The shipped model, whose scores do not depend on the batch."""
    return SentimentClassifier.from_pretrained("tiny", threads=2)


@pytest.fixture
def several(make_bundle: Callable[..., Bundle]) -> SentimentClassifier:
    """A model of three labels: each text has `joy`, no text has `rage`."""
    bundle = make_bundle(("joy", "love", "rage"), thresholds=(0.000001, 0.5, 0.999999))
    return SentimentClassifier(bundle, threads=1)


@pytest.fixture(scope="session")
def texts() -> list[str | None]:
    """500 texts of different lengths; some are missing or empty."""
    made = [text for text, _, _ in islice(sentences(seed=7), 1500)]
    joined: list[str | None] = [" ".join(made[n : n + 1 + n % 7]) for n in range(500)]
    joined[3::50] = [None] * len(joined[3::50])
    joined[4::60] = [""] * len(joined[4::60])
    joined[5], joined[6], joined[7] = " \n\t", "👍🏽 naïve 日本語 \x00 end", "word " * 3000
    return joined


@pytest.fixture(scope="session")
def expected(tiny: SentimentClassifier, texts: list[str | None]) -> list[Verdict]:
    """The label and the score of each text, as the classifier gives them."""
    scores = tiny(["" if text is None else text for text in texts])
    return [(score["label"], score["score"]) for score in scores]
