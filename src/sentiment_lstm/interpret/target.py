"""The value that an explanation attributes to words, and its log-odds.

Shapes: B texts, U output units, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle_config import Config
from sentiment_lstm.evaluation.calibration import probabilities

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """What is explained: f, the probability of a label, or its difference from another class's.

    Its log-odds g are the label's logit less those of its rivals: the other classes, or the class
    it is compared with. A label has no rival if a text may have several labels.

    `label`, `against`: class indices. `classes`: C. `temperature`: of the calibration.
    `multi_label`: whether a text may have several labels.
    """

    label: int
    against: int | None
    classes: int
    temperature: float
    multi_label: bool

    @classmethod
    def of(cls, config: Config, towards: NDArray[np.float64]) -> Target:
        """Return the target of a model's `explain.direction`, [C]."""
        against = int(towards.argmin()) if towards.min() < 0 else None
        return cls(
            int(towards.argmax()), against, len(towards), config.temperature, config.multi_label
        )

    def f(self, logits: Array) -> NDArray[np.float64]:
        """Return f, [B], for logits [B, U]."""
        shaped = logits[:, 0] if logits.shape[1] == 1 else logits
        rows = probabilities(shaped, self.temperature, multi_label=self.multi_label)
        values: NDArray[np.float64] = rows[:, self.label].copy()
        return values if self.against is None else values - rows[:, self.against]

    def g(self, logits: Array) -> NDArray[np.float64]:
        """Return the log-odds, [B], for logits [B, U]."""
        calibrated = logits.astype(np.float64) / self.temperature
        if logits.shape[1] == 1:
            return calibrated[:, 0] if self.label else -calibrated[:, 0]
        values: NDArray[np.float64] = calibrated[:, self.label]
        rivals = self._rivals()
        return values - np.logaddexp.reduce(calibrated[:, rivals], axis=1) if rivals else values

    def gradient(self, logits: Array) -> Array:
        """Return the gradient of g by the logits, [B, U]."""
        calibrated = logits.astype(np.float64) / self.temperature
        result = np.zeros_like(calibrated)
        if logits.shape[1] == 1:
            result[:] = 1 if self.label else -1
        else:
            result[:, self.label] = 1
            if rivals := self._rivals():
                others = calibrated[:, rivals]
                weights = np.exp(others - others.max(axis=1, keepdims=True))
                result[:, rivals] = -weights / weights.sum(axis=1, keepdims=True)
        return (result / self.temperature).astype(np.float32)

    def _rivals(self) -> list[int]:
        if self.against is not None:
            return [self.against]
        return [] if self.multi_label else [c for c in range(self.classes) if c != self.label]
