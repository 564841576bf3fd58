"""The wide path of a saved model: its scores are the mixture that the held-out texts chose."""

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import QUIET, tiny_auto

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.evaluation import mixing
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.evaluation.mixing import Mixture
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.training import combining
from sentiment_lstm.training.run import train
from sentiment_lstm.weights_file import WIDE


def _three_classes(csv_file: Path) -> None:
    lines = csv_file.read_text().splitlines()
    changed = [
        line.replace("lovely", "fine").replace(",good", ",ok") if n % 3 == 0 else line
        for n, line in enumerate(lines)
    ]
    csv_file.write_text("\n".join(changed))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_saved_model_scores_as_the_mixture_did(csv_file: Path, tmp_path: Path, classes):
    if classes == 3:
        _three_classes(csv_file)
    metrics = train(tiny_auto(csv_file, training__trials=0), tmp_path / "run", QUIET)
    bundle = load_bundle(tmp_path / "run")
    assert bundle.half
    assert 0 < metrics["wide_weight"] <= 1
    texts, names = _held_out(csv_file)
    scores = SentimentClassifier.from_pretrained(tmp_path / "run").predict_proba(texts)
    labels = np.array([bundle.config.classes.index(name) for name in names])
    loss = -np.log(scores[np.arange(len(labels)), labels]).mean()
    assert loss == pytest.approx(metrics["validation_calibrated_loss"], abs=2e-3)
    assert (scores.argmax(axis=1) == labels).mean() == pytest.approx(metrics["validation_accuracy"])


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_each_weight_of_the_wide_path(csv_file: Path, tmp_path: Path, monkeypatch, weight):
    """A mixture of a given weight: its scores are those of its two models."""
    kept = []

    def fixed(deep, wide, targets, temperature=None):
        kept.append((deep, wide))
        return Mixture(
            weight, 1.0, mixing.log_loss((1 - weight) * deep + weight * wide, targets, 1)
        )

    monkeypatch.setattr(combining, "fit_mixture", fixed)
    metrics = train(tiny_auto(csv_file, training__trials=0), tmp_path / "run", QUIET)
    assert metrics["wide_weight"] == weight
    bundle = load_bundle(tmp_path / "run")
    assert (WIDE in bundle.weights) == (bundle.tokenizer.features is not None) == (weight > 0)
    deep, wide = kept[-1]
    expected = probabilities((1 - weight) * deep + weight * wide)
    texts, _ = _held_out(csv_file)
    scores = SentimentClassifier.from_pretrained(tmp_path / "run").predict_proba(texts)
    np.testing.assert_allclose(scores, expected, atol=2e-3)


def _held_out(csv_file: Path) -> tuple[list[str], list[str]]:
    corpus = load_corpus(DataSettings(source=str(csv_file)), 0, SetAside(None))
    return [e.text for e in corpus.validation], [str(e.label) for e in corpus.validation]


def test_class_weights_weigh_the_wide_path_too(csv_file: Path, tmp_path: Path, monkeypatch):
    rows = csv_file.read_text().splitlines()
    csv_file.write_text("\n".join([r for n, r in enumerate(rows) if n % 2 or n < 60]))
    weights = []
    fit = combining.fit_linear

    def watched(counts, rows, targets, classes, factors, penalty):
        weights.append({int(t): float(f) for t, f in zip(targets, factors, strict=True)})
        return fit(counts, rows, targets, classes, factors, penalty)

    monkeypatch.setattr(combining, "fit_linear", watched)
    for is_balanced in (False, True):
        settings = tiny_auto(csv_file, training__trials=0, training__class_weights=is_balanced)
        train(settings, tmp_path / str(is_balanced), QUIET)
    plain, balanced = weights
    assert plain == {0: 1.0, 1: 1.0}
    assert balanced[1] > 3 * balanced[0]
