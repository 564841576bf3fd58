import numpy as np
import pytest

from sentiment_lstm.errors import DataError
from sentiment_lstm.records import PAD_ID, UNKNOWN_ID
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training.embeddings import SCALE, word2vec

pytest.importorskip("gensim")


def test_words_in_the_same_contexts_get_similar_and_repeatable_vectors():
    rng = np.random.default_rng(0)
    # Ids 2 to 1001 and 1002 to 2001 never occur in the same text; 2002 never occurs.
    ids = [(rng.integers(2, 1002, 20) + 1000 * (n % 2)).astype(np.int32) for n in range(12000)]
    vectors = word2vec(ids, 2003, 8, TrainingSettings())
    assert vectors.shape == (2003, 8)
    assert not vectors[[PAD_ID, UNKNOWN_ID, 2002]].any()
    assert vectors[2:2002].std() == pytest.approx(SCALE, rel=1e-3)
    unit = vectors[2:2002] / np.linalg.norm(vectors[2:2002], axis=1, keepdims=True)
    near = unit @ unit.T
    assert near[:1000, :1000].mean() > near[:1000, 1000:].mean() + 0.3
    np.testing.assert_array_equal(vectors, word2vec(ids, 2003, 8, TrainingSettings()))


def test_texts_without_two_words_of_the_vocabulary_are_refused():
    with pytest.raises(DataError, match=r"text\.min_frequency"):
        word2vec([np.array([UNKNOWN_ID] * 9, dtype=np.int32)], 3, 8, TrainingSettings())
