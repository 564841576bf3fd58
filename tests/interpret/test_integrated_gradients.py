from dataclasses import replace

import numpy as np
import pytest
import torch

from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.interpret import integrated_gradients as module
from sentiment_lstm.interpret.integrated_gradients import IntegratedGradients
from sentiment_lstm.model.weights import classifier_from
from sentiment_lstm.records import Encoded

IDS = np.array([2, 5, 3, 4, 6, 2, 3], dtype=np.int32)
TEXT = Encoded(IDS)
LAST = np.array([0.0, 1.0])


@pytest.mark.parametrize("pooling", ["last", "max+mean", "max+mean+last", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_attributions_add_up_to_the_scores_change(make_bundle, pooling, bidirectional, classes):
    bundle = make_bundle(classes, pooling=pooling, bidirectional=bidirectional)
    bundle = replace(bundle, config=replace(bundle.config, temperature=1.7))
    towards = np.eye(len(classes))[0] - np.eye(len(classes))[1]
    path = IntegratedGradients(bundle).attribute(TEXT, towards)
    predictor = open_predictor(bundle)
    expected = predictor.calibrated(predictor.runtime.score([TEXT]))[0] @ towards
    assert path.score == pytest.approx(expected, abs=1e-6)
    assert path.values.shape == IDS.shape
    assert path.complete
    assert path.values.sum() == pytest.approx(path.score - path.baseline_score, abs=0.02)


def test_attributions_equal_a_sum_by_hand(make_bundle):
    """The sum is the mean gradient at evenly spaced points, times the embeddings."""
    bundle, points = make_bundle(layers=1), 1000
    model = classifier_from(bundle.config.model, 2, bundle.weights).eval()
    text = model.embedding(torch.from_numpy(IDS)).detach()
    x = (torch.arange(points) + 0.5)[:, None, None] / points * text

    def scores(x):
        ids = torch.zeros(x.shape[:2], dtype=torch.int64)
        shift = x - model.embedding(ids).detach()
        return model(ids, torch.full((len(x),), x.shape[1]), shift=shift).sigmoid()

    (slopes,) = torch.autograd.grad(scores(x.requires_grad_()).sum(), x)
    path = IntegratedGradients(bundle).attribute(TEXT, LAST)
    np.testing.assert_allclose(path.values, (slopes.mean(0) * text).sum(1), rtol=0, atol=1e-3)
    nothing = scores(torch.zeros_like(text)[None]).detach()
    assert path.baseline_score == pytest.approx(float(nothing), abs=1e-6)


def test_steps_double_until_the_attributions_add_up(bundle, monkeypatch):
    gradients = IntegratedGradients(bundle)
    monkeypatch.setattr(module, "_FIRST_STEPS", 1)
    monkeypatch.setattr(module, "TOLERANCE", 1e-4)
    path = gradients.attribute(TEXT, LAST)
    assert path.complete
    assert path.steps > 1
    monkeypatch.setattr(module, "_MOST_STEPS", 1)
    path = gradients.attribute(TEXT, LAST)
    assert (path.steps, path.complete) == (1, False)


def test_batches_of_points_are_bounded(bundle, monkeypatch):
    gradients, rows = IntegratedGradients(bundle), []
    expected = gradients.attribute(TEXT, LAST)
    probabilities = gradients._probabilities

    def watched(ids, x, wide):
        rows.append(len(x))
        return probabilities(ids, x, wide)

    monkeypatch.setattr(gradients, "_probabilities", watched)
    monkeypatch.setattr(module, "_BATCH_TOKENS", 3 * len(IDS))
    path = gradients.attribute(TEXT, LAST)
    assert max(rows) == 3
    np.testing.assert_allclose(path.values, expected.values, rtol=0, atol=1e-6)


def test_a_single_token_gets_the_whole_change(bundle):
    path = IntegratedGradients(bundle).attribute(Encoded(np.array([1], dtype=np.int32)), LAST)
    assert path.complete
