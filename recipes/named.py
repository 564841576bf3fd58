"""A saved model of pieces that reads first names whole, and all of those alike.

    python recipes/named.py --model runs/even --out runs/default

Pieces of words give names a sense that they don't have: "Beatrice" is cut into "beat" and "rice".
No training over invented names mended that (docs/log.md). So names that the model reads apart from
others become words of its vocabulary, and what they mean is what names mean: the mean of the names
that it knows whole. A word is a name if it stands in Faker's lists of first names (some seventy
languages) and IMDb's training and unlabelled reviews do not write it without a capital. A word that
is no such name is cut as before. Faker comes with the extra `benchmarks`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from excerpts import texts
from faker.providers import person
from numpy.typing import NDArray
from renamed import INSIDE, SHARE
from tokenizers import Tokenizer

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.evaluation.behaviour import positive_scorer
from sentiment_lstm.text.tokenizer import TextTokenizer

FRAMES = (
    "{} is my neighbour.",
    "We met {} at the station.",
    "Her cousin {} drives a blue van.",
    "{} and I share an office.",
)
APART = 0.03
"""How far from the median name's a probability has to be, in one frame, for a name to be added."""
OFTEN = 20
"""How often a name has to stand in the reviews for its embedding to count."""
START = "▁"
_NAME = re.compile("[a-z]{3,12}")


def first_names() -> set[str]:
    """Faker's, of three to twelve letters of English, in small letters."""
    found: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for kind in ("first_names", "first_names_male", "first_names_female"):
            listed = getattr(provider, kind, ())
            if not isinstance(listed, property):
                found.update(filter(_NAME.fullmatch, map(str.lower, listed)))
    return found


def written_as_names(names: Iterable[str]) -> dict[str, int]:
    """How often each of those that hardly stand without a capital stands with one."""
    counts = Counter(word for text in texts(()) for word in INSIDE.findall(text))
    with_capital = {name: counts[name.capitalize()] for name in names}
    return {name: n for name, n in with_capital.items() if n >= SHARE * (n + counts[name])}


def scores(folder: Path, names: Sequence[str]) -> NDArray[np.float64]:
    """The probability of `positive` of each frame around each name, [N, frames]."""
    classifier = SentimentClassifier.from_pretrained(folder)
    score = positive_scorer(classifier.predict_proba, classifier.classes_)
    framed = [frame.format(name.capitalize()) for name in names for frame in FRAMES]
    return score(framed).reshape(len(names), len(FRAMES))


def with_names(bundle: Bundle, names: Sequence[str], row: NDArray[np.float32]) -> Bundle:
    """The bundle with names as words of its own, all of them embedded as `row` [D]."""
    state = json.loads(bundle.tokenizer.to_json())
    first = len(bundle.tokenizer)
    state["model"]["vocab"] |= {START + name: first + n for n, name in enumerate(names)}
    state["model"]["ignore_merges"] = True  # whole words are looked up first
    tokenizer = TextTokenizer(Tokenizer.from_str(json.dumps(state)))
    table = np.concatenate([bundle.weights["embedding.weight"], np.tile(row, (len(names), 1))])
    weights = {**bundle.weights, "embedding.weight": table}
    return replace(bundle, tokenizer=tokenizer, weights=weights, graphs={}, card="")


def main(arguments: Sequence[str] | None = None) -> int:
    """Find the names, see which are read apart, add them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.model)
    ids = {bundle.tokenizer.token(n): n for n in range(len(bundle.tokenizer))}
    names = written_as_names(sorted(first_names()))
    known = [name for name, n in names.items() if n >= OFTEN and START + name in ids]
    others = [name for name in names if START + name not in ids]
    usual = np.median(scores(options.model, known), axis=0)
    apart = np.abs(scores(options.model, others) - usual).max(axis=1) > APART
    added = [name for name, far in zip(others, apart, strict=True) if far]
    table = bundle.weights["embedding.weight"]
    row = table[[ids[START + name] for name in known]].mean(axis=0)
    save_bundle(options.out, with_names(bundle, added, row))
    print(f"{len(known):,} names known, {len(added):,} of {len(others):,} others added")
    return 0


if __name__ == "__main__":
    sys.exit(main())
