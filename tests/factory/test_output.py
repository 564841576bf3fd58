"""The output layer is fitted again; the rest of the network stays."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra `train` is not installed")
from factory_texts import TEXTS

from factory.surgery import output
from factory.surgery.three import with_neutral
from sentiment_lstm.bundle import load_bundle, save_bundle
from sentiment_lstm.evaluation.polarity import CLASSES
from sentiment_lstm.inference.predictor import Predictor, open_torch

NEGATIVE, NEUTRAL, POSITIVE = np.eye(3)


@pytest.fixture
def three(bundle):
    """A model of three classes."""
    return with_neutral(bundle)


def test_the_pooled_states_are_what_the_output_layer_reads(three):
    predictor = Predictor(three, open_torch(three))
    logits = output.as_read(three, TEXTS, np.eye(3)[[0, 1, 2, 2]], np.ones(4)).logits
    np.testing.assert_allclose(
        output.probabilities(logits), predictor.probabilities(TEXTS), atol=1e-6
    )


def test_a_rare_class_counts_more_than_it_occurs():
    weights = output.weights_by_class(np.stack([NEUTRAL] * 9 + [POSITIVE]))
    assert weights.sum() == pytest.approx(1)
    assert weights[-1] == pytest.approx(3 * weights[0])


def test_the_new_layer_fits_the_labels_better(three):
    labels = np.stack([POSITIVE, NEGATIVE, NEUTRAL, POSITIVE])
    texts = output.as_read(three, TEXTS, labels, np.full(4, 0.25))

    def loss(bundle):
        logits = output.as_read(bundle, TEXTS, labels, texts.weights).logits
        return -(labels * np.log(output.probabilities(logits))).sum()

    new = output.with_new_output(three, texts, temperature=1.0)
    assert loss(new) < loss(three)
    assert new.config.temperature == 1
    changed = {n for n, array in new.weights.items() if not np.array_equal(array, three.weights[n])}
    assert changed == {"output.weight", "output.bias"}


def test_only_the_polarity_of_a_review_counts(three):
    labels = np.stack([POSITIVE, NEGATIVE, NEGATIVE, POSITIVE])
    texts = output.as_read(three, TEXTS, labels, np.full(4, 0.25))
    assert texts.is_polar.all()
    change, bias = output.fitted_change(texts)
    neutral = CLASSES.index("neutral")
    assert not change[neutral].any()
    assert bias[neutral] == 0


def test_texts_are_measured_by_layers_that_have_not_read_them(three, monkeypatch):
    labels = np.stack([POSITIVE, NEGATIVE, NEUTRAL, POSITIVE] * 2)
    kind = output.as_read(three, TEXTS * 2, labels, output.weights_by_class(labels))
    assert np.array_equal(kind.folds[:4], kind.folds[4:])  # equal texts share a fold
    read = []

    def fitted_change(texts):
        assert texts.weights.sum() == pytest.approx(1)
        read.append(set(texts.folds.tolist()))
        return np.zeros((3, kind.units.shape[1])), np.array([0, float(len(read)), 0])

    monkeypatch.setattr(output, "fitted_change", fitted_change)
    (logits,) = output.logits_without_reading([kind], [])
    assert all(fold not in folds for fold, folds in enumerate(read))
    np.testing.assert_allclose((logits - kind.logits)[:, 1], kind.folds + 1)


def test_the_temperature_is_that_of_kinds_that_the_layer_has_not_read(three, monkeypatch):
    """The layers are too sure by a factor of 2, so the temperature is 2."""
    labels = np.stack([NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE])
    right = np.log([0.5, 0.25, 0.25])
    texts = output.as_read(three, TEXTS, labels, np.full(4, 0.25))
    kinds = [replace(texts, logits=np.tile(2 * right, (4, 1))) for _ in range(3)]
    read = []

    def fitted_change(read_texts):
        read.append(len(read_texts.labels))
        return np.zeros((3, texts.units.shape[1])), np.zeros(3)

    monkeypatch.setattr(output, "fitted_change", fitted_change)
    assert output.temperature_of_new_kinds(kinds, kinds[:1]) == pytest.approx(2, abs=1e-3)
    assert read == [12, 12, 12]  # two other kinds, and the kept texts


def test_the_command_reads_kinds_and_kept_texts(three, tmp_path, capsys):
    save_bundle(tmp_path / "model", replace(three, metrics={}))
    people, kept = tmp_path / "people", tmp_path / "kept.jsonl"
    people.mkdir()
    rows = [
        {"text": text, "label": {label: 1.0}, "kind": kind}
        for kind, names in (("tweets", CLASSES), ("films", ("negative", "positive")))
        for label in names
        for text in TEXTS
    ]
    (people / "validation.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    kept.write_text('{"text": "a film", "label": {"negative": 0.3, "neutral": 0.7}}\n')
    arguments = ["--model", str(tmp_path / "model"), "--source", str(people), "--kept", str(kept)]
    assert output.main([*arguments, "--out", str(tmp_path / "new")]) == 0
    assert "tweets: macro recall" in (said := capsys.readouterr().out)
    assert "films: macro recall" in said
    new = load_bundle(tmp_path / "new")
    assert new.metrics["temperature"] == new.config.temperature
