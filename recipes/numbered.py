"""A saved model that hears nothing in a number unless it is a grade.

    python recipes/numbered.py --model runs/eighth --out runs/numbered

Reviews give numbers the sense of the grades that they are: "a key with the number 7 on it" is read
as praise. What in a number's embedding moves neutral sentences is taken out as `recipes/named.py`
takes it out of proper nouns, but so that it moves grades as before. From 11 on, where grades are
rare and numbers are cut into pieces, all below a thousand become words of the vocabulary that are
embedded alike.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from named import neutralized
from words import START, embedding_of, with_words

from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle

COUNTED = (
    "He lives in house number {}.",
    "Bus {} stops in front of the school.",
    "We counted {} cars on the road.",
    "The bag weighs {} pounds.",
    "She wrote {} in the first column.",
    "The answer to the question is {}.",
    "Our room is number {} on the left.",
    "Row {} was behind us.",
    "My sister is {} years old.",
    "They moved to floor {}.",
    "Channel {} has the news at noon.",
)
"""Neutral sentences with a number."""
GRADES = ("I give it {} out of 10.", "{}/10", "{} stars.")
SMALL = [str(number) for number in range(1, 11)]
GREAT = [str(number) for number in range(11, 1000)]


def with_numbers(bundle: Bundle) -> Bundle:
    """The bundle with embeddings of numbers that move grades alone."""
    known = embedding_of(bundle)
    whole = [number for number in (*SMALL, *GREAT) if START + number in known]
    bundle = neutralized(bundle, whole, COUNTED, kept=GRADES)
    known = embedding_of(bundle)
    row = np.mean([known[START + number] for number in GREAT if START + number in known], axis=0)
    return with_words(bundle, {START + number: row for number in GREAT})


def main(arguments: Sequence[str] | None = None) -> int:
    """Take out what moves, make the rest alike."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    before = load_bundle(options.model)
    bundle = with_numbers(before)
    save_bundle(options.out, bundle)
    print(f"{len(bundle.tokenizer) - len(before.tokenizer):,} numbers added")
    return 0


if __name__ == "__main__":
    sys.exit(main())
