"""The wide path's counts and its fit, compared with scikit-learn on the same matrix."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from sentiment_lstm.records import Example
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.hashing import NGRAM
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training import wide
from sentiment_lstm.training.wide import (
    FeatureMatrix,
    count_features,
    fit_linear,
    with_learnt_features,
)

TEXTS = ["a good film", "a bad film", "good good acting", "bad acting , bad plot", "the plot"]


@pytest.fixture(autouse=True)
def many_steps(monkeypatch):
    """Both fits reach the minimum."""
    monkeypatch.setattr(wide, "_MOST_STEPS", 2_000)


def _counts(rows: int = 60, features: int = 12, seed: int = 0) -> FeatureMatrix:
    rng = np.random.default_rng(seed)
    matrix = csr_matrix(rng.poisson(0.4, size=(rows, features)).astype(np.float64))
    return FeatureMatrix(matrix, rng.uniform(0.5, 2.0, size=features))


def _scikit_logits(counts, rows, labels, weights=None):
    x = counts.matrix.toarray() * counts.scale
    model = LogisticRegression(C=wide.INVERSE_PENALTY, max_iter=2_000)
    return model.fit(x[rows], labels, sample_weight=weights).decision_function(x)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_fit_is_that_of_scikit_learn(classes):
    counts, rows = _counts(), np.arange(5, 60)
    labels = np.arange(len(rows)) % classes
    weights = np.linspace(0.2, 3.0, len(rows)).astype(np.float32)
    model = fit_linear(counts, rows, labels, classes, weights)
    units = 1 if classes == 2 else classes
    assert model.weights.shape == (12, units)
    assert model.bias.shape == (units,)
    expected = _scikit_logits(counts, rows, labels, weights)
    logits = counts.logits(model, np.arange(60))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=2e-3)


@pytest.mark.parametrize("present", [[0, 2], [1, 2, 4], [3, 4]])
def test_a_class_without_texts_is_never_predicted(present):
    counts, rows = _counts(), np.arange(60)
    labels = np.array(present)[rows % len(present)]
    logits = counts.logits(fit_linear(counts, rows, labels, 5), rows)
    assert logits.shape == (60, 5)
    expected = _scikit_logits(counts, rows, labels)
    if len(present) == 2:
        expected = np.stack([-expected, expected], axis=1) / 2
    np.testing.assert_allclose(logits[:, present], expected, atol=2e-3)
    absent = sorted(set(range(5)) - set(present))
    assert (logits[:, absent] == -10).all()


def test_soft_labels_weigh_a_text_for_each_class():
    counts, rows = _counts(), np.arange(60)
    second = np.random.default_rng(1).uniform(size=60)
    soft = np.stack([1 - second, second], axis=1).astype(np.float32)
    logits = counts.logits(fit_linear(counts, rows, soft, 2), rows)
    twice = np.repeat(rows, 2)
    x = counts.matrix.toarray()[twice] * counts.scale
    model = LogisticRegression(C=wide.INVERSE_PENALTY, max_iter=2_000)
    model.fit(x, np.tile([0, 1], 60), sample_weight=soft.ravel())
    expected = model.decision_function(counts.matrix.toarray() * counts.scale)
    np.testing.assert_allclose(logits, expected, atol=2e-3)
    hard = np.eye(2, dtype=np.float32)[rows % 2]
    same = fit_linear(counts, rows, rows % 2, 2), fit_linear(counts, rows, hard, 2)
    np.testing.assert_allclose(same[0].weights, same[1].weights, atol=2e-3)


def test_soft_labels_of_many_classes_weigh_a_text_for_each_likely_class():
    counts, rows = _counts(), np.arange(60)
    labels = rows % 4
    targets = np.eye(4, dtype=np.float32)[labels]
    targets[:10] = 0.0
    targets[:10, 1], targets[:10, 3] = 0.75, 0.25
    model = fit_linear(counts, rows, targets, 4)
    likely, others = rows[:10], rows[10:]
    repeated = np.concatenate([likely, likely, others])
    names = np.concatenate([np.full(10, 1), np.full(10, 3), labels[10:]])
    weights = np.concatenate([np.full(10, 0.75), np.full(10, 0.25), np.ones(50)])
    expected = _scikit_logits(counts, repeated, names, weights)
    np.testing.assert_allclose(counts.logits(model, rows), expected, atol=2e-3)


def test_features_are_counted_and_rare_ones_scaled_up(monkeypatch):
    monkeypatch.setattr(wide, "_RARE", len(TEXTS))
    examples = [Example(text, "a", str(n)) for n, text in enumerate(TEXTS)]
    plain = TextTokenizer.learn(TEXTS, TextSettings(min_frequency=1))
    tokenizer = with_learnt_features(plain, examples, most=1_000)
    assert tokenizer.features is not None
    counts = count_features(tokenizer, examples)
    assert counts.matrix.shape == (5, len(tokenizer.features))
    texts_of_feature = (counts.matrix.toarray() > 0).sum(axis=0)
    assert (texts_of_feature >= 2).all()
    scaled = counts.matrix.toarray() * counts.scale
    are_ngrams = tokenizer.features.hashes >= NGRAM
    for kind in (are_ngrams, ~are_ngrams):
        order = np.argsort(counts.scale[kind])
        assert (np.diff(texts_of_feature[kind][order]) <= 0).all()
        assert np.linalg.norm(scaled[:, kind], axis=1).mean() == pytest.approx(1)
    few = with_learnt_features(plain, examples, most=3)
    assert few.features is not None
    assert len(few.features) == 3


def test_many_texts_that_share_nothing_have_no_features(monkeypatch):
    monkeypatch.setattr(wide, "_RARE", 3)
    examples = [Example(text, "a", str(n)) for n, text in enumerate(["\U0001f600", "7", "xyz"])]
    plain = TextTokenizer.learn([e.text for e in examples], TextSettings(min_frequency=1))
    assert with_learnt_features(plain, examples, most=100).features is None


def test_few_texts_have_the_features_of_single_texts():
    examples = [Example(text, "a", str(n)) for n, text in enumerate(["one", "two"])]
    plain = TextTokenizer.learn([e.text for e in examples], TextSettings(min_frequency=1))
    features = with_learnt_features(plain, examples, most=100).features
    assert features is not None
    assert len(features) > 10


def test_texts_without_features_are_rows_of_zeros(monkeypatch):
    monkeypatch.setattr(wide, "_RARE", len(TEXTS))
    examples = [Example(text, "a", str(n)) for n, text in enumerate([*TEXTS, "\U0001f600"])]
    plain = TextTokenizer.learn(TEXTS, TextSettings(min_frequency=1))
    counts = count_features(with_learnt_features(plain, examples, 100), examples)
    assert counts.matrix[5].nnz == 0
