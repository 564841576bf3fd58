"""Fits a new output layer to the states of a model as it is: a linear probe (Alain & Bengio 2016).

With few texts, this is often better than training all weights, which distorts what the model has
learnt (Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform
out-of-distribution"). The texts that the trials left out show which is better.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from sentiment_lstm.batching import Window, ordered_batches
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.model.weights import classifier_from
from sentiment_lstm.records import Example, Targets
from sentiment_lstm.training.combining import Weights, linear_fit_and_score
from sentiment_lstm.training.feed import encode
from sentiment_lstm.training.temperature import calibrate
from sentiment_lstm.training.trials import Trial, everything, logits_of_trials
from sentiment_lstm.training.wide import FeatureMatrix, LinearModel

_INVERSE_PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
"""Values of scikit-learn's C, the strongest penalty first."""
_BATCH_TOKENS = 30_000


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """`weights`: those of the model with the new output layer, fitted to all texts.

    `trials`: each has the logits of an output layer fitted to its training texts. `loss`: the
    calibrated log-loss of these logits, in nats.
    """

    weights: Weights
    trials: list[Trial]
    loss: float


def fit_linear_probe(
    model: Bundle,
    corpus: Corpus,
    trials: Sequence[Trial],
    targets: Targets,
    *,
    is_balanced: bool,
) -> LinearProbe:
    """Fit output layers with ever weaker penalties, until the loss rises.

    Args:
        model: reads in one direction, and has no wide path.
        corpus: all texts.
        trials: which texts were left out.
        targets: the labels of the texts that were left out, trial after trial.
        is_balanced: as for `combining.combine`.
    """
    texts = everything(corpus).sample
    encoded = encode(texts, model.tokenizer, corpus.classes, sys.maxsize)
    states = pooled_states(model, encoded)
    mean, scale = states.mean(axis=0), 1 / (states.std(axis=0) + 1e-6)
    features = FeatureMatrix(states - mean, scale)
    best: tuple[float, Callable[[Sequence[Example]], LinearModel], list[Trial]] | None = None
    for inverse_penalty in _INVERSE_PENALTIES:
        fit, score = linear_fit_and_score(
            corpus, texts, features, is_balanced=is_balanced, inverse_penalty=inverse_penalty
        )
        probed = [replace(t, logits=score(fit(t.training), t.held_out)) for t in trials]
        _, loss = calibrate(logits_of_trials(probed), targets)
        if best and loss >= best[0]:
            break
        best = loss, fit, probed
    assert best
    loss, fit, probed = best
    layer = fit(texts)
    bias = (layer.bias - mean @ layer.weights).astype(np.float32)
    weights = {**model.weights, "output.weight": layer.weights.T, "output.bias": bias}
    return LinearProbe(weights, probed, loss)


@torch.inference_mode()
def pooled_states(model: Bundle, texts: Window) -> NDArray[np.float64]:
    """What the output layer of a model reads of each text, [N, P]. P: the width of the pooling."""
    config = model.config
    network = classifier_from(
        config.model, len(config.classes), model.weights, multi_label=config.multi_label
    ).eval()
    states = np.empty((len(texts.ids), network.pooling.width))
    for batch in ordered_batches(texts, _BATCH_TOKENS):
        _, state = network.read(torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths))
        states[batch.rows - texts.first] = network.pooling.summary(state.pooled).numpy()
    return states
