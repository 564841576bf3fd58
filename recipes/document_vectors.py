"""A teacher that has a vector of every text, learnt with the labels out of sight.

Each vector is trained to tell which words, pairs and triples stand in its text: the distributed
bag of words of Le & Mikolov (2014), "Distributed Representations of Sentences and Documents", over
n-grams (Li, Liu, Du, Zhang & Zhao 2016). A logistic regression on the vectors errs elsewhere than
an LSTM or an NB-SVM does. Texts that were not there have no vector.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from gensim.models.doc2vec import Doc2Vec
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

_WORDS = re.compile(r"[^\W_]+|[^\w\s]")
_MOST = 1_500
"""Words read of a text: 4,497 n-grams, where the library reads 10,000 at most."""


def vectors_of(texts: Sequence[str], epochs: int = 8, min_count: int = 20) -> NDArray[np.float32]:
    """A vector of length 1 for each text, [N, 100]; by chance where no n-gram of it counts.

    Args:
        texts: the texts, N.
        epochs: passes.
        min_count: how often an n-gram must stand in all of them to count.

    Raises:
        RuntimeError: none does.
    """
    # Vectors drift while the rate falls: in the order of a sorted file they would tell its labels.
    order = np.random.default_rng(0).permutation(len(texts))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts"
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(" ".join(_ngrams(texts[place])) + "\n" for place in order)
        model = Doc2Vec(
            vector_size=100,
            dm=0,
            negative=5,
            sample=1e-4,
            min_count=min_count,
            alpha=0.05,
            epochs=epochs,
            workers=1,
            seed=0,
        )
        model.build_vocab(corpus_file=str(file))
        model.train(
            corpus_file=str(file),
            total_examples=model.corpus_count,
            total_words=model.corpus_total_words,
            epochs=epochs,
        )
    found: NDArray[np.float32] = np.empty_like(model.dv.vectors)
    found[order] = model.dv.vectors
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def document_teacher(
    texts: Sequence[str], positive: NDArray[np.bool_], others: Sequence[str]
) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """A logistic regression on the vectors of labelled texts.

    Args:
        texts: those with labels.
        positive: their labels, [N].
        others: all further texts that will be asked about.

    Returns:
        From texts among all these to logits of the second class.
    """
    everything = list(dict.fromkeys([*texts, *others]))
    vectors = vectors_of(everything)
    places = {text: place for place, text in enumerate(everything)}
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(vectors[[places[text] for text in texts]], positive)
    return lambda texts: model.decision_function(vectors[[places[text] for text in texts]])


def _ngrams(text: str) -> Iterator[str]:
    words = _WORDS.findall(text.lower())[:_MOST]
    for length in (1, 2, 3):
        yield from map("_".join, zip(*(words[start:] for start in range(length)), strict=False))
