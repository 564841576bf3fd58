r"""A source's texts as hurried people type them, each with the label it had.

    python -m factory.texts.roughened --out runs/roughened.jsonl
    python -m factory.texts.roughened --taught runs/excerpts_rest.jsonl --out runs/rough_rest.jsonl
    python -m factory.texts.roughened --taught factory/texts/written.jsonl --times 4 \
        --out runs/rough_written.jsonl

Sentences and phrases of the treebank: slips of the finger, other case, no last stop
(`reviews.noise`), which leave alone what a text says. Those that stand in an evaluation split are
left out before they are changed, when they can still be told. With `--taught` instead the texts
that teachers have labelled, or that were written for it. The file holds `text` and `label`,
the probability of the second class, for `data.soft_labels`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.noise import roughen
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically

TREEBANK = "../shared/data/sst"
GRADES = {"0": "negative", "1": "0.1", "2": "0.5", "3": "0.9", "4": "positive"}
WORDS = range(2, 60)
"""A word alone holds too little to be changed without harm; in longer texts it hardly matters."""


def texts() -> Sequence[Example]:
    """The treebank's training texts, none of them in its other splits."""
    data = DataSettings(
        source=TREEBANK,
        label_column="stars",
        label_map=GRADES,
        exclude=(f"{TREEBANK}:validation", f"{TREEBANK}:test"),
    )
    return load_corpus(data, 0, SetAside(None)).sample


def taught(file: Path) -> Sequence[Example]:
    """The texts of a file with soft labels: what teachers labelled, or was written or judged."""
    data = DataSettings(source=str(file), soft_labels=True)
    return list(read_examples(data, set_aside=SetAside(None), classes=("negative", "positive")))


def changed(reviews: Sequence[Example], random: Random) -> Iterator[str]:
    """A line of JSON for each text that comes out changed."""
    for review in reviews:
        fits = review.text.count(" ") + 1 in WORDS
        rough = roughen(review.text, random) if fits else ""
        if rough and rough != review.text:
            share = (
                float(review.label == "positive")
                if review.soft_label is None
                else review.soft_label
            )
            yield json.dumps({"text": rough, "label": share}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, change, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--taught", type=Path, help="default: the treebank")
    parser.add_argument("--times", type=int, default=1, help="how often each text is changed")
    options = parser.parse_args(arguments)
    reviews = texts() if options.taught is None else taught(options.taught)
    random = Random(0)
    times = range(options.times)
    lines = dict.fromkeys(line for _ in times for line in changed(reviews, random))
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} texts", file=sys.stderr)
    return 0


if __name__ == "__main__":
    run_script(main)
