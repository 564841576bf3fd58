"""The loop learns, stops in time, and continues from a saved state without a difference."""

import math

import pytest
import torch
from small_task import WORDS, texts

from sentiment_lstm.batching import count_batches, lengths_of
from sentiment_lstm.errors import TrainingError
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.settings import ModelSettings, TrainingSettings
from sentiment_lstm.training.feed import Feed
from sentiment_lstm.training.hardware import resolve_auto
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import Classification


@pytest.mark.parametrize("classes", [2, 3])
def test_training_learns_the_task(make_trainer, notes, classes: int):
    trainer = make_trainer(classes, epochs=12)
    trainer.run(notes)
    assert notes.epochs[0]["validation_loss"] > 0.5
    assert notes.epochs[-1]["validation_accuracy"] > 0.95
    assert trainer.progress.done


def test_one_step_changes_every_parameter_and_reports_itself(make_trainer, notes):
    trainer = make_trainer(max_steps=1)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.run(notes)
    assert all(not torch.equal(before[n], p) for n, p in trainer.model.named_parameters())
    (step,) = notes.steps
    assert step["step"] == step["epoch"] == 1
    assert 0 < step["grad_norm"] < math.inf
    assert step["tokens"] <= trainer.settings.batch_tokens


def test_the_reported_norm_is_the_one_before_clipping(make_trainer, notes):
    trainer = make_trainer(max_steps=1, clip_norm=1e-6)
    trainer.run(notes)
    clipped = math.sqrt(sum(float((p.grad**2).sum()) for p in trainer.model.parameters()))
    assert notes.steps[0]["grad_norm"] > 1e-3
    assert clipped == pytest.approx(1e-6, rel=1e-2)


def test_early_stopping_keeps_the_best_weights(make_trainer, notes):
    trainer = make_trainer(epochs=40, learning_rate=0.3, patience=2)
    trainer.run(notes)
    losses = [epoch["validation_loss"] for epoch in notes.epochs]
    assert len(losses) < 40
    assert losses.index(min(losses)) == len(losses) - 3 == trainer.progress.best["epoch"] - 1
    trainer.model.load_state_dict(trainer.best)
    assert trainer.validate(notes)["loss"] == pytest.approx(min(losses), abs=1e-6)


def test_patience_zero_trains_all_epochs(make_trainer, notes):
    make_trainer(epochs=6, learning_rate=0.3, patience=0).run(notes)
    assert len(notes.epochs) == 6


def test_max_steps_ends_inside_an_epoch_with_a_validation(make_trainer, notes):
    trainer = make_trainer(max_steps=11)
    assert trainer.total == 11
    trainer.run(notes)
    assert len(notes.steps) == 11
    assert notes.epochs[-1]["step"] == 11
    assert trainer.best


def test_a_loss_that_is_not_finite_stops_before_the_update(make_trainer, notes):
    trainer = make_trainer()
    with torch.no_grad():
        trainer.model.output.bias.fill_(torch.nan)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    with pytest.raises(TrainingError, match=r"step 1, found loss nan.*lower"):
        trainer.run(notes)
    after = dict(trainer.model.named_parameters())
    assert all(torch.equal(before[name], after[name]) for name in before if "bias" not in name)


class _StopAt:
    def __init__(self, step: int) -> None:
        self.step = step

    def stepped(self, step: dict[str, float]) -> None:
        if step["step"] == self.step:
            raise InterruptedError

    def validated(self) -> None:
        pass

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        pass


@pytest.mark.parametrize("stop", [1, 9, 10, 23])
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_resumed_training_equals_an_uninterrupted_one(make_trainer, notes, stop, average):
    changes = {"weight_average": average, "decay": "linear", "epochs": 4}
    whole = make_trainer(**changes)
    whole.run(notes)
    first = make_trainer(**changes)
    with pytest.raises(InterruptedError):
        first.run(_StopAt(stop))
    second = make_trainer(**changes)
    second.load_state(*first.state())
    second.run(notes)
    assert second.progress == whole.progress
    assert all(torch.equal(whole.best[name], second.best[name]) for name in whole.best)
    assert all(
        torch.equal(p, q)
        for p, q in zip(whole.model.parameters(), second.model.parameters(), strict=True)
    )


@pytest.fixture
def make_attacked(make_trainer):
    """Makes a trainer with the adversarial loss."""

    def make(**changes) -> Trainer:
        trainer = make_trainer(**changes)
        word_dropout = trainer.settings.word_dropout
        trainer.objective = Classification(word_dropout, adversarial=1.0, perturbation=0.5)
        return trainer

    return make


def test_training_learns_with_the_adversarial_loss(make_attacked, notes):
    make_attacked(epochs=8).run(notes)
    assert notes.epochs[-1]["validation_accuracy"] > 0.95
    assert all(step["extra"] > 0 for step in notes.steps)


def test_the_adversarial_loss_changes_the_update_and_not_the_reported_loss(
    make_trainer, make_attacked, notes
):
    changes = {"max_steps": 1, "clip_norm": 1e9}
    plain, attacked = make_trainer(**changes), make_attacked(**changes)
    for trainer in (plain, attacked):
        trainer.model.dropout.probability = 0.0
        trainer.run(notes)
    first, second = notes.steps
    assert second["loss"] == pytest.approx(first["loss"], rel=1e-6)
    assert second["grad_norm"] > 1.1 * first["grad_norm"]
    assert "extra" not in first


def test_training_runs_in_bfloat16_on_request(make_trainer, notes):
    trainer = make_trainer(precision="bfloat16", epochs=8)
    trainer.run(notes)
    assert notes.epochs[-1]["train_loss"] < notes.epochs[0]["train_loss"]
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters())


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_as_many_updates_are_made_as_planned(decay: str, notes):
    """Otherwise the falling learning rate would become negative."""
    sample = texts(500, 1)
    steps = count_batches(lengths_of(sample.ids), 60, 0, epochs=4)
    settings = resolve_auto(
        TrainingSettings(epochs=4, batch_tokens=60, decay=decay, patience=0, precision="float32")
    )
    feed = Feed(lambda: [sample], sample, texts(40, 2), steps)
    shape = ModelSettings(embedding_size=2, hidden_size=2, layers=1)
    trainer = Trainer(LSTMClassifier(shape, WORDS, 2), settings, feed, Classification())
    trainer.run(notes)
    assert len(notes.steps) == trainer.total == steps
    assert all(step["learning_rate"] > 0 for step in notes.steps)


def test_a_validation_loss_that_is_not_finite_is_one_sentence(make_trainer, notes, monkeypatch):
    trainer = make_trainer()
    monkeypatch.setattr(trainer, "validate", lambda _: {"loss": math.nan, "accuracy": 0.5})
    with pytest.raises(TrainingError, match="finite validation loss"):
        trainer.run(notes)


def test_class_weights_reach_the_loss(make_trainer, notes):
    plain, weighted = make_trainer(max_steps=1), make_trainer(max_steps=1)
    weighted.objective = Classification(class_weights=torch.tensor([3.0, 3.0]))
    plain.run(notes)
    weighted.run(notes)
    first, second = notes.steps
    assert second["loss"] == pytest.approx(3 * first["loss"], rel=1e-5)
