r"""Sentences with words that differently seeded models read differently, with a grade for each.

    python -m factory.texts.uncertain --also data:products --out runs/uncertain.jsonl

A rare word's meaning depends on the random seed: of five models, one heard praise in "I detest it."
and another none. The words of interest are those for which the scores of "I X it.", "It was X." or
"I found it X." differed by more than 0.55 among these five models, and which the grammar's
sentences rarely hold. They were looked up in all training and unlabelled reviews. A large language
model graded up to 40 sentences of a word where the scores differed by more than 0.84, and otherwise
up to 16, 6 or 4, each of at most 32 words. `factory/texts/uncertain.txt` holds the grades as
`grades.txt` does. The search began because "detest" failed in the behaviour suite; 285 of these
sentences hold a word of the suite.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from factory.texts.excerpts import sentences_of
from factory.texts.judged import grades, judged
from factory.texts.sources import reviews
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.storage import write_atomically

GRADES = Path(__file__).with_name("uncertain.txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, look up, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--also", action="append", default=[], help="another source of reviews")
    parser.add_argument("--grades", type=Path, help="the file of grades")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    file = options.grades or GRADES
    sentences = (sentence for text in reviews(options.also) for sentence in sentences_of(text))
    graded = list(judged(sentences, grades(file)))
    if not graded:
        raise UsageError(
            f"Expected sentences that {file.name} grades in IMDb's reviews and in "
            f"{' and '.join(options.also) or 'no others'}, found none: see factory/road.py."
        )
    write_atomically(options.out, "".join(graded).encode())
    print(f"{len(graded):,} sentences with a grade")
    return 0


if __name__ == "__main__":
    run_script(main)
