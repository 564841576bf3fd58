"""The systems of `domains.py`: a model, VADER, TextBlob, and a linear model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from domain_sets import LabelledTexts
from numpy.typing import NDArray

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.evaluation.behaviour import verdict
from sentiment_lstm.evaluation.polarity import CLASSES, NAMES, find_poles, polarities
from sentiment_lstm.training.baseline import fit_regression, regression
from sentiment_lstm.wording import first_names

MOST_TEXTS = 60_000
"""The linear model learns from at most this number of texts."""
_MOST_FEATURES = 200_000
"""The linear model counts at most this number of n-grams of words, and as many of characters."""
_INVERSE_PENALTY = 1.0
"""Of 0.5, 1, 2 and 5, this one has the lowest log-loss on validation texts."""
_ITERATIONS = 60
VADER_THRESHOLD = 0.05
"""The threshold of VADER's authors: a text is positive from 0.05 on, and negative up to -0.05."""


@dataclass(frozen=True)
class Answers:
    """What a system says about N texts.

    `labels`: class indices in `CLASSES`, [N]. `polarity`: above 0.5 for texts that are more
    positive than negative, [N]. `probabilities`: of the three classes [N, 3]; None if the system
    gives none. `is_probability`: whether the polarity is a probability.
    """

    labels: NDArray[np.int64]
    polarity: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    is_probability: bool


System = Callable[[Sequence[str]], Answers]
"""Judges texts."""


def require_libraries() -> None:
    """Check that VADER and TextBlob are installed.

    Raises:
        MissingExtraError: one of them is not.
    """
    for module in ("vaderSentiment", "textblob"):
        if not find_spec(module):
            raise MissingExtraError(
                f"Expected {module} to compare with, found none: "
                "pip install 'sentiment-lstm[benchmarks]'."
            )


def answers_of(probabilities: NDArray[np.float64], classes: Sequence[str]) -> Answers:
    """What a model with these classes says.

    With the class `neutral`, the label is the likeliest class. Without it, P(positive) below 1/3 is
    negative, above 2/3 positive, else neutral.

    Args:
        probabilities: float [N, C]; each row sums to 1.
        classes: negative, positive and perhaps neutral, in any order. Upper and lower case do not
            matter.

    Raises:
        UsageError: the classes are others.
    """
    names = [name.casefold() for name in classes]
    if set(names) not in ({*CLASSES}, {*NAMES}):
        raise UsageError(
            "Expected a model with the classes negative and positive, and perhaps neutral, found "
            f"{first_names(classes)}: name another model."
        )
    polarity = polarities(probabilities, find_poles(classes))
    if "neutral" not in names:
        thirds = [CLASSES.index(verdict(p)) for p in polarity.tolist()]
        return Answers(np.array(thirds), polarity, None, is_probability=True)
    ordered = probabilities[:, [names.index(name) for name in CLASSES]]
    return Answers(ordered.argmax(axis=1), polarity, ordered, is_probability=True)


def open_model(name: str) -> System:
    """A model of this package, by its name or folder."""
    model = SentimentClassifier.from_pretrained(name)
    classes = model.classes_
    answers_of(np.zeros((0, len(classes))), classes)  # other classes are refused at once
    return lambda texts: answers_of(model.predict_proba(texts), classes)


def vader() -> System:
    """VADER's rules and word list, with its authors' thresholds (Hutto & Gilbert 2014)."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    rules = SentimentIntensityAnalyzer()
    return _by_score(lambda text: rules.polarity_scores(text)["compound"], VADER_THRESHOLD)


def textblob() -> System:
    """TextBlob's word list: a polarity of 0 is neutral."""
    from textblob import TextBlob

    return _by_score(lambda text: TextBlob(text).polarity, np.nextafter(0, 1))


def _by_score(score: Callable[[str], float], least: float) -> System:
    """A system of scores from -1 to 1: positive from `least` on, negative up to `-least`."""

    def judge(texts: Sequence[str]) -> Answers:
        scores = np.array([score(text) for text in texts], dtype=np.float64)
        labels = 1 + (scores >= least).astype(np.int64) - (scores <= -least)
        return Answers(labels, (scores + 1) / 2, None, is_probability=False)

    return judge


def linear(sets: Iterable[LabelledTexts], held_out: Collection[str]) -> System:
    """N-grams of words and characters under logistic regression.

    Args:
        sets: the texts to learn from, at least one of each class. At most `MOST_TEXTS` are drawn.
        held_out: the texts that are measured; they do not train.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    known = frozenset(held_out)
    rows = [(t, y) for each in sets for t, y in zip(each.texts, each.labels, strict=True)
            if t not in known]  # fmt: skip
    drawn = np.random.default_rng(0).permutation(len(rows))[:MOST_TEXTS]
    common = {"sublinear_tf": True, "max_features": _MOST_FEATURES, "dtype": np.float32}
    words = TfidfVectorizer(ngram_range=(1, 2), **common)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)
    vectoriser = make_union(words, characters)
    features = vectoriser.fit_transform([rows[row][0] for row in drawn])
    labels = np.array([rows[row][1] for row in drawn])
    model = fit_regression(regression(_ITERATIONS), features, labels, _INVERSE_PENALTY)
    classes = [CLASSES[label] for label in model.classes_]
    return lambda texts: answers_of(model.predict_proba(vectoriser.transform(texts)), classes)
