"""Where a training stands: beside a linear model, the largest class, and its own curve."""

import pytest

from sentiment_lstm.records import Example
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training import standing
from sentiment_lstm.training.standing import compare, describe, is_still_falling
from sentiment_lstm.training.trials import Trial

PLAIN = {"validation_accuracy": 0.9, "steps": 100}


def _trial(texts: list[str], labels: str) -> Trial:
    examples = [
        Example(text, label, str(n))
        for n, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    return Trial(examples[:-4], examples[-4:], None)  # type: ignore[arg-type]


def _history(losses, decay="none", updates=100):
    """The lines of `metrics.jsonl` of a training with an epoch for each loss."""
    lines, step = [], 0
    for epoch, loss in enumerate(losses, start=1):
        while step < updates * epoch / len(losses):
            step += 1
            rate = 1 - step / updates if decay == "linear" else 1.0
            lines.append({"step": step, "epoch": epoch, "loss": 1.0, "learning_rate": rate})
        lines.append({"step": step, "epoch": epoch, "train_loss": 1.0, "validation_loss": loss})
    return lines


def test_the_baselines_are_measured_on_the_texts_held_out():
    texts = [f"{('awful', 'lovely')[n % 2]} film {n}" for n in range(24)]
    trials = [_trial(texts, "ab" * 12), _trial(texts, "ab" * 12)]
    compared = compare(trials, ("a", "b"), 0)
    assert compared == {"linear_accuracy": 1.0, "largest_class_accuracy": 0.5}


def test_without_a_word_only_the_largest_class_is_measured():
    compared = compare([_trial(["!"] * 12, "aaaabaaaaaab")], ("a", "b"), 0)
    assert compared == {"largest_class_accuracy": 0.75}


@pytest.mark.parametrize("decay", ["none", "linear"])
def test_a_loss_that_falls_to_the_end_is_still_falling(decay):
    assert is_still_falling([_history([0.9, 0.8, 0.7, 0.6, 0.5], decay)])
    assert not is_still_falling([_history([0.9, 0.7, 0.503, 0.501, 0.5], decay)])
    assert not is_still_falling([_history([0.9, 0.5, 0.4, 0.3, 0.31], decay)])


def test_a_loss_that_falls_while_the_rate_is_small_is_still_falling():
    """The last third of the updates moves as much as the last tenth of those before."""
    losses = [1.0] * 7 + [0.99, 0.98, 0.975]
    assert is_still_falling([_history(losses, "linear")])
    assert not is_still_falling([_history(losses, "none")])


def test_most_trials_must_be_falling():
    falling, flat = _history([0.9, 0.7, 0.5]), _history([0.9, 0.4, 0.5])
    assert is_still_falling([falling, falling, falling, flat])
    assert not is_still_falling([falling, flat, flat])


def test_a_training_without_a_curve_is_not_falling():
    assert not is_still_falling([])
    assert not is_still_falling([[]])
    assert not is_still_falling([_history([0.5])])
    assert not is_still_falling([[{"step": 1, "epoch": 1, "train_loss": 1.0}] * 3])


def test_a_model_no_better_than_the_largest_class_is_warned_of():
    (warning,) = describe({**PLAIN, "largest_class_accuracy": 0.9}, TrainingSettings())
    assert "WARNING" in warning
    assert "largest class (90.0%)" in warning
    assert describe({**PLAIN, "largest_class_accuracy": 0.8}, TrainingSettings()) == []


def test_the_linear_baseline_is_named():
    (sentence,) = describe({**PLAIN, "linear_accuracy": 0.871}, TrainingSettings())
    assert sentence.startswith("Linear baseline 87.1%")


def test_more_updates_are_recommended_in_the_setting_that_ended_the_training():
    falling = {**PLAIN, "still_falling": True}
    (by_updates,) = describe(falling, TrainingSettings(max_steps=100, epochs=1_000))
    assert by_updates.endswith("--set training.max_steps=200.")
    (by_epochs,) = describe(falling, TrainingSettings(epochs=3))
    assert by_epochs.endswith("--set training.epochs=6.")
    assert describe({**PLAIN, "still_falling": False}, TrainingSettings()) == []
    assert describe({**falling, "linear_probe": True}, TrainingSettings(epochs=3)) == []


def test_two_processes_make_half_as_many_updates(monkeypatch):
    monkeypatch.setattr(standing, "updates_for", lambda batches: batches // 2)
    falling = {**PLAIN, "still_falling": True, "steps": 50}
    (sentence,) = describe(falling, TrainingSettings(max_steps=100, epochs=1_000))
    assert sentence.endswith("--set training.max_steps=200.")
