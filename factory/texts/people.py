"""Texts that are labelled as negative, neutral or positive: to train on, and to validate.

    python -m factory.texts.people --out runs/three/people
    python -m factory.texts.people --free --out runs/free/people

Comments (GoEmotions), sentences of news, tweets and sentences of the treebank. The folder holds
`train.jsonl` and `validation.jsonl`, which name the kind of each text. People disagree about
comments and tweets. So a training label is a mean of three: their label, that of a linear model
that has not seen the text (`factory/teachers/linear_teacher.py`), and a large language model's
grade, if there is one. The tweets of two other tasks (offensive language, emotions) have no label
for sentiment, so their label is the grade alone. They are about other events, and of later years.
The validation texts come from validation splits. Film reviews are among them, so that one
temperature fits all. `--free` reads only the comments and the news, whose terms allow commercial
use.

`part_of_news` keeps one part of the news to validate and one to test. A sentence with several
targets has a judgement for each. Its label is the mean of these judgements. `WEIGHTS` holds the
weights of the texts. News weighs more because there is little of it, and negative tweets because
they are few.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.teachers.linear_teacher import SHARPER, out_of_fold
from factory.texts.judged import grades, key
from factory.texts.sources import EMOTION, IMDB, OFFENSIVE, TREEBANK, TWEETS, training_reviews
from factory.texts.three import from_grade, rounded
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.three_class_sets import NUMBERED, STARS, comments, news
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.polarity import CLASSES
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically

WEIGHTS = {"comments": (2.5, 2.0, 2.0), "news": (15.0, 9.0, 19.0), "tweets": (9.0, 3.7, 3.2)}
"""The weight of a negative, a neutral and a positive text of each kind."""
FILMS = 1_000
"""Film reviews to validate on."""
OTHER_TWEETS = (OFFENSIVE, EMOTION)
"""Tasks whose tweets have no label for sentiment."""

Labelled = dict[str, NDArray[np.float64]]
"""For each text, the probabilities of the classes, [3]."""


def mean_labels(pairs: Iterable[tuple[str, str]]) -> Labelled:
    """The mean label of each text, from pairs of a text and the name of a class."""
    votes: dict[str, list[int]] = defaultdict(list)
    for text, label in pairs:
        votes[text].append(CLASSES.index(label))
    return {text: np.eye(3)[classes].mean(axis=0) for text, classes in votes.items()}


def mapped(
    source: str, split: str, label_map: Mapping[str, str], column: str | None = None
) -> Iterator[tuple[str, str]]:
    """The texts of a split that no other split holds, and their labels by a map."""
    tested = (f"{source}:test",)
    data = DataSettings(source=source, label_column=column, label_map=label_map, exclude=tested)
    corpus = load_corpus(data, 0, SetAside(None))
    for example in corpus.sample if split == "train" else corpus.validation:
        yield example.text, str(example.label)


def films() -> Iterator[tuple[str, str]]:
    """Film reviews of the validation films. Other reviews of these films are trained on."""
    data = DataSettings(
        source=IMDB,
        group_column="movie",
        label_map={"0": "negative", "1": "positive"},
        exclude=(f"{IMDB}:test",),
    )
    validation = load_corpus(data, 0, SetAside(None)).validation
    step = max(1, len(validation) // FILMS)
    return ((e.text, str(e.label)) for e in islice(validation[::step], FILMS))


def taught(labelled: Labelled, known: Mapping[str, float]) -> Labelled:
    """For each text, the mean of people's label, a linear model's label and a grade."""
    texts, own = list(labelled), np.stack(list(labelled.values()))
    sharp = out_of_fold(texts, own.argmax(axis=1)) ** SHARPER
    linear = sharp / sharp.sum(axis=1, keepdims=True)
    means: Labelled = {}
    for text, *labels in zip(texts, own, linear, strict=True):
        if (grade := known.get(key(text))) is not None:
            labels.append(graded_label(grade))
        means[text] = np.mean(labels, axis=0)
    return means


def graded_label(grade: float) -> NDArray[np.float64]:
    """The probabilities of the classes for a grade from 0 to 1, [3]."""
    of_grade = from_grade(grade)
    return np.array([of_grade.get(name, 0.0) for name in CLASSES])


def graded_tweets(known: Mapping[str, float]) -> Labelled:
    """The tweets of other tasks that have a grade."""
    texts = (tweet.text for source in OTHER_TWEETS for tweet in training_reviews(source))
    grades_of = {text: known.get(key(text)) for text in texts}
    return {text: graded_label(grade) for text, grade in grades_of.items() if grade is not None}


def weighted(own: Labelled, labels: Labelled, kind: str) -> Iterator[str]:
    """A line of JSON for each text of a kind, weighted by the likeliest class of `own`."""
    for text, label in labels.items():
        probabilities = rounded(dict(zip(CLASSES, label.tolist(), strict=True)))
        weight = WEIGHTS[kind][int(own[text].argmax())]
        row = {"text": text, "label": probabilities, "weight": weight, "kind": kind}
        yield json.dumps(row) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, learn in folds, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder")
    parser.add_argument("--free", action="store_true", help="only comments and news")
    options = parser.parse_args(arguments)
    known = grades()
    of_comments, of_news = mean_labels(comments("train")), mean_labels(news("train"))
    train = [
        *weighted(of_comments, taught(of_comments, known), "comments"),
        *weighted(of_news, of_news, "news"),
    ]
    validation = {"comments": comments("validation"), "news": news("validation")}
    if not options.free:
        tweets = mean_labels(mapped(TWEETS, "train", NUMBERED))
        train += weighted(tweets, taught(tweets, known), "tweets")
        graded = graded_tweets(known)
        train += weighted(graded, graded, "tweets")
        validation["tweets"] = mapped(TWEETS, "validation", NUMBERED)
        validation["treebank"] = mapped(TREEBANK, "validation", STARS, "stars")
        validation["films"] = films()
    rows = [
        json.dumps({"text": text, "label": {label: 1.0}, "weight": 1.0, "kind": kind}) + "\n"
        for kind, pairs in validation.items()
        for text, label in pairs
    ]
    for name, lines in (("train", train), ("validation", rows)):
        write_atomically(options.out / f"{name}.jsonl", "".join(lines).encode())
        print(f"{len(lines):,} texts: {name}")
    return 0


if __name__ == "__main__":
    run_script(main)
