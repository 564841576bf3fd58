r"""Split texts into those that a large language model graded and the rest.

    python -m factory.texts.judged --taught runs/taught_excerpts.jsonl \
        --windows data:products --windows data:imdb --windows data:irony --parts data:tweets \
        --out runs/judged.jsonl --rest runs/excerpts_rest.jsonl
    python -m factory.texts.judged --taught runs/taught_reviews.jsonl \
        --out runs/judged_reviews.jsonl --rest runs/reviews_rest.jsonl

A large language model read 340,715 texts and graded them: 0 clearly negative, 1 rather negative, 2
neither, 3 rather positive, 4 clearly positive. The texts are

- 4,121 reviews and most of 28,014 runs of sentences that teachers doubted
  (`factory/teachers/teacher.py`),
- 83,156 windows of product reviews, 85,763 of film reviews and 70,725 of tweets, nearly all of them
  texts that a student doubted,
- 5,885 windows of the irony task's tweets, which have no other label for sentiment,
- all 48,091 training tweets, for `factory/teachers/linear_teacher.py`,
- 14,960 training tweets of the tasks `offensive` and `emotion`, for `factory/texts/people.py`.

A window is one to three sentences in a row. `factory/texts/grades.txt` holds one line for each
text: the start of its SHA-1 and its grade. The texts themselves are looked up in the sources. None
is from a test split or from the films that validate. A grade becomes a soft label, for
`data.soft_labels`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from factory.texts.excerpts import sentences_of
from factory.texts.sources import kept_apart, training_reviews
from sentiment_lstm.data.open import read_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically

GRADES = Path(__file__).with_name("grades.txt")
SOFT_LABELS = (0.0, 0.15, 0.5, 0.85, 1.0)
"""The soft label of each grade."""
LONGEST = 3
"""Sentences of a window, at most."""


def plain(text: str) -> str:
    """The text on one line, as the language model saw it."""
    return " ".join(text.replace("<br />", " ").split())


def key(text: str) -> str:
    """The start of the text's SHA-1, which stands for the text in the file of grades."""
    return hashlib.sha1(plain(text).encode(), usedforsecurity=False).hexdigest()[:12]


def grades(file: Path | None = None) -> dict[str, float]:
    """The soft label of every graded text, by its key."""
    pairs = (line.split() for line in (file or GRADES).read_text("utf-8").splitlines())
    return {text_key: SOFT_LABELS[int(grade)] for text_key, grade in pairs}


def windows(text: str) -> Iterator[str]:
    """All runs of one to three sentences."""
    sentences = sentences_of(text)
    for start in range(len(sentences)):
        for end in range(start + 1, min(start + LONGEST, len(sentences)) + 1):
            yield " ".join(sentences[start:end])


def windows_of(source: str) -> Iterator[str]:
    """The windows of a source's training texts, without texts that validate or test."""
    for _, window in _texts_and_windows(source):
        yield window


def parts_of(source: str) -> Iterator[str]:
    """The same without whole texts, whose grades `factory/teachers/linear_teacher.py` uses."""
    for text, window in _texts_and_windows(source):
        if plain(window) != plain(text):
            yield window


def _texts_and_windows(source: str) -> Iterator[tuple[str, str]]:
    excluded = set(chain.from_iterable(map(_keys, kept_apart(source))))
    for example in training_reviews(source):
        for window in windows(example.text):
            if key(window) not in excluded:
                yield example.text, window


def _keys(source_and_split: str) -> Iterator[str]:
    """The keys of all texts of a source's split, named as `data.exclude` names it."""
    source, _, split = source_and_split.rpartition(":")
    data = DataSettings(source=source, split=split)
    yield from (key(example.text) for example in read_texts(data, set_aside=SetAside(None)))


def judged(candidates: Iterable[str], known: Mapping[str, float]) -> Iterator[str]:
    """A line of JSON for each text that has a grade, once."""
    left = dict(known)
    for text in candidates:
        soft_label = left.pop(key(text), None)
        if soft_label is not None:
            yield json.dumps({"text": plain(text), "label": soft_label}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, look up, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--taught", type=Path, required=True, help="texts that teachers labelled")
    also = "a source whose windows were graded too"
    parser.add_argument("--windows", action="append", default=[], help=also)
    less = "the same, without its whole texts"
    parser.add_argument("--parts", action="append", default=[], help=less)
    parser.add_argument("--grades", type=Path, help="the file of grades")
    parser.add_argument("--out", type=Path, required=True, help="texts with a grade")
    parser.add_argument("--rest", type=Path, required=True, help="labelled texts without a grade")
    options = parser.parse_args(arguments)
    file = options.grades or GRADES
    known = grades(file)
    lines = options.taught.read_text("utf-8").splitlines(keepends=True)
    taught = [str(json.loads(line)["text"]) for line in lines]
    more = [*map(windows_of, options.windows), *map(parts_of, options.parts)]
    graded = list(judged(chain(taught, *more), known))
    if not graded:
        raise UsageError(
            f"Expected texts that {file.name} grades in {options.taught}, found none; "
            "make them as factory/road.py does."
        )
    rest = [line for line, text in zip(lines, taught, strict=True) if key(text) not in known]
    write_atomically(options.out, "".join(graded).encode())
    write_atomically(options.rest, "".join(rest).encode())
    print(f"{len(graded):,} texts with a grade, {len(rest):,} without")
    return 0


if __name__ == "__main__":
    run_script(main)
