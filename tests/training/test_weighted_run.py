"""A training with weights: of texts in the loss, in the wide path and in the balance of classes."""

import numpy as np
import pytest
from tiny_runs import QUIET, tiny

from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.training.objective import balanced_weights
from sentiment_lstm.training.run import train

NAMES = ("bad", "good")


def rows(count: int = 60):
    """Two words that say nothing of the label, but each has heavy texts of one label."""
    for n in range(count):
        word, good = ("alpha", "beta")[n % 2], n // 2 % 2
        heavy = good == n % 2
        yield f"{word} text number {n}", NAMES[good], 5 if heavy else 1


def trained(tmp_path, name, table, **changes):
    path = tmp_path / f"{name}.csv"
    lines = [f"{text},{label},{weight}" for text, label, weight in table]
    path.write_text("\n".join(["text,label,weight", *lines]))
    settings = tiny(path, data__weight_column="weight", training__keep="last", **changes)
    train(settings, tmp_path / name, QUIET)
    return load_bundle(tmp_path / name)


def same_weights(a, b) -> bool:
    return a.weights.keys() == b.weights.keys() and all(
        np.array_equal(a.weights[name], b.weights[name]) for name in a.weights
    )


@pytest.fixture(params=["lstm", "wide", "balanced"])
def changes(request):
    return {
        "lstm": {},
        "wide": {"model__wide_features": 100, "training__trials": 2},
        "balanced": {"training__class_weights": True, "model__wide_features": 100},
    }[request.param]


def test_a_constant_factor_changes_no_bit(tmp_path, changes):
    plain = trained(tmp_path, "plain", rows(), **changes)
    times = trained(tmp_path, "times", ((t, y, 3.7 * w) for t, y, w in rows()), **changes)
    alike = trained(tmp_path, "alike", ((t, y, 1) for t, y, _ in rows()), **changes)
    assert same_weights(plain, times)
    assert not same_weights(plain, alike)


def test_equal_weights_are_no_weights(tmp_path, changes):
    alike = trained(tmp_path, "alike", ((t, y, 0.3) for t, y, _ in rows()), **changes)
    without = tiny(tmp_path / "alike.csv", training__keep="last", **changes)
    train(without, tmp_path / "without", QUIET)
    assert same_weights(alike, load_bundle(tmp_path / "without"))


def test_weight_0_is_no_text(tmp_path, changes):
    table = list(rows())
    zero = [*table[:30], ("left out", "neutral", 0), *table[30:]]
    assert same_weights(
        trained(tmp_path, "zero", zero, **changes), trained(tmp_path, "gone", table, **changes)
    )


def test_heavy_texts_decide_what_a_word_means(tmp_path):
    from sentiment_lstm.api import SentimentClassifier

    table = list(rows(200))
    for name, factors in (("as_is", (1, 1)), ("turned", (0.04, 1))):
        heavy = [(t, y, w * (factors[0] if w == 5 else factors[1])) for t, y, w in table]
        trained(tmp_path, name, heavy, training__epochs=10)
    as_is, turned = (
        SentimentClassifier.from_pretrained(tmp_path / name, threads=1).predict(["alpha", "beta"])
        for name in ("as_is", "turned")
    )
    assert as_is == ["bad", "good"]
    assert turned == ["good", "bad"]


def test_balanced_classes_count_the_weights_of_their_texts():
    labels = np.array([0, 0, 0, 1])
    assert np.allclose(balanced_weights(labels, 2), [2 / 3, 2])
    heavy = np.array([1, 1, 1, 3], dtype=np.float32)
    assert np.allclose(balanced_weights(labels, 2, heavy), [1, 1])
