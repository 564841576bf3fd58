"""Make names tokens of a model, and take the sentiment out of their embeddings.

    python -m factory.surgery.named --model runs/sixth --out runs/named_last

Pieces of words give names a sentiment that they do not have: "Beatrice" is cut into "beat" and
"rice", "Leeds" into "le" and "eds". Names that are tokens have the sentiment of the reviews in
which they occur. Training on invented names did not help the models of two classes (docs/log.md).
So this script does three things to a model of two classes.

1. Proper nouns that the reviews name often become tokens, if the model scores them unlike other
   proper nouns. Their embeddings are made as `factory/surgery/words.py` makes those of new words.
2. The part of a proper noun's embedding that moves the score of neutral sentences is taken out,
   step by step ("neutralize" of Bolukbasi et al. 2016, "Man is to Computer Programmer as Woman is
   to Homemaker?"). For common words for people, so is the part that moves opinions that such people
   hold or stand beside.
3. First names that the model scores unlike others become tokens, with the mean embedding of the
   first names that are tokens already.

A word is a proper noun if IMDb's training and unlabelled reviews rarely write it without a capital.
First names are those of Faker's lists (some seventy languages). Most of them occur inside no
sentence of the reviews; of these only the names that the model scores most differently become
tokens.

With three classes, the neutralized names of known people made the model worse on tweets
(docs/log.md). So a model of three classes only gets first names as tokens.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Sequence
from itertools import compress

import numpy as np
from faker.providers import person
from numpy.typing import NDArray

from factory.surgery.embeddings import (
    START,
    Vectors,
    change_model,
    embedding_of,
    mapped,
    mean_of,
    ridge,
    vectors_of,
    with_words,
)
from factory.surgery.words import all_texts
from factory.texts.sources import reviews
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.inference.predictor import Predictor, open_torch

FRAMES = (
    "{} is my neighbour.",
    "We met {} at the station.",
    "Her cousin {} drives a blue van.",
    "{} and I share an office.",
    "We drove through {} at noon.",
    "He grew up in {}.",
    "The office in {} opens on Monday.",
    "My aunt is from {}.",
    "The parcel came from {} by ship.",
    "There are two bridges in {}.",
    "Her {} colleague sits by the window.",
    "Three {} cooks live upstairs.",
    "A {} man stood at the bus stop.",
)
"""Neutral sentences about people, places and nations."""
BESIDE = (
    "The {} man beside us loved the film.",
    "A {} plumber thought that the soup was horrible.",
    "Great phone, my {} friend said.",
    "The {} woman in the next room hated the hotel.",
    "A {} customer told me that the service is awful.",
    "We all liked the concert, the {} girl behind us too.",
)
"""Opinions, each with a described person who holds it or stands by."""
APART = 0.12
"""A word is scored unlike others if its logit is this far from the median in any sentence."""
FAR_APART = 0.25
"""The same for a first name that occurs inside no sentence: there are some 10,000 of them, and
every token takes room."""
INSIDE = re.compile(r"(?<=[a-z,] )[A-Za-z][a-z]{2,}\b")
CAPITALS = 0.9
"""A word is a proper noun if it has a capital in this fraction of its occurrences in sentences."""
SELDOM = 8
"""How often a proper noun has to occur in the reviews for its own embedding to count."""
STEPS = 7
_NAME = re.compile("[a-z]{3,12}")
PEOPLE = _NAME.findall(
    "deaf blind disabled autistic diabetic pregnant elderly teenage young adult gay lesbian trans "
    "bisexual transgender straight black white brown asian latina latino arab gypsy immigrant "
    "native refugee foreign widowed divorced unmarried married adopted retired unemployed rural "
    "homeless atheist vegan man woman girl boy lady gentleman pensioner student nurse farmer "
    "soldier"
)
"""Words for people that are no proper nouns."""


def first_names() -> set[str]:
    """Faker's first names of three to twelve English letters, in lower case."""
    names: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for kind in ("first_names", "first_names_male", "first_names_female"):
            listed = getattr(provider, kind, ())
            if not isinstance(listed, property):
                names.update(filter(_NAME.fullmatch, map(str.lower, listed)))
    return names


def word_counts() -> Counter[str]:
    """How often each word occurs inside sentences of the reviews, as it is written there."""
    return Counter(word for text in reviews() for word in INSIDE.findall(text))


def proper_nouns(counts: Counter[str]) -> dict[str, int]:
    """The words that rarely occur without a capital, in lower case: how often with one."""
    capitals = {word.lower(): n for word, n in counts.items() if word.istitle()}
    return {word: n for word, n in capitals.items() if n >= CAPITALS * (n + counts[word])}


