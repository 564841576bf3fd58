r"""Texts as people type them in a hurry, each with its old label.

    python -m factory.texts.roughened --out runs/roughened.jsonl
    python -m factory.texts.roughened --taught runs/excerpts_rest.jsonl --out runs/rough_rest.jsonl
    python -m factory.texts.roughened --taught factory/texts/written.jsonl --times 4 \
        --out runs/rough_written.jsonl

The script adds typing errors, changes case and drops the last full stop
(`sentiment_lstm.data.noise`). To one text in eight it adds a web address. None of that changes what
a text says. By default it reads the treebank's training sentences and phrases, without those that
are also in its other splits. With `--taught` it reads a file of texts with soft labels. The file
that it writes holds `text` and `label`, the probability of the second class, for
`data.soft_labels`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from factory.texts.sources import TREEBANK
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.noise import roughen
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically

GRADES = {"0": "negative", "1": "0.1", "2": "0.5", "3": "0.9", "4": "positive"}
WITH_LINK = 0.12
"""The fraction of texts that get a web address."""
LINKS = (
    "{text} {link}",
    "{link} {text}",
    "{text} ({link})",
    "{text} [{link}]",
    "{text} (more at {link})",
    "{text} (cf. {link})",
    "{text} - details: {link}",
    "{text} Source: {link}",
    "{text} read on: {link}",
    "Via {link}: {text}",
)
"""Cleaning takes the address out. What stands around it stays."""
WORDS = range(2, 60)
"""Lengths of texts to change: an error in a single word may change its meaning, and in a long text
errors hardly matter."""


def treebank() -> Sequence[Example]:
    """The treebank's training texts, none of them in its other splits."""
    data = DataSettings(
        source=TREEBANK,
        label_column="stars",
        label_map=GRADES,
        exclude=(f"{TREEBANK}:validation", f"{TREEBANK}:test"),
    )
    return load_corpus(data, 0, SetAside(None)).sample


def taught(file: Path) -> Sequence[Example]:
    """The texts of a file with soft labels."""
    data = DataSettings(source=str(file), soft_labels=True)
    return list(read_examples(data, set_aside=SetAside(None), classes=("negative", "positive")))


def with_link(text: str, random: Random) -> str:
    """The text with a web address before or after it."""
    site = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(3, 9)))
    link = (
        random.choice(("https://", "http://www.", "www.")) + f"{site}.com/{random.randint(1, 999)}"
    )
    return random.choice(LINKS).format(text=text, link=link)


def changed(examples: Sequence[Example], random: Random) -> Iterator[str]:
    """A line of JSON for each text that comes out changed."""
    for example in examples:
        fits = example.text.count(" ") + 1 in WORDS
        rough = roughen(example.text, random) if fits else ""
        if rough and random.random() < WITH_LINK:
            rough = with_link(rough, random)
        if rough and rough != example.text:
            hard_label = float(example.label == "positive")
            soft_label = hard_label if example.soft_label is None else example.soft_label
            yield json.dumps({"text": rough, "label": soft_label}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, change, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--taught", type=Path, help="default: the treebank")
    parser.add_argument("--times", type=int, default=1, help="how often each text is changed")
    options = parser.parse_args(arguments)
    examples = treebank() if options.taught is None else taught(options.taught)
    random = Random(0)
    times = range(options.times)
    lines = dict.fromkeys(line for _ in times for line in changed(examples, random))
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} texts", file=sys.stderr)
    return 0


if __name__ == "__main__":
    run_script(main)
