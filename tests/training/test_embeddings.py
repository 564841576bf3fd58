import numpy as np
import pytest

from sentiment_lstm.records import PAD_ID, UNKNOWN_ID
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training.embeddings import SCALE, word2vec

pytest.importorskip("gensim")


def test_vectors_know_who_keeps_whose_company_and_repeat():
    rng = np.random.default_rng(0)
    # Two worlds of 100 words that never meet: ids 2 to 101 and 102 to 201; 202 never occurs.
    ids = [(rng.integers(2, 102, 12) + 100 * (n % 2)).astype(np.int32) for n in range(3000)]
    vectors = word2vec(ids, 203, 8, TrainingSettings())
    assert vectors.shape == (203, 8)
    assert not vectors[[PAD_ID, UNKNOWN_ID, 202]].any()
    assert vectors[2:202].std() == pytest.approx(SCALE, rel=1e-3)
    unit = vectors[2:202] / np.linalg.norm(vectors[2:202], axis=1, keepdims=True)
    near = unit @ unit.T
    assert near[:100, :100].mean() > near[:100, 100:].mean() + 0.3
    np.testing.assert_array_equal(vectors, word2vec(ids, 203, 8, TrainingSettings()))
