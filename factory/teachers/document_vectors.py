"""Vectors of IMDb's reviews, learnt without their labels, for a teacher.

    python -m factory.teachers.document_vectors --out runs/documents.npz
    python -m factory.teachers.teacher --model runs/first --documents runs/documents.npz --out ...

Each vector learns to predict the words, pairs and triples of its text: the distributed bag of words
of Le & Mikolov (2014), "Distributed Representations of Sentences and Documents", over n-grams (Li,
Liu, Du, Zhang & Zhao 2016). A logistic regression on the vectors makes other mistakes than an LSTM
or an NB-SVM. Training, validation and unlabelled reviews have a vector; other texts have none. The
file holds each text's digest and its vector.
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from factory.texts.sources import imdb
from sentiment_lstm.data.screening import fingerprint
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.storage import write_atomically

_WORDS = re.compile(r"[^\W_]+|[^\w\s]")
_MOST = 1_500
"""Words read of a text. They make 4,497 n-grams; the library reads 10,000 at most."""


def vectors_of(texts: Sequence[str], epochs: int = 8, min_count: int = 20) -> NDArray[np.float32]:
    """A vector of length 1 for each text, [N, 100]; a random one where no n-gram counts.

    Args:
        texts: the texts, N.
        epochs: passes.
        min_count: how often an n-gram must occur in all texts to count.

    Raises:
        RuntimeError: no n-gram counts.
    """
    # Vectors drift while the learning rate falls. In the order of a sorted file, the drift would
    # give away the labels.
    order = np.random.default_rng(0).permutation(len(texts))
    from gensim.models.doc2vec import Doc2Vec  # slow to import, and not needed to read a file

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
    vectors: NDArray[np.float32] = np.empty_like(model.dv.vectors)
    vectors[order] = model.dv.vectors
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def document_teacher(
    file: Path, texts: Sequence[str], positive: NDArray[np.bool_], others: Sequence[str]
) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """A logistic regression on the vectors of labelled texts.

    Args:
        file: vectors of all texts.
        texts: the labelled texts, N.
        positive: whether each is of the second class, [N].
        others: all other texts that the teacher will label.

    Returns:
        A function from any of these texts to logits of the second class.

    Raises:
        UsageError: there is no such file, or a text has no vector in it.
    """
    row_of, vectors = _stored(file)
    lacking = [text for text in [*texts, *others] if fingerprint(text).hex() not in row_of]
    if lacking:
        raise UsageError(
            f"Expected texts that have a vector in {file}, found {len(lacking):,} others: "
            "ask for labels of IMDb's reviews, or make the file again."
        )

    def vectors_in(texts: Sequence[str]) -> NDArray[np.float32]:
        return vectors[[row_of[fingerprint(text).hex()] for text in texts]]

    model = LogisticRegression(C=10, max_iter=1000).fit(vectors_in(texts), positive)
    return lambda texts: model.decision_function(vectors_in(texts))


def _stored(file: Path) -> tuple[dict[str, int], NDArray[np.float32]]:
    """The row of each text, by its digest, and the vectors."""
    try:
        with file.open("rb") as opened, np.load(opened) as stored:
            digests: list[str] = stored["digests"].tolist()
            return {digest: n for n, digest in enumerate(digests)}, stored["vectors"]
    except (OSError, EOFError, BadZipFile, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"Expected vectors of texts in {file}, found none: "
            f"python -m factory.teachers.document_vectors --out {file}"
        ) from error


def _ngrams(text: str) -> Iterator[str]:
    words = _WORDS.findall(text.lower())[:_MOST]
    for length in (1, 2, 3):
        yield from map("_".join, zip(*(words[start:] for start in range(length)), strict=False))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    corpus, unlabelled = imdb()
    reviews = chain(corpus.sample, corpus.validation, unlabelled)
    texts = list(dict.fromkeys(review.text for review in reviews))
    file = io.BytesIO()
    digests = [fingerprint(text).hex() for text in texts]
    np.savez(file, digests=digests, vectors=vectors_of(texts))
    write_atomically(options.out, file.getvalue())
    print(f"{len(texts):,} vectors")
    return 0


if __name__ == "__main__":
    run_script(main)
