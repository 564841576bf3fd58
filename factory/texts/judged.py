r"""Texts that a language model has judged, with its grades; the others of the files as they were.

    python -m factory.texts.judged --taught runs/taught_excerpts.jsonl \
        --windows ../shared/data/products \
        --windows ../shared/data/imdb --windows ../shared/data/irony --parts ../shared/data/tweets \
        --out runs/judged.jsonl --rest runs/excerpts_rest.jsonl
    python -m factory.texts.judged --taught runs/taught_reviews.jsonl \
        --out runs/judged_reviews.jsonl --rest runs/reviews_rest.jsonl

A large language model read and graded, from 0, clearly negative, over 2, neither, to 4, clearly
positive: 4,121 reviews and most of 28,014 runs of sentences because teachers doubted them
(`factory/teachers/teacher.py`), 83,156 windows of product and 85,763 of film reviews and 70,725 of
tweets, nearly all because a student did, 5,885 of the irony task's tweets, which have no other
label for sentiment, and all 48,091 training tweets, for `factory/teachers/linear_teacher.py`.
`factory/texts/grades.txt` holds a line for each, the start of the SHA-1 of its text and the grade;
the texts themselves are those of the sources, none of a test split or of the films that validate. A
grade becomes a soft label, for `data.soft_labels`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from factory.texts.excerpts import kept_apart, sentences_of, training_reviews
from sentiment_lstm.data.open import read_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically

GRADES = Path(__file__).with_name("grades.txt")
PLACES = (0.0, 0.15, 0.5, 0.85, 1.0)
"""A grade's soft label: what leans stays within its third."""
LONGEST = 3
"""Sentences of a window."""


def plain(text: str) -> str:
    """A text as it was shown: on one line."""
    return " ".join(text.replace("<br />", " ").split())


def key(text: str) -> str:
    """What stands for a text in the file of grades."""
    return hashlib.sha1(plain(text).encode(), usedforsecurity=False).hexdigest()[:12]


def grades(file: Path | None = None) -> dict[str, float]:
    """The soft label of every text that was judged, by its key."""
    pairs = (line.split() for line in (file or GRADES).read_text("utf-8").splitlines())
    return {found: PLACES[int(grade)] for found, grade in pairs}


def windows(text: str) -> Iterator[str]:
    """All runs of one to three sentences."""
    sentences = sentences_of(text)
    for start in range(len(sentences)):
        for end in range(start + 1, min(start + LONGEST, len(sentences)) + 1):
            yield " ".join(sentences[start:end])


def windows_of(source: str) -> Iterator[str]:
    """Those of all that trains of a source, none of them a text that validates or tests it."""
    for _, window in _told(source):
        yield window


def parts_of(source: str) -> Iterator[str]:
    """The same without whole texts, whose grades `factory/teachers/linear_teacher.py` takes."""
    for text, window in _told(source):
        if plain(window) != plain(text):
            yield window


def _told(source: str) -> Iterator[tuple[str, str]]:
    """Texts and their windows."""
    left_out = set(chain.from_iterable(map(_keys, kept_apart(source))))
    for review in training_reviews(source):
        for window in windows(review.text):
            if key(window) not in left_out:
                yield review.text, window


def _keys(chosen: str) -> Iterator[str]:
    """Of all texts of a source's split, as `data.exclude` names it."""
    source, _, split = chosen.rpartition(":")
    data = DataSettings(source=source, split=split)
    yield from (key(review.text) for review in read_texts(data, set_aside=SetAside(None)))


def judged(candidates: Iterable[str], known: Mapping[str, float]) -> Iterator[str]:
    """A line of JSON for each text that has a grade, once."""
    left = dict(known)
    for text in candidates:
        place = left.pop(key(text), None)
        if place is not None:
            yield json.dumps({"text": plain(text), "label": place}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, look up, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--taught", type=Path, required=True, help="texts and teachers' labels")
    also = "another source whose sentences were judged too"
    parser.add_argument("--windows", action="append", default=[], help=also)
    less = "the same, but none of its texts as a whole"
    parser.add_argument("--parts", action="append", default=[], help=less)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rest", type=Path, required=True, help="texts without a grade")
    options = parser.parse_args(arguments)
    known = grades()
    lines = options.taught.read_text("utf-8").splitlines(keepends=True)
    taught = [str(json.loads(line)["text"]) for line in lines]
    more = [*map(windows_of, options.windows), *map(parts_of, options.parts)]
    found = list(judged(chain(taught, *more), known))
    if not found:
        raise UsageError(
            f"Expected texts that {GRADES.name} grades in {options.taught}, found none; "
            "make them as factory/shipped.mk does."
        )
    rest = [line for line, text in zip(lines, taught, strict=True) if key(text) not in known]
    write_atomically(options.out, "".join(found).encode())
    write_atomically(options.rest, "".join(rest).encode())
    print(f"{len(found):,} texts with a grade, {len(rest):,} without")
    return 0


if __name__ == "__main__":
    run_script(main)
