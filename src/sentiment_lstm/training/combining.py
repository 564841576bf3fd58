"""Adds the wide path to a trained LSTM, and calibrates the sum.

Their weights are fitted on texts that neither was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.evaluation.mixing import Mixture, fit_mixture, log_loss
from sentiment_lstm.evaluation.multi_label import f1_scores
from sentiment_lstm.evaluation.thresholds import choose_thresholds
from sentiment_lstm.records import Example, Targets, class_indices, has_several
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.feed import targets_of
from sentiment_lstm.training.objective import balanced_weights
from sentiment_lstm.training.temperature import FEWEST, count_mistakes
from sentiment_lstm.training.trials import Part, Trial, everything, logits_of_trials
from sentiment_lstm.training.wide import (
    INVERSE_PENALTY,
    FeatureMatrix,
    LinearModel,
    count_features,
    fit_linear,
)
from sentiment_lstm.weights_file import WIDE

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Combination:
    """The wide path of the last training, and the mixture that was fitted on the trials.

    `logits`: those of the texts that were held out, before the temperature. `metrics`: accuracy and
    loss on these texts.
    """

    linear: LinearModel
    mixture: Mixture
    logits: NDArray[np.float32]
    metrics: Mapping[str, Any]

    def weights(self, network: Mapping[str, NDArray[np.float32]]) -> Weights:
        """The network's weights with the wide path, so that its logits are those of the mixture.

        A wide path of weight 0 is left out.
        """
        if not self.mixture.weight:
            return dict(network)
        deep, wide = np.float32(1 - self.mixture.weight), np.float32(self.mixture.weight)
        return {
            **network,
            "output.weight": deep * network["output.weight"],
            "output.bias": deep * network["output.bias"] + wide * self.linear.bias,
            WIDE: wide * self.linear.weights,
        }


def combine(
    corpus: Corpus,
    tokenizer: TextTokenizer,
    trials: Sequence[Trial],
    held_out: Targets,
    *,
    self_labelled: Sequence[Example] = (),
    refit: bool,
    is_balanced: bool = False,
) -> Combination:
    """Fit a wide path for each trial, fit the mixture on all trials, then fit the last wide path.

    Args:
        corpus: all texts.
        tokenizer: has the features of the wide path.
        trials: which texts were left out, with the LSTM's logits.
        held_out: the labels of the texts that were left out, trial after trial.
        self_labelled: texts that a first model had labelled for the last training.
        refit: fit the last wide path on all texts; else it is that of the only trial.
        is_balanced: a rare class is as important as a frequent one (`training.class_weights`).
    """
    texts = [*everything(corpus).sample, *self_labelled]
    counts = count_features(tokenizer, texts)
    fit, score = linear_fit_and_score(corpus, texts, counts, is_balanced=is_balanced)
    wide = []
    for trial in trials:
        linear = fit([*trial.training, *trial.self_labelled])
        wide.append(score(linear, trial.held_out))
    if refit:
        linear = fit(texts)
    deep = logits_of_trials(trials)
    return _combination(linear, deep, np.concatenate(wide), held_out)


def wide_logits(
    corpus: Corpus, tokenizer: TextTokenizer, parts: Sequence[Part], *, is_balanced: bool = False
) -> NDArray[np.float32]:
    """The wide path's logits of the texts held out, fitted on the others of each part.

    Args:
        corpus: all texts.
        tokenizer: has the features of the wide path.
        parts: for each trial, the training texts and the texts held out.
        is_balanced: as for `combine`.
    """
    texts = everything(corpus).sample
    counts = count_features(tokenizer, texts)
    fit, score = linear_fit_and_score(corpus, texts, counts, is_balanced=is_balanced)
    return np.concatenate([score(fit(training), held_out) for training, held_out in parts])


def linear_fit_and_score(
    corpus: Corpus,
    texts: Sequence[Example],
    features: FeatureMatrix,
    *,
    is_balanced: bool,
    inverse_penalty: float = INVERSE_PENALTY,
) -> tuple[
    Callable[[Sequence[Example]], LinearModel],
    Callable[[LinearModel, Sequence[Example]], NDArray[np.float32]],
]:
    """Two functions: one fits a linear model on some of the texts, one gives its logits of texts.

    Args:
        corpus: the source of the classes.
        texts: all that either function may get.
        features: those of these texts.
        is_balanced: as for `combine`.
        inverse_penalty: as for `wide.fit_linear`.
    """
    rows, classes = {example.text: row for row, example in enumerate(texts)}, len(corpus.classes)

    def fit(training: Sequence[Example]) -> LinearModel:
        training_rows = np.array([rows[example.text] for example in training])
        weights = np.array([example.weight for example in training], dtype=np.float32)
        targets = targets_of(training, corpus.classes)
        if is_balanced:
            labels = class_indices(targets)
            weights *= balanced_weights(labels, classes, weights)[labels]
        return fit_linear(features, training_rows, targets, classes, weights, inverse_penalty)

    def score(linear: LinearModel, examples: Sequence[Example]) -> NDArray[np.float32]:
        return features.logits(linear, np.array([rows[example.text] for example in examples]))

    return fit, score


def mix(
    deep: NDArray[np.float32], wide: NDArray[np.float32], targets: Targets
) -> tuple[Mixture, NDArray[np.float32]]:
    """The best mixture and its logits, before the temperature.

    With fewer than ten mistakes the temperature is 1.
    """
    mixture = fit_mixture(deep, wide, targets)
    logits = mixture.logits(deep, wide).astype(np.float32)
    if count_mistakes(logits, targets) < FEWEST:
        mixture = fit_mixture(deep, wide, targets, temperature=1.0)
        logits = mixture.logits(deep, wide).astype(np.float32)
    return mixture, logits


def _combination(
    linear: LinearModel, deep: NDArray[np.float32], wide: NDArray[np.float32], targets: Targets
) -> Combination:
    mixture, logits = mix(deep, wide, targets)

    def accuracy(logits: NDArray[np.float32]) -> float:
        return 1 - count_mistakes(logits, targets) / len(targets)

    metrics: dict[str, Any] = {
        "validation_loss": log_loss(logits, targets, 1.0),
        "validation_accuracy": accuracy(logits),
        "validation_calibrated_loss": mixture.loss,
        "temperature": mixture.temperature,
        "lstm_accuracy": accuracy(deep),
        "wide_accuracy": accuracy(wide),
        "wide_weight": mixture.weight,
    }
    if has_several(targets):
        parts = {"lstm_macro_f1": deep, "wide_macro_f1": wide}
        metrics |= {name: _best_macro_f1(part, targets) for name, part in parts.items()}
    return Combination(linear, mixture, logits, metrics)


def _best_macro_f1(logits: NDArray[np.float32], targets: NDArray[np.bool_]) -> float:
    """The mean F1 of the labels, with the thresholds that suit these texts best."""
    scores = probabilities(logits, multi_label=True)
    return f1_scores(targets, scores >= choose_thresholds(scores, targets))["macro_f1"]
