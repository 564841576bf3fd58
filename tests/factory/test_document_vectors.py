"""Vectors of whole texts tell topics apart, whatever the order of the texts."""

import numpy as np
import pytest

from factory.teachers import document_vectors
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.errors import UsageError
from sentiment_lstm.records import Example

GOOD, BAD = "a warm and tender film", "a cold and hollow film"


@pytest.fixture
def texts():
    rng = np.random.default_rng(0)
    words = {GOOD: ["lovely", "bright", "moving"], BAD: ["dreary", "flat", "clumsy"]}
    return [
        f"{start} {' '.join(rng.choice(words[start], 20))} {number}"
        for start in (GOOD, BAD)
        for number in range(60)
    ]


@pytest.fixture
def stored(texts, monkeypatch, tmp_path):
    """A file of vectors of labelled, validation and unlabelled reviews."""
    learn = document_vectors.vectors_of
    monkeypatch.setattr(document_vectors, "vectors_of", lambda all_: learn(all_, 40, 1))
    reviews = [Example(text, None, "") for text in texts]
    corpus = Corpus(("negative", "positive"), reviews[:50], reviews[50:80], False, {})
    monkeypatch.setattr(document_vectors, "imdb", lambda: (corpus, reviews[80:]))
    assert document_vectors.main(["--out", str(tmp_path / "vectors.npz")]) == 0
    return tmp_path / "vectors.npz"


MISSING = r"found none: python -m factory\.teachers\.document_vectors"


def test_a_text_without_a_label_is_labelled_by_its_vector(texts, stored):
    labelled, others = texts[::2], texts[1::2]
    positive = np.array([text.startswith(GOOD) for text in labelled])
    teach = document_vectors.document_teacher(stored, labelled, positive, others)
    assert ((teach(others) > 0) == [text.startswith(GOOD) for text in others]).mean() > 0.9


def test_texts_without_a_vector_and_a_file_without_vectors_are_one_sentence(
    texts, stored, tmp_path
):
    positive = np.arange(120) < 60
    with pytest.raises(UsageError, match=r"vector in .*found 2 others"):
        document_vectors.document_teacher(stored, texts, positive, ["one more", "and another"])
    for other in (b"no vectors", b"", stored.read_bytes()[:1000]):
        (tmp_path / "other.npz").write_bytes(other)
        with pytest.raises(UsageError, match=MISSING):
            document_vectors.document_teacher(tmp_path / "other.npz", texts, positive, [])
    with pytest.raises(UsageError, match=MISSING):
        document_vectors.document_teacher(tmp_path / "none.npz", texts, positive, [])


def test_vectors_stand_in_the_order_of_the_texts_and_have_length_one(texts):
    vectors = document_vectors.vectors_of([*texts, ""], 20, 1)
    assert vectors.shape == (121, 100)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    near = vectors[:-1] @ vectors[:-1].T
    assert near[:60, :60].mean() > near[:60, 60:].mean()


def test_words_pairs_and_triples_are_read():
    ngrams = list(document_vectors._ngrams("Not_so good, no."))
    assert ngrams[:6] == ["not", "so", "good", ",", "no", "."]
    assert "so_good" in ngrams
    assert ngrams[-1] == ",_no_."
