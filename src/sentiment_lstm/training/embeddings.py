"""First values of the embedding: word2vec, trained only on the training texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import DataError, MissingExtraError
from sentiment_lstm.records import UNKNOWN_ID
from sentiment_lstm.settings import TrainingSettings

SCALE = 0.3
"""Standard deviation of the numbers in the vectors."""


def word2vec(
    ids: Sequence[NDArray[np.int32]],
    vocabulary: int,
    embedding_size: int,
    settings: TrainingSettings,
) -> NDArray[np.float32]:
    """Vectors by skip-gram with negative sampling (Mikolov et al. 2013).

    It uses one worker: with two, results would differ from run to run.

    Args:
        ids: encoded training texts.
        vocabulary: number of token ids.
        embedding_size: numbers in a vector, E.
        settings: gives the seed.

    Returns:
        Vectors [vocabulary, E], zero for ids that never occur.

    Raises:
        MissingExtraError: gensim is not installed.
        DataError: the texts hold fewer than two words of the vocabulary.
    """
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise MissingExtraError(
            "Expected gensim for word2vec embeddings, found it missing: install "
            "'sentiment-lstm[train]' or set training.embeddings=random."
        ) from error
    model = Word2Vec(
        [[str(i) for i in text] for text in ids],
        vector_size=embedding_size,
        sg=1,
        window=5,
        min_count=1,
        negative=5,
        sample=1e-4,
        epochs=5,
        workers=1,
        seed=settings.seed + 1,
    )
    vectors = np.zeros((vocabulary, embedding_size), dtype=np.float32)
    known = [int(name) for name in model.wv.index_to_key]
    if len(known) < 2:
        raise DataError(
            f"Expected two words of the vocabulary or more in the texts, found {len(known)}: give "
            "more texts, or lower text.min_frequency."
        )
    vectors[known] = model.wv.vectors
    vectors[known] -= vectors[known].mean(axis=0)  # the mean does not distinguish words
    vectors[UNKNOWN_ID] = 0.0
    return vectors * np.float32(SCALE / vectors[known].std())
