import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sentiment_lstm.model.cell import lstm_layer
from sentiment_lstm.training.gradient_study import (
    NETWORKS,
    LastStateClassifier,
    Network,
    Plan,
    _make_text,
    make_task,
    measure_by_distance,
    run_study,
)

SMALL = Plan(steps=2, batch=4, hidden=8, embedding=6, measured=3, tested=4, sentences=60)


def test_a_study_measures_every_network_with_and_without_clipping():
    trained = []
    values = run_study(trained.append, SMALL)
    assert len(trained) == len(values["runs"]) == 2 * len(NETWORKS)
    for run in values["runs"]:
        assert len(run["loss"]) == len(run["gradient_norm"]) == SMALL.steps
        assert len(run["start"]) == len(run["end"]) == SMALL.length
        assert 0 <= run["accuracy"] <= 1
        assert run["ratio"]["start"] == run["start"][100] / run["start"][1]


def test_networks_differ_only_in_their_initialisation():
    """Runs with and without clipping share seed, texts and first weights."""
    runs = run_study(lambda _: None, SMALL)["runs"]
    for free, clipped in zip(runs[::2], runs[1::2], strict=True):
        assert (free["clip_norm"], clipped["clip_norm"]) == (None, SMALL.clip_norm)
        assert free["start"] == clipped["start"]
        assert free["loss"][0] == clipped["loss"][0]


def test_only_the_same_seed_gives_the_same_numbers():
    first, again, other = (
        run_study(lambda _: None, replace(SMALL, seed=seed))["runs"] for seed in (1, 1, 2)
    )
    assert first == again
    assert first[0]["start"] != other[0]["start"]
    assert first[0]["loss"] != other[0]["loss"]


def test_denormal_numbers_are_restored_after_a_study():
    run_study(lambda _: None, SMALL)
    assert (torch.tensor([1e-38]) * 0.1).item() > 0


def test_the_label_of_a_text_is_that_of_most_of_its_opinions():
    vocabulary, texts = make_task(SMALL)
    assert texts.ids.shape == (2 * 4 + 3 + 4, SMALL.length)
    assert texts.ids.min() > 0
    assert texts.ids.max() < vocabulary
    again = make_task(SMALL)[1]
    assert torch.equal(texts.ids, again.ids)
    assert torch.equal(texts.labels, again.labels)
    assert set(texts.labels.tolist()) == {0.0, 1.0}
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids, label = _make_text([np.array([9])], np.array([1]), np.array([2]), SMALL, rng)
        assert (ids == (2 if label else 1)).sum() * 3 >= 2 * SMALL.opinions
        assert (ids != 9).sum() == SMALL.opinions


def test_each_network_starts_as_its_name_says():
    torch.manual_seed(0)
    open_ = LastStateClassifier(Network("x", forget_bias=1.0), 5, SMALL).layer
    bias = (open_.bias_ih_l0 + open_.bias_hh_l0)[8:16]
    assert torch.equal(bias, torch.ones(8))
    large = LastStateClassifier(Network("x", spectral_radius=2.0), 5, SMALL).layer
    radius = torch.linalg.eigvals(large.weight_hh_l0).abs().max()
    assert radius.item() == pytest.approx(2.0, rel=1e-5)


def test_gradients_by_distance_follow_the_cells_equations():
    torch.manual_seed(0)
    model = LastStateClassifier(Network("x", forget_bias=1.0), 5, SMALL)
    ids, labels = torch.tensor([[1, 2, 3, 4, 1, 2]]), torch.tensor([1.0])
    norms = measure_by_distance(model, ids, labels)
    layer = model.layer
    x = model.embedding(ids).detach().requires_grad_()
    zeros = torch.zeros(1, SMALL.hidden)
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    states, _ = lstm_layer(x, zeros, zeros, layer.weight_ih_l0, layer.weight_hh_l0, bias)
    logit = model.output(states[:, -1]).squeeze(1)
    torch.nn.functional.binary_cross_entropy_with_logits(logit, labels).backward()
    np.testing.assert_allclose(norms, x.grad[0].norm(dim=1).flip(0).numpy(), rtol=1e-3)


def test_a_plain_networks_gradient_fades_and_a_large_ones_grows():
    plan = Plan(steps=1, batch=4, measured=8, tested=1, sentences=60)
    vocabulary, texts = make_task(plan)
    ends = {}
    for network in NETWORKS:
        torch.manual_seed(0)
        norms = measure_by_distance(
            LastStateClassifier(network, vocabulary, plan), texts.ids[4:12], texts.labels[4:12]
        )
        ends[network.name] = math.log10(norms[100] / norms[1])
    plain, large, shut, open_ = ends.values()
    assert plain < -20
    assert large > 0
    assert shut < open_ < -4
