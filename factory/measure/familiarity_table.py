"""Learn a bundle's table of familiarity from the texts that trained it.

    python -m factory.measure.familiarity_table --model runs/default --out runs/familiarity.json

It reads the training texts of the registered data sets and the written texts, in a few seconds.
`--out` gets the table. `ship.py` stores the same table in the bundle that ships.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from factory.texts import sources
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.data.open import is_missing, open_source
from sentiment_lstm.data.three_class_sets import part_of_news
from sentiment_lstm.errors import run_script
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import as_json, write_atomically
from sentiment_lstm.text.familiarity_learning import learn_familiarity
from sentiment_lstm.text.tokenizer import TextTokenizer

SETS = (
    sources.TWEETS,
    sources.IRONY,
    sources.GOEMOTIONS,
    sources.NEWS,
    sources.IMDB,
    sources.PRODUCTS,
    sources.TREEBANK,
)
"""The registered sets that the shipped model learns from. Sets that are not on this machine are
left out."""
_TEXTS = Path(__file__).parent.parent / "texts"
WRITTEN = (_TEXTS / "written.jsonl", _TEXTS / "domains.jsonl")
"""Files of texts that were written to teach. One that is missing is left out."""
_CHARACTERS = 1_200_000
"""The most characters of each source, so that reviews do not outweigh short texts."""
_TYPICAL = 10
"""Every tenth text is left out of the table, and decides its offset."""


def familiarity_of(tokenizer: TextTokenizer) -> dict[str, object]:
    """Return the entry of the provenance for a model with this tokenizer, from all sources."""
    texts: list[str] = []
    typical: list[str] = []
    for of_source in _sources():
        step = max(1, sum(map(len, of_source)) // _CHARACTERS)
        of_source = of_source[::step]
        typical += of_source[::_TYPICAL]
        texts += (text for n, text in enumerate(of_source) if n % _TYPICAL)
    return learn_familiarity(tokenizer, texts, typical)


def _sources() -> Iterator[list[str]]:
    """The training texts of each source, each text once."""
    for name in SETS:
        if not is_missing(name):
            rows = open_source(DataSettings(source=name, split="train"), labelled=False).rows()
            texts = dict.fromkeys(str(row.text) for row in rows if row.text)
            is_news = name == sources.NEWS  # its other parts measure
            yield [t for t in texts if not is_news or part_of_news(t) == "train"]
    for file in WRITTEN:
        if file.exists():
            lines = file.read_text(encoding="utf-8").splitlines()
            yield list(dict.fromkeys(str(json.loads(line)["text"]) for line in lines))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the bundle and the texts, write the entry."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the bundle's folder")
    parser.add_argument("--out", type=Path, required=True, help="a JSON file")
    options = parser.parse_args(arguments)
    entry = familiarity_of(load_bundle(options.model).tokenizer)
    write_atomically(options.out, as_json(entry))
    return 0


if __name__ == "__main__":
    run_script(main)
