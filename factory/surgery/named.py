"""A saved model that reads names whole and hears nothing in them.

    python -m factory.surgery.named --model runs/sixth --out runs/named_last

Pieces of words give names a sense that they don't have: "Beatrice" is cut into "beat" and "rice",
"Leeds" into "le" and "eds"; and names that are known whole have the sense of the reviews in which
they stood. No training over invented names mended that (docs/log.md). So proper nouns that reviews
name often and that are read apart from others become words of the vocabulary, embedded as
`factory/surgery/words.py` embeds new words. What in a proper noun's embedding moves the score of
neutral sentences is taken out, step by step ("neutralize" of Bolukbasi et al. 2016, "Man is to
Computer Programmer as Woman is to Homemaker?"); of common words for people, also what moves
opinions that such people hold or stand beside. First names that are read apart get the mean of
those known. A word is a proper noun if IMDb's training and unlabelled reviews hardly write it
without a capital; first names stand in Faker's lists (some seventy languages), which come with the
extra `dev`, and most inside no sentence of the reviews: of these, words are what is read furthest
apart.
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

from factory.surgery.average import calibrated
from factory.surgery.words import (
    START,
    Vectors,
    all_texts,
    embedding_of,
    mapped,
    model_and_out,
    ridge,
    vectors_of,
    with_words,
)
from factory.texts.excerpts import texts
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
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
"""Opinions, and with them a person who holds them or stands by, described."""
APART = 0.12
"""How far from the median a logit has to be, in one frame, for a word to be read apart."""
FAR_APART = 0.25
"""The same for a name that stands inside no sentence: some 10,000, and each word takes its room."""
INSIDE = re.compile(r"(?<=[a-z,] )[A-Za-z][a-z]{2,}\b")
SHARE = 0.9
"""A word that stands inside sentences with a capital that often is a proper noun."""
SELDOM = 8
"""How often a proper noun has to stand in the reviews for its own embedding to count."""
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
    """Faker's, of three to twelve letters of English, in small letters."""
    found: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for kind in ("first_names", "first_names_male", "first_names_female"):
            listed = getattr(provider, kind, ())
            if not isinstance(listed, property):
                found.update(filter(_NAME.fullmatch, map(str.lower, listed)))
    return found


def word_counts() -> Counter[str]:
    """How often each word stands inside sentences of the reviews, as it is written."""
    return Counter(word for text in texts(()) for word in INSIDE.findall(text))


def proper_nouns(counts: Counter[str]) -> dict[str, int]:
    """The words that hardly stand without a capital, in small letters: how often with one."""
    capitals = {word.lower(): n for word, n in counts.items() if word.istitle()}
    return {word: n for word, n in capitals.items() if n >= SHARE * (n + counts[word])}


def shifts(
    bundle: Bundle, words: Sequence[str], frames: Sequence[str] = FRAMES
) -> NDArray[np.float64]:
    """How far the score of each frame lies from its median, with each word in it, [N, frames]."""
    framed = [frame.format(word.capitalize()) for word in words for frame in frames]
    shares = Predictor(bundle, open_torch(bundle)).probabilities(framed)[:, 1].clip(1e-6, 1 - 1e-6)
    found: NDArray[np.float64] = np.log(shares / (1 - shares)).reshape(len(words), len(frames))
    return found - np.median(found, axis=0)


def read_apart(
    bundle: Bundle, words: Sequence[str], apart: float, frames: Sequence[str] = FRAMES
) -> list[str]:
    """Those that move a frame's score by more than that from what the others of them make it."""
    if not words:
        return []
    return list(compress(words, np.abs(shifts(bundle, words, frames)).max(axis=1) > apart))


def neutralized(
    bundle: Bundle,
    words: Sequence[str],
    frames: Sequence[str] = FRAMES,
    kept: Sequence[str] = (),
) -> Bundle:
    """The bundle with embeddings of these words, known whole, that no longer move the frames.

    What moves them is found as a linear map from the embedding; the smallest change that takes it
    to nothing, and leaves what moves the frames `kept`, is made, and the rest looked at again.
    """
    for _ in range(STEPS):
        known = embedding_of(bundle)
        rows = np.stack([known[START + word] for word in words])
        apart = rows - rows.mean(axis=0)
        plane = ridge(apart, shifts(bundle, words, (*frames, *kept)))
        moved = apart @ plane
        moved[:, len(frames) :] = 0
        rows = rows - moved @ np.linalg.pinv(plane, rcond=0.05)
        bundle = with_words(bundle, dict(zip((START + word for word in words), rows, strict=True)))
    return bundle


def with_proper_nouns(bundle: Bundle, proper: dict[str, int], vectors: Vectors) -> Bundle:
    """The bundle with the proper nouns that are often named and read apart as words."""
    known = embedding_of(bundle)
    embedded = mapped(vectors, known)
    often = [w for w, n in proper.items() if n >= SELDOM and START + w not in known]
    often = [word for word in often if START + word in embedded]
    return with_words(
        bundle, {START + w: embedded[START + w] for w in read_apart(bundle, often, APART)}
    )


def with_first_names(bundle: Bundle, read: Sequence[str], unread: Sequence[str]) -> Bundle:
    """The bundle with the names that are read apart, all of them the mean of those known.

    `unread` stand inside no sentence of the reviews.
    """
    known = embedding_of(bundle)
    row = np.mean([known[START + name] for name in read if START + name in known], axis=0)
    new, rare = ([w for w in some if START + w not in known] for some in (read, unread))
    apart = read_apart(bundle, new, APART) + read_apart(bundle, rare, FAR_APART)
    return with_words(bundle, {START + word: row for word in apart})


def main(arguments: Sequence[str] | None = None) -> int:
    """Find the names, see which are read apart, add them, take out what moves."""
    model, out = model_and_out(__doc__, arguments)
    before = load_bundle(model)
    counts = word_counts()
    proper = proper_nouns(counts)
    bundle = with_proper_nouns(before, proper, vectors_of(all_texts(), before.tokenizer))
    whole = embedding_of(bundle)
    heard = [word for word, n in proper.items() if n >= SELDOM and START + word in whole]
    people = [word for word in PEOPLE if START + word in whole]
    bundle = neutralized(neutralized(bundle, heard), people, (*FRAMES, *BESIDE))
    names = first_names()
    unread = names - set(map(str.lower, counts))
    bundle = with_first_names(bundle, sorted(names & proper.keys()), sorted(unread))
    save_bundle(out, calibrated(bundle))
    added = len(bundle.tokenizer) - len(before.tokenizer)
    print(f"{added:,} names added, {len(heard):,} proper nouns neutralized")
    return 0


if __name__ == "__main__":
    run_script(main)
