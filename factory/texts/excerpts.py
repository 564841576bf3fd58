"""Runs of sentences out of longer texts, for teachers to label.

    python -m factory.texts.excerpts --also data:products --out runs/excerpts.jsonl
    python -m factory.teachers.teacher --model runs/first --unlabelled runs/excerpts.jsonl --out ...

A student that sees its teacher's answer for any part of a text learns the function, not the texts
(Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent"). The script
takes two runs, most of them short, of every training and unlabelled review of IMDb, and of every
training text of the sources named. No text that validates IMDb's models or tests them is cut. With
`--model` it takes two runs of every training text of that model's source instead.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from factory.surgery.average import settings_of
from factory.texts.sources import reviews
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import write_atomically

RUNS = 2
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?:<br />)+")


def sentences_of(text: str) -> list[str]:
    """The sentences of a text; none is empty."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def excerpts(text: str, rng: random.Random) -> Iterator[str]:
    """Runs of the text's sentences, each from a random sentence on.

    A text of one sentence has none.
    """
    sentences = sentences_of(text)
    if len(sentences) < 2:
        return
    for _ in range(RUNS):
        number = 1 + int((len(sentences) - 1) * rng.random() ** 2)
        start = rng.randrange(len(sentences) - number + 1)
        yield " ".join(sentences[start : start + number])


def texts_of(model: Path) -> Iterator[str]:
    """The training texts of a model's source."""
    settings = settings_of(load_bundle(model))
    corpus = load_corpus(settings.data, settings.training.seed, SetAside(None))
    return (example.text for example in corpus.sample)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, cut, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--also", action="append", default=[], help="another source of reviews")
    parser.add_argument("--model", type=Path, help="cut this model's training texts instead")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    rng = random.Random(0)
    texts = texts_of(options.model) if options.model else reviews(options.also)
    lines = [json.dumps({"text": run}) + "\n" for text in texts for run in excerpts(text, rng)]
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} texts", file=sys.stderr)
    return 0


if __name__ == "__main__":
    run_script(main)
