"""A model's embeddings: read them, add words to them, and map other vectors into their space.

The scripts beside this file share it. It knows nothing of which words they change, or why.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from factory.surgery.average import calibrated
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.text.pipeline import UNKNOWN
from sentiment_lstm.text.tokenizer import TextTokenizer

KNOWN = 8
"""How often a word has to occur in the texts to get a skip-gram vector."""
RIDGE = 1.0
START = "▁"
"""The tokenizer writes this mark before a token that begins a word."""
Vectors = dict[str, NDArray[np.float32]]
"""A vector for each word; the words carry the mark `START`."""


def embedding_of(bundle: Bundle) -> Vectors:
    """The embedding of every token, [E] each."""
    table = bundle.weights["embedding.weight"]
    return {bundle.tokenizer.token(n): table[n] for n in range(len(bundle.tokenizer))}


def with_words(bundle: Bundle, rows: Vectors) -> Bundle:
    """The bundle with these words as tokens, each with its embedding [E].

    A word that is a token already gets the new embedding.
    """
    state = json.loads(bundle.tokenizer.to_json())
    ids = state["model"]["vocab"]
    first = len(bundle.tokenizer)
    ids |= {word: first + n for n, word in enumerate(word for word in rows if word not in ids)}
    state["model"]["ignore_merges"] = True  # look up whole words first
    pipeline = Tokenizer.from_str(json.dumps(state))
    tokenizer = TextTokenizer(pipeline, correct_slips=bundle.tokenizer.correct_slips)
    table = np.pad(bundle.weights["embedding.weight"], ((0, len(tokenizer) - first), (0, 0)))
    for word, row in rows.items():
        table[ids[word]] = row
    weights = {**bundle.weights, "embedding.weight": table}
    return replace(bundle, tokenizer=tokenizer, weights=weights, graphs={}, card="")


def mean_of(known: Vectors, words: Iterable[str]) -> NDArray[np.float32]:
    """The mean embedding [E] of the words that are tokens; the unknown token's if none is.

    Args:
        known: the embedding of every token.
        words: with the mark `START`.
    """
    rows = [known[word] for word in words if word in known]
    mean: NDArray[np.float32] = np.mean(rows or [known[UNKNOWN]], axis=0)
    return mean


def parts_with(tokenizer: TextTokenizer) -> Callable[[str], list[str]]:
    """A function that cuts a text into words, before the tokenizer cuts these into pieces.

    The words carry the mark `START`.
    """
    pipeline = Tokenizer.from_str(tokenizer.to_json())
    clean, cut = pipeline.normalizer.normalize_str, pipeline.pre_tokenizer.pre_tokenize_str
    return lambda text: [word for word, _ in cut(clean(text))]


def vectors_of(texts: Iterable[str], tokenizer: TextTokenizer) -> Vectors:
    """A skip-gram vector [150] for every word that occurs `KNOWN` times or more.

    It uses one worker: with two workers no two runs agree.
    """
    from gensim.models import Word2Vec

    cut = parts_with(tokenizer)
    rows = [cut(text) for text in texts]
    model = Word2Vec(
        rows, vector_size=150, sg=1, min_count=KNOWN, sample=1e-4, epochs=3, workers=1, seed=1
    )
    return dict(zip(model.wv.index_to_key, model.wv.vectors, strict=True))


def mapped(vectors: Vectors, known: Vectors) -> Vectors:
    """Every vector [V] mapped to an embedding [E], by ridge regression on the shared words."""
    shared = sorted(vectors.keys() & known.keys())
    source = _with_constant(np.stack([vectors[word] for word in shared]))
    target = np.stack([known[word] for word in shared])
    plane = ridge(source, target)
    return {word: (_with_constant(vector[None]) @ plane)[0] for word, vector in vectors.items()}


def ridge(source: NDArray[np.float32], target: NDArray[Any]) -> NDArray[Any]:
    """The linear map [A, B] from rows [N, A] to rows [N, B], by ridge regression."""
    square = source.T @ source + RIDGE * np.eye(source.shape[1], dtype=np.float32)
    plane: NDArray[Any] = np.linalg.solve(square, source.T @ target)
    return plane


def _with_constant(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows with a column of ones."""
    return np.pad(vectors, ((0, 0), (0, 1)), constant_values=1)


def change_model(
    about: str | None,
    arguments: Sequence[str] | None,
    change: Callable[[Bundle], Bundle],
    added: str,
    *,
    calibrate: bool = False,
) -> int:
    """The main function of a script that makes a model from another one.

    Args:
        about: the script's docstring.
        arguments: of the command line, `--model`, `--out` and perhaps `--source`.
        change: makes the new bundle.
        added: what kind of words the change adds, for the message at the end.
        calibrate: fit the temperature of the new bundle.
    """
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the folder of a model")
    parser.add_argument("--out", type=Path, required=True, help="the new model's folder")
    parser.add_argument("--source", help="the model's source, if it is no set with a name")
    options = parser.parse_args(arguments)
    before = load_bundle(options.model)
    after = change(before)
    if calibrate:
        after = calibrated(after, options.source)
    save_bundle(options.out, after)
    print(f"{len(after.tokenizer) - len(before.tokenizer):,} {added} added")
    return 0
