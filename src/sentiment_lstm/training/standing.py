"""Compares a finished training with a linear model and with always naming the largest class.

It also checks the loss curve, to say whether more updates may help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sentiment_lstm.records import class_indices
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training.baseline import fit_quick_baseline
from sentiment_lstm.training.feed import targets_of
from sentiment_lstm.training.ranks import updates_for
from sentiment_lstm.training.trials import Trial

_NO_BETTER = 0.005
"""A model is better than always naming the largest class if its accuracy is higher by this much."""
_LAST_PART = 0.1
"""The last part of a training, as a fraction of the sum of all learning rates. With a constant rate
it is the last tenth of the updates, with a rate that falls evenly to 0 the last third."""
_FALL, _LEAST_FALL = 0.01, 0.005
"""The loss still falls if it falls by more than this fraction, and this many nats, in the last
part."""


def compare(trials: Sequence[Trial], classes: Sequence[str], seed: int) -> dict[str, float]:
    """Accuracies of simpler models on the held-out texts, trained on the same training texts.

    Returns:
        Nothing if a text may have several labels. Else:
        `linear_accuracy`: the quick linear baseline; missing if it cannot be fitted.
        `largest_class_accuracy`: always naming the largest class.
    """
    if trials[0].held_out[0].labels is not None:
        return {}  # `combining` measures a linear model for each label
    linear, largest, texts = 0, 0, 0
    can_fit = True
    for trial in trials:
        train, held_out = (
            class_indices(targets_of(part, classes)) for part in (trial.training, trial.held_out)
        )
        largest += int((held_out == np.bincount(train).argmax()).sum())
        texts += len(held_out)
        try:
            baseline = fit_quick_baseline(
                [example.text for example in trial.training], train, len(classes), seed
            )
        except ValueError:  # no text has a word, or only one class is left
            can_fit = False
            continue
        predicted = baseline.predict_proba([e.text for e in trial.held_out]).argmax(axis=1)
        linear += int((predicted == held_out).sum())
    compared = {"linear_accuracy": linear / texts} if can_fit else {}
    return compared | {"largest_class_accuracy": largest / texts}


def is_still_falling(histories: Sequence[Sequence[Mapping[str, float]]]) -> bool:
    """Whether the validation loss was still falling at the end of the trainings.

    It was if two conditions hold. In most trainings, the last epoch is the best one. In the last
    part of the trainings, their mean loss fell by more than 1% and by more than 0.005 nats. This
    part is measured in learning rates, because an update with a small rate changes little. If the
    loss fell nevertheless, more updates would lower it further.

    Args:
        histories: the lines of each training's `metrics.jsonl`.
    """
    ends = [end for history in histories if (end := _end_of_curve(history))]
    if not ends:
        return False
    before, last, lowest = np.array(ends).T
    fall = before.mean() - last.mean()
    return bool((last <= lowest).mean() > 0.5 and fall > max(_FALL * before.mean(), _LEAST_FALL))


def _end_of_curve(history: Sequence[Mapping[str, float]]) -> tuple[float, float, float] | None:
    """The validation loss before the last part, the last loss, and the lowest one before it.

    The loss is interpolated between epochs. None: fewer than two epochs were validated.
    """
    rates, losses, learnt = [], [], 0.0
    for line in history:
        learnt += line.get("learning_rate", 0.0)
        if "validation_loss" in line:
            rates.append(learnt)
            losses.append(line["validation_loss"])
    if len(losses) < 2 or not learnt:
        return None
    before = float(np.interp((1 - _LAST_PART) * learnt, rates, losses))
    return before, losses[-1], min(losses[:-1])


def describe(metrics: Mapping[str, Any], training: TrainingSettings) -> list[str]:
    """Describe in sentences how good a training is; with a WARNING if it learnt nothing.

    Args:
        metrics: as `metrics.json` holds them.
        training: the settings of the run.
    """
    accuracy = metrics["validation_accuracy"]
    sentences = []
    if "largest_class_accuracy" in metrics:
        largest = metrics["largest_class_accuracy"]
        if accuracy < largest + _NO_BETTER:
            sentences.append(
                f"WARNING: the model is no better than always naming the largest class "
                f"({largest:.1%}). Check the labels, or add texts."
            )
    if metrics.get("still_falling") and not metrics.get("linear_probe"):
        more = f"training.epochs={2 * training.epochs}"
        if training.max_steps and metrics["steps"] >= updates_for(training.max_steps):
            more = f"training.max_steps={2 * training.max_steps}"
        sentences.append(
            f"The validation loss was still falling. More updates may help: --set {more}."
        )
    if metrics.get("validation_micro_f1") == 0:
        sentences.append(
            "WARNING: the model finds no label of any validation text. Check the labels, or add "
            "texts."
        )
    if "wide_macro_f1" in metrics:
        sentences.append(
            f"Linear baseline (the wide path alone): macro F1 {metrics['wide_macro_f1']:.4f} on "
            "the same validation texts."
        )
    if "linear_accuracy" in metrics:
        sentences.append(
            f"Linear baseline {metrics['linear_accuracy']:.1%} on the same validation texts: "
            "logistic regression on words, pairs of words and characters."
        )
    return sentences
