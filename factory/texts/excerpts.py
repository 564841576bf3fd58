"""Runs of sentences out of longer texts, for teachers to label: how a verdict builds up.

    python -m factory.texts.excerpts --also ../shared/data/products --out runs/excerpts.jsonl
    python -m factory.teachers.teacher --model runs/first --unlabelled runs/excerpts.jsonl --out ...

A student that sees its teacher's answer to any part of a text learns the function, not the texts
(Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent"). Two runs
of every training and unlabelled review of IMDb and of every training text of the sources named,
most of them short; none of a text that validates IMDb's models or tests. With `--model` two of
every text of the source that this model was trained on.
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
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.data.corpus import Corpus, load_corpus, unlabelled_texts
from sentiment_lstm.data.open import list_splits
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, LanguageSettings, Settings
from sentiment_lstm.storage import write_atomically

IMDB = "../shared/data/imdb"
RUNS = 2
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?:<br />)+")


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, none of them empty."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def excerpts(text: str, rng: random.Random) -> Iterator[str]:
    """Runs of the text's sentences, each from a random one on; none of a single sentence."""
    sentences = sentences_of(text)
    if len(sentences) < 2:
        return
    for _ in range(RUNS):
        number = 1 + int((len(sentences) - 1) * rng.random() ** 2)
        start = rng.randrange(len(sentences) - number + 1)
        yield " ".join(sentences[start : start + number])


def kept_apart(source: str) -> list[str]:
    """The splits of a source that validate or test, as `data.exclude` names them."""
    return [f"{source}:{name}" for name in ("validation", "test") if name in list_splits(source)]


def training_reviews(source: str) -> list[Example]:
    """All that trains of a source: of one that nothing validates every text."""
    left_out = kept_apart(source)
    films = "movie" if Path(source).resolve() == Path(IMDB).resolve() else None
    data = DataSettings(source=source, group_column=films, exclude=tuple(left_out))
    corpus = load_corpus(data, 0, SetAside(None))
    validated = films or f"{source}:validation" in left_out
    return corpus.sample if validated else [*corpus.sample, *corpus.validation]


def imdb(also: Sequence[str] = ()) -> tuple[Corpus, list[Example]]:
    """IMDb's labelled reviews, with what trains of other sources; and the unlabelled ones."""
    films = DataSettings(source=IMDB, group_column="movie", exclude=(f"{IMDB}:test",))
    settings = Settings(data=films, language=LanguageSettings(sources=(IMDB,)))
    others = [DataSettings(source=source, exclude=(f"{source}:test",)) for source in also]
    corpus = load_corpus(films, settings.training.seed, SetAside(None), others)
    return corpus, unlabelled_texts(settings, corpus, SetAside(None))


def texts(also: Sequence[str]) -> Iterator[str]:
    """What trains: IMDb's reviews, its unlabelled ones and those of other sources."""
    corpus, unlabelled = imdb(also)
    return (review.text for review in [*corpus.sample, *unlabelled])


def texts_of(model: Path) -> Iterator[str]:
    """What a model was trained on, of its source."""
    settings = settings_of(load_bundle(model))
    corpus = load_corpus(settings.data, settings.training.seed, SetAside(None))
    return (review.text for review in corpus.sample)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, cut, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--also", action="append", default=[], help="another source of reviews")
    parser.add_argument("--model", type=Path, help="instead: what this model was trained on")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    rng = random.Random(0)
    chosen = texts_of(options.model) if options.model else texts(options.also)
    lines = [json.dumps({"text": one}) + "\n" for text in chosen for one in excerpts(text, rng)]
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} texts", file=sys.stderr)
    return 0


if __name__ == "__main__":
    run_script(main)
