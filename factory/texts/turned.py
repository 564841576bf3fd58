r"""Reviews whose verdict a language model turned by small edits.

    python -m factory.texts.turned --source ../shared/data/imdb --source ../shared/data/products \
        --out runs/turned.jsonl

Two reviews that differ in nothing but what tells the verdict show a model what to read and what to
leave aside (Kaushik et al. 2020, "Learning the Difference that Makes a Difference with
Counterfactually-Augmented Data", where people made the edits). `factory/texts/edits.jsonl` holds,
for each review that was edited, what `factory/texts/judged.py` knows a text by, and the edits: from
which word of the text, as it was shown, to which, the end left out, stands something else. The
reviews are the sources' own, none of a test split or of the films that validate. The file that is
made holds `text` and `label`, for `data.soft_labels`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from factory.texts.excerpts import training_reviews
from factory.texts.judged import key, plain
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.records import Example
from sentiment_lstm.storage import write_atomically

EDITS = Path(__file__).with_name("edits.jsonl")
OTHER = {"0": 1, "1": 0}
Edit = tuple[int, int, str]
"""The first word that goes, the first that stays again, what takes their place."""


def edits() -> dict[str, list[Edit]]:
    """What was edited in each review, by its key, in the text's order."""
    rows = map(json.loads, EDITS.read_text("utf-8").splitlines())
    return {row["key"]: [tuple(edit) for edit in row["edits"]] for row in rows}


def edited(text: str, changes: Sequence[Edit]) -> str:
    """The text after its edits."""
    words = text.split()
    for start, end, new in reversed(changes):
        words[start:end] = new.split()
    return " ".join(words)


def turned(reviews: Iterable[Example], known: Mapping[str, Sequence[Edit]]) -> Iterator[str]:
    """A line of JSON for each review that was edited, once, with the other label."""
    left = dict(known)
    for review in reviews:
        changes = left.pop(key(review.text), None)
        if changes is not None:
            if str(review.label) not in OTHER:
                raise UsageError(
                    f"Expected the label 0 or 1 of a review that {EDITS.name} edits, found "
                    f"{review.label!r}: name sources that are labelled so."
                )
            row = {"text": edited(plain(review.text), changes), "label": OTHER[str(review.label)]}
            yield json.dumps(row) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, edit, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", action="append", required=True, help="reviews, 0 or 1")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    reviews = chain.from_iterable(map(training_reviews, options.source))
    known = edits()
    lines = list(turned(reviews, known))
    if len(lines) < len(known):
        raise UsageError(
            f"Expected the {len(known):,} reviews that {EDITS.name} edits in "
            f"{', '.join(options.source)}, found {len(lines):,}; name the sources that "
            "factory/shipped.mk names."
        )
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} reviews turned")
    return 0


if __name__ == "__main__":
    run_script(main)
