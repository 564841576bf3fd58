"""Taught texts with other names in them: what a text says must not hang on who it names.

    python recipes/renamed.py --taught runs/taught_excerpts.jsonl --out runs/renamed.jsonl

A word is a name where the texts write it with a capital inside sentences, nearly without
exception: people's, and also places, nations and prizes. Those that stand inside sentences give
way to first names of the grammar's, a fifth of which nobody has. The label stays, as in
counterfactual augmentation (Lu et al. 2020, "Gender Bias in Neural Natural Language Processing").
The file holds `text` and `label` of every shorter text that came out changed, for
`data.soft_labels`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from random import Random

from roughened import taught

from sentiment_lstm.records import Review
from sentiment_lstm.reviews.grammar import names
from sentiment_lstm.storage import write_atomically

LEAST, SHARE = 3, 0.9
"""How often a word stands inside sentences, and how many of those times with a capital."""
WORDS = 80
"""In longer texts one name more or less hardly matters."""
INSIDE = re.compile(r"(?<=[a-z,] )[A-Za-z][a-z]{2,}\b")


def known_names(texts: Sequence[str]) -> AbstractSet[str]:
    """The words that are names."""
    all_of_them = Counter(word for text in texts for word in INSIDE.findall(text))
    return {
        word
        for word, count in all_of_them.items()
        if word[0].isupper()
        and count >= LEAST
        and count / (count + all_of_them[word.lower()]) >= SHARE
    }


def renamed(text: str, known: AbstractSet[str], others: Iterator[str]) -> str:
    """The text with every known name exchanged, the same one for the same one."""
    found = {word: next(others) for word in INSIDE.findall(text) if word in known}
    if not found:
        return text
    return re.sub(r"\b(?:" + "|".join(found) + r")\b", lambda match: found[match[0]], text)


def changed(reviews: Sequence[Review], random: Random) -> Iterator[str]:
    """A line of JSON for each shorter text that names somebody."""
    known, others = known_names([review.text for review in reviews]), names(random)
    for review in reviews:
        fits = review.text.count(" ") < WORDS
        text = renamed(review.text, known, others) if fits else review.text
        if text != review.text:
            yield json.dumps({"text": text, "label": review.share}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, change, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--taught", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    lines = list(changed(taught(options.taught), Random(0)))
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} texts", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