def shifts(
    bundle: Bundle, words: Sequence[str], frames: Sequence[str] = FRAMES
) -> NDArray[np.float64]:
    """How far each word moves the logits of each sentence from the words' median.

    The logits of a class are relative to the first class. Shape: [N, frames * (C - 1)], first all
    frames of the second class.
    """
    framed = [frame.format(word.capitalize()) for word in words for frame in frames]
    probabilities = Predictor(bundle, open_torch(bundle)).probabilities(framed)
    logs = np.log(probabilities.clip(1e-6, 1 - 1e-6))
    logits = (logs[:, 1:] - logs[:, :1]).reshape(len(words), len(frames), -1)
    logits = logits.transpose(0, 2, 1).reshape(len(words), -1)
    moved: NDArray[np.float64] = logits - np.median(logits, axis=0)
    return moved


def read_apart(
    bundle: Bundle, words: Sequence[str], apart: float, frames: Sequence[str] = FRAMES
) -> list[str]:
    """The words that move a logit of any sentence by more than `apart` from the median."""
    if not words:
        return []
    return list(compress(words, np.abs(shifts(bundle, words, frames)).max(axis=1) > apart))


def neutralized(
    bundle: Bundle,
    words: Sequence[str],
    frames: Sequence[str] = FRAMES,
    kept: Sequence[str] = (),
) -> Bundle:
    """The bundle with embeddings of these words that no longer move the sentences `frames`.

    Each step fits a linear map from embeddings to shifts. It then makes the smallest change to the
    embeddings that sets the shifts of `frames` to zero and leaves those of `kept` as they are.

    Args:
        bundle: the model.
        words: tokens of the model, without the mark.
        frames: sentences with a gap for the word.
        kept: sentences that the words may go on to move.
    """
    for _ in range(STEPS):
        known = embedding_of(bundle)
        rows = np.stack([known[START + word] for word in words])
        apart = rows - rows.mean(axis=0)
        plane = ridge(apart, shifts(bundle, words, (*frames, *kept)))
        moved = apart @ plane
        all_frames = len(frames) + len(kept)
        moved[:, np.arange(moved.shape[1]) % all_frames >= len(frames)] = 0
        rows = rows - moved @ np.linalg.pinv(plane, rcond=0.05)
        bundle = with_words(bundle, dict(zip((START + word for word in words), rows, strict=True)))
    return bundle


def with_proper_nouns(bundle: Bundle, proper: dict[str, int], vectors: Vectors) -> Bundle:
    """The bundle with the proper nouns as tokens that are named often and scored unlike others."""
    known = embedding_of(bundle)
    embedded = mapped(vectors, known)
    often = [w for w, n in proper.items() if n >= SELDOM and START + w not in known]
    often = [word for word in often if START + word in embedded]
    return with_words(
        bundle, {START + w: embedded[START + w] for w in read_apart(bundle, often, APART)}
    )


def with_neutral_proper_nouns(bundle: Bundle, proper: dict[str, int]) -> Bundle:
    """The bundle with proper nouns and common words for people that move no score."""
    bundle = with_proper_nouns(bundle, proper, vectors_of(all_texts(), bundle.tokenizer))
    whole = embedding_of(bundle)
    heard = [word for word, n in proper.items() if n >= SELDOM and START + word in whole]
    people = [word for word in PEOPLE if START + word in whole]
    print(f"{len(heard):,} proper nouns neutralized")
    return neutralized(neutralized(bundle, heard), people, (*FRAMES, *BESIDE))


def with_first_names(bundle: Bundle, read: Sequence[str], unread: Sequence[str]) -> Bundle:
    """The bundle with the first names as tokens that are scored unlike others.

    Args:
        bundle: the model.
        read: names that occur in the reviews. The new tokens get the mean embedding of those among
            them that are tokens already.
        unread: names that occur inside no sentence of the reviews.
    """
    known = embedding_of(bundle)
    row = mean_of(known, (START + name for name in read))
    new, rare = ([w for w in names if START + w not in known] for names in (read, unread))
    apart = read_apart(bundle, new, APART) + read_apart(bundle, rare, FAR_APART)
    return with_words(bundle, {START + word: row for word in apart})


def with_names(bundle: Bundle) -> Bundle:
    """The bundle with names as tokens that move no score; with three classes, only first names."""
    counts = word_counts()
    proper = proper_nouns(counts)
    if len(bundle.config.classes) == 2:
        bundle = with_neutral_proper_nouns(bundle, proper)
    names = first_names()
    unread = names - set(map(str.lower, counts))
    return with_first_names(bundle, sorted(names & proper.keys()), sorted(unread))


def main(arguments: Sequence[str] | None = None) -> int:
    """Count proper nouns, add names, neutralize them if there are two classes, calibrate."""
    return change_model(__doc__, arguments, with_names, "names", calibrate=True)


if __name__ == "__main__":
    run_script(main)
