"""A saved model of pieces that reads common words and emoji whole, each as an embedding of its own.

    python -m factory.surgery.words --model runs/language --out runs/worded

Pieces that were learnt on film reviews cut "detest" into "det" and "est", and know no emoji at all.
Vocabulary expansion after Kiros et al. (2015), "Skip-Thought Vectors": skip-gram vectors of
reviews and tweets, and a linear map from them to the embeddings of the words that the model knows
whole, say where the new ones start; a training goes on from there. Names wait for
`factory/surgery/named.py`. An emoji too rare to have a vector starts as the mean of its kind.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import Word2Vec
from numpy.typing import NDArray
from tokenizers import Tokenizer

from factory.texts.excerpts import texts as reviews
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.text.tokenizer import UNKNOWN, TextTokenizer

TWEETS = "../shared/data/tweets"
PRODUCTS = "../shared/data/products"
OFTEN, KNOWN = 25, 8
"""How often a word has to stand in the texts to be added, and to have a vector."""
AS_NAME = 0.8
"""A word that stands with a capital that often is a name."""
RIDGE = 1.0
FAMILIES = "phrases/families.toml"
START = "▁"
_WORD = re.compile(r"[^\W\d_][\w']*")
Vectors = dict[str, NDArray[np.float32]]
"""Of each word, with the mark of its start, a vector."""


def all_texts() -> list[str]:
    """Reviews of films and products, tweets: none that measures."""
    left_out = (f"{TWEETS}:validation", f"{TWEETS}:test")
    tweets = load_corpus(DataSettings(source=TWEETS, exclude=left_out), 0, SetAside(None)).sample
    return [*reviews([PRODUCTS]), *(tweet.text for tweet in tweets)]


def common_words(texts: Iterable[str]) -> list[str]:
    """The words that stand often and hardly with a capital, in small letters, by the alphabet."""
    written = Counter(word for text in texts for word in _WORD.findall(text))
    counts: Counter[str] = Counter()
    capitals: Counter[str] = Counter()
    for word, n in written.items():
        counts[word.lower()] += n
        capitals[word.lower()] += n * word[0].isupper()
    return sorted(word for word, n in counts.items() if n >= OFTEN and capitals[word] < AS_NAME * n)


def parts_with(tokenizer: TextTokenizer) -> Callable[[str], list[str]]:
    """What cuts a text into words, before these are cut into pieces; each with its mark."""
    pipeline = Tokenizer.from_str(tokenizer.to_json())
    clean, cut = pipeline.normalizer.normalize_str, pipeline.pre_tokenizer.pre_tokenize_str
    return lambda text: [word for word, _ in cut(clean(text))]


def vectors_of(texts: Iterable[str], tokenizer: TextTokenizer) -> Vectors:
    """A skip-gram vector [150] of every word that stands in the texts often enough to have one.

    One worker: with two, no two runs agree.
    """
    cut = parts_with(tokenizer)
    rows = [cut(text) for text in texts]
    model = Word2Vec(
        rows, vector_size=150, sg=1, min_count=KNOWN, sample=1e-4, epochs=3, workers=1, seed=1
    )
    return dict(zip(model.wv.index_to_key, model.wv.vectors, strict=True))


def mapped(vectors: Vectors, known: Vectors) -> Vectors:
    """Every vector [V] as an embedding [D], as the words that both know have it; by ridge."""
    shared = sorted(vectors.keys() & known.keys())
    source = _with_one(np.stack([vectors[word] for word in shared]))
    target = np.stack([known[word] for word in shared])
    plane = ridge(source, target)
    return {word: (_with_one(vector[None]) @ plane)[0] for word, vector in vectors.items()}


def ridge(source: NDArray[np.float32], target: NDArray[Any]) -> NDArray[Any]:
    """The linear map [A, B] from rows [N, A] to rows [N, B], by least squares, kept small."""
    square = source.T @ source + RIDGE * np.eye(source.shape[1], dtype=np.float32)
    found: NDArray[Any] = np.linalg.solve(square, source.T @ target)
    return found


def _with_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(vectors, ((0, 0), (0, 1)), constant_values=1)


def signs(known: Vectors, tokenizer: TextTokenizer) -> Vectors:
    """The grammar's emoji and smileys; one without an embedding starts as the mean of its kind."""
    rules = tomllib.loads(files("sentiment_lstm.data").joinpath(FAMILIES).read_text("utf-8"))
    parts = parts_with(tokenizer)
    found: Vectors = {}
    for kind in ("smile", "frown", "sign"):
        cut = [parts(sign) for sign in re.split(r"[|\n]", rules[kind]["any"].strip())]
        written = dict.fromkeys(pieces[0] for pieces in cut if len(pieces) == 1)
        embedded = [known[sign] for sign in written if sign in known]
        row: NDArray[np.float32] = np.mean(embedded or [known[UNKNOWN]], axis=0)
        found |= {sign: known.get(sign, row) for sign in written}
    return found


def embedding_of(bundle: Bundle) -> Vectors:
    """The embedding of every token."""
    table = bundle.weights["embedding.weight"]
    return {bundle.tokenizer.token(n): table[n] for n in range(len(bundle.tokenizer))}


def with_words(bundle: Bundle, rows: Vectors) -> Bundle:
    """The bundle with words of their own, each with its embedding [D]; known ones change theirs."""
    state = json.loads(bundle.tokenizer.to_json())
    ids = state["model"]["vocab"]
    first = len(bundle.tokenizer)
    ids |= {word: first + n for n, word in enumerate(word for word in rows if word not in ids)}
    state["model"]["ignore_merges"] = True  # whole words are looked up first
    pipeline = Tokenizer.from_str(json.dumps(state))
    tokenizer = TextTokenizer(pipeline, correct_slips=bundle.tokenizer.correct_slips)
    table = np.pad(bundle.weights["embedding.weight"], ((0, len(tokenizer) - first), (0, 0)))
    for word, row in rows.items():
        table[ids[word]] = row
    weights = {**bundle.weights, "embedding.weight": table}
    return replace(bundle, tokenizer=tokenizer, weights=weights, graphs={}, card="")


def model_and_out(about: str | None, arguments: Sequence[str] | None) -> tuple[Path, Path]:
    """What `--model` and `--out` name, of a script that makes one model of another."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    return options.model, options.out


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, learn vectors, map them, add."""
    model, out = model_and_out(__doc__, arguments)
    bundle = load_bundle(model)
    known = embedding_of(bundle)
    texts = all_texts()
    embedded = mapped(vectors_of(texts, bundle.tokenizer), known)
    wanted = [START + word for word in common_words(texts)]
    words = {word: embedded[word] for word in wanted if word in embedded}
    new = words | signs(embedded | known, bundle.tokenizer)
    added = {word: row for word, row in new.items() if word not in known}
    save_bundle(out, with_words(bundle, added))
    print(f"{len(added):,} words, smileys and emoji added")
    return 0


if __name__ == "__main__":
    run_script(main)
