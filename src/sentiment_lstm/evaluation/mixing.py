"""The weights of two models whose logits are added, and the temperature of their sum.

Knows only arrays. The weights are fitted on texts that neither model was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.evaluation.calibration import as_decisions, fit_temperature, probabilities
from sentiment_lstm.records import Targets

_WEIGHTS = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Logits = (1 - `weight`) x the first model's + `weight` x the second's, over `temperature`.

    `loss`: the mean log-loss in nats on the texts of the fit.
    """

    weight: float
    temperature: float
    loss: float

    def logits(
        self, first: NDArray[np.floating], second: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Add the logits of both models, before the temperature."""
        mixed: NDArray[np.floating] = (1 - self.weight) * first + self.weight * second
        return mixed


def fit_mixture(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    targets: Targets,
    temperature: float | None = None,
) -> Mixture:
    """Find the weight and the temperature with the lowest log-loss.

    The probabilities are then a weighted geometric mean of both models' probabilities, normalised
    (a logarithmic opinion pool, Genest & Zidek 1986).

    Args:
        first: logits of the first model, as for `calibration.probabilities`.
        second: logits of the second model, of the same shape.
        targets: as for `calibration.fit_temperature`.
        temperature: keep this temperature, and find only the weight.
    """
    mixtures = (_mixture(float(w), first, second, targets, temperature) for w in _WEIGHTS)
    return min(mixtures, key=lambda each: each.loss)


def log_loss(logits: NDArray[np.floating], targets: Targets, temperature: float) -> float:
    """Return the mean cross-entropy of the texts in nats; the sum over a text's labels."""
    return float(-_log_likelihoods(logits, targets, temperature).sum() / len(targets))


def log_losses(
    logits: NDArray[np.floating], targets: Targets, temperature: float
) -> NDArray[np.floating]:
    """Return the cross-entropy of each text in nats, [N]; the sum over a text's labels."""
    decisions = -_log_likelihoods(logits, targets, temperature).sum(axis=1)
    losses: NDArray[np.floating] = decisions.reshape(len(targets), -1).sum(axis=1)
    return losses


def _log_likelihoods(
    logits: NDArray[np.floating], targets: Targets, temperature: float
) -> NDArray[np.floating]:
    """The log-probability of each class, times the probability that the label gives it."""
    logits, targets = as_decisions(logits, targets)
    logs = np.log(probabilities(logits, temperature).clip(1e-12))
    soft_labels = np.eye(logs.shape[1])[targets] if targets.ndim == 1 else targets
    products: NDArray[np.floating] = soft_labels * logs
    return products


def _mixture(
    weight: float,
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    targets: Targets,
    temperature: float | None,
) -> Mixture:
    mixed = Mixture(weight, 1.0, 0.0).logits(first, second)
    if temperature is None:
        temperature = fit_temperature(mixed, targets)
    return Mixture(weight, temperature, log_loss(mixed, targets, temperature))
