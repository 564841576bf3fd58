"""The temperature is fitted to the kept weights and validation texts, and changes nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sentiment_lstm.training import temperature as module
from sentiment_lstm.training.temperature import calibrate, validation_logits


@pytest.fixture
def make_trained(make_trainer, notes, monkeypatch):
    """Makes a trainer that has learnt a little, so that it still makes mistakes."""
    monkeypatch.setattr(module, "FEWEST", 1)

    def make(classes: int = 2):
        trainer = make_trainer(classes, epochs=2)
        trainer.run(notes)
        trainer.model.load_state_dict(trainer.best)
        return trainer

    return make


def fit(trainer) -> tuple[float | None, float]:
    """Calibrate a trainer on its validation texts."""
    window = trainer.feed.validation
    targets = window.labels if window.targets is None else window.targets
    return calibrate(validation_logits(trainer), targets)


def louder(trainer, factor: float) -> None:
    """Multiply the logits of the kept weights."""
    for name in ("output.weight", "output.bias"):
        trainer.best[name] = trainer.best[name] * factor


@pytest.mark.parametrize("classes", [2, 3])
def test_larger_logits_get_a_higher_temperature(make_trained, classes):
    trainer = make_trained(classes)
    temperature, loss = fit(trainer)
    louder(trainer, 3.0)
    again, same = fit(trainer)
    assert again == pytest.approx(3 * temperature, rel=1e-4)
    assert same == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_loss_is_the_validation_loss(make_trained, notes, classes, monkeypatch):
    trainer = make_trained(classes)
    before = trainer.validate(notes)["loss"]
    temperature, after = fit(trainer)
    assert temperature != 1.0
    assert after < before
    monkeypatch.setattr(module, "fit_temperature", lambda *_: 1.0)
    assert fit(trainer)[1] == pytest.approx(before, rel=1e-5)


def test_soft_targets_count_like_in_validation(make_trained, notes, monkeypatch):
    trainer = make_trained()
    window = trainer.feed.validation
    targets = np.eye(2, dtype=np.float32)[window.labels]
    targets[:10] = 0.5
    sharp = fit(trainer)[0]
    soft = replace(window, targets=targets)
    trainer.feed = replace(trainer.feed, validation=soft)
    temperature, after = fit(trainer)
    assert temperature > sharp, "neutral texts ask for less sureness"
    before = trainer.validate(notes)["loss"]
    assert after < before
    monkeypatch.setattr(module, "fit_temperature", lambda *_: 1.0)
    assert fit(trainer)[1] == pytest.approx(before, rel=1e-5)


def test_the_weights_stay_unchanged(make_trained):
    trainer = make_trained()
    louder(trainer, 2.0)
    own = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    fit(trainer)
    assert all(torch.equal(own[name], p) for name, p in trainer.model.named_parameters())


def test_few_mistakes_fit_no_temperature(make_trained, monkeypatch):
    trainer = make_trained()
    fitted, _ = fit(trainer)
    monkeypatch.setattr(module, "FEWEST", 30)
    temperature, loss = fit(trainer)
    assert fitted is not None
    assert temperature is None
    assert loss == pytest.approx(trainer.progress.best["validation_loss"], rel=1e-5)
