r"""Sentences with words that trainings read differently, as a language model graded them.

    python -m factory.texts.uncertain --also ../shared/data/products --out runs/uncertain.jsonl

What stands seldom in the texts that teach, chance decides: of five models one heard praise in "I
detest it." and one none. Words whose "I X it.", "It was X." or "I found it X." differed by more
than .55 among these five, and that hardly stand in the grammar's sentences, were looked up in all
reviews that train, the unlabelled ones too, and a large language model graded some sentences of
each, of up to 32 words: up to 40 where they differed by more than .84, else up to 16, 6 or 4.
`factory/texts/uncertain.txt` holds the grades as `factory/texts/grades.txt` does. That "detest"
failed in the behaviour suite had started the search; 285 of these sentences hold a word of the
suite.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from factory.texts.excerpts import sentences_of, texts
from factory.texts.judged import grades, judged
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.storage import write_atomically

GRADES = Path(__file__).with_name("uncertain.txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, look up, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--also", action="append", default=[], help="another source of reviews")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    sentences = (one for text in texts(options.also) for one in sentences_of(text))
    found = list(judged(sentences, grades(GRADES)))
    if not found:
        raise UsageError(
            f"Expected sentences that {GRADES.name} grades in IMDb's reviews and in "
            f"{' and '.join(options.also) or 'no others'}, found none: see factory/shipped.mk."
        )
    write_atomically(options.out, "".join(found).encode())
    print(f"{len(found):,} sentences with a grade")
    return 0


if __name__ == "__main__":
    run_script(main)
