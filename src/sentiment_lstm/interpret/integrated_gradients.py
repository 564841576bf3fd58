"""(torch) Integrated gradients over the embeddings of a text. Knows ids and classes, no text.

Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks": the gradients of f are
averaged along the straight line from a baseline to the text and multiplied by the way between; by
then they add up to f(text) - f(baseline), which is checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.model.weights import classifier_from

TOLERANCE = 0.01
"""The largest completeness error that is accepted, as a share of what is attributed."""
_LEAST = 0.1
"""Where less than this is attributed, the share is of this: an error of at most 0.001."""
_FIRST_STEPS, _MOST_STEPS = 32, 512
"""Points on the path: doubled until the error is small enough."""
_BATCH_TOKENS = 8_000
"""Tokens of a batch of points: with what a gradient remembers, some 200 MB of the default model."""


@dataclass(frozen=True, slots=True)
class Path:
    """What the path gave.

    `values`: each token's attribution, float64 [T]. `score` and `baseline_score`: f at its ends.
    `steps`: the points that it took.
    """

    values: NDArray[np.float64]
    score: float
    baseline_score: float
    steps: int

    @property
    def error(self) -> float:
        """How far the attributions are from adding up, in units of f."""
        return abs(float(self.values.sum()) - (self.score - self.baseline_score))

    @property
    def complete(self) -> bool:
        """Whether they are near enough: within 1% of what is attributed, or within 0.001."""
        return self.error <= TOLERANCE * max(_LEAST, abs(self.score - self.baseline_score))


class IntegratedGradients:
    """Integrates a bundle's gradients.

    The baseline is a text as long, whose embeddings are all zero: what padding is, no word at all.
    Texts of unknown tokens or of mean embeddings found the words that matter no better.

    Args:
        bundle: the saved model, of one direction or two.

    Raises:
        ModuleNotFoundError: captum is not installed.
    """

    def __init__(self, bundle: Bundle) -> None:
        import captum.attr  # noqa: F401  (missing, it is better missed now)

        config = bundle.config
        self._model = classifier_from(config.model, len(config.classes), bundle.weights).eval()
        self._model.requires_grad_(False)
        self._temperature = config.temperature

    def attribute(self, ids: NDArray[np.int32], direction: NDArray[np.float64]) -> Path:
        """Attribute f, the calibrated probabilities times `direction`, to every token.

        Args:
            ids: [T], at least one.
            direction: [C].
        """
        steps = _FIRST_STEPS
        while True:
            path = self._path(ids, direction, steps)
            if path.complete or steps >= _MOST_STEPS:
                return path
            steps *= 2

    def _path(self, ids: NDArray[np.int32], direction: NDArray[np.float64], steps: int) -> Path:
        from captum.attr import IntegratedGradients as Captum

        given = torch.from_numpy(ids.astype(np.int64))[None]
        towards = torch.from_numpy(direction)

        def f(x: Tensor) -> Tensor:
            return self._probabilities(given, x) @ towards

        text = self._model.embedding(given)
        baseline = torch.zeros_like(text)
        rows = max(1, _BATCH_TOKENS // len(ids))
        found = Captum(f).attribute(
            text, baseline, n_steps=steps, method="gausslegendre", internal_batch_size=rows
        )
        with torch.inference_mode():
            score, baseline_score = (float(f(x)) for x in (text, baseline))
        values = found.sum(dim=2)[0].double().numpy()
        return Path(values, score, baseline_score, steps)

    def _probabilities(self, ids: Tensor, x: Tensor) -> Tensor:
        """The probability of every class, float64 [B, C], of embeddings [B, T, E]."""
        ids = ids.expand(len(x), -1)
        lengths = torch.full((len(x),), ids.shape[1])
        logits = self._model(ids, lengths, shift=x - self._model.embedding(ids)).double()
        if logits.ndim == 1:  # of the second of two classes
            logits = torch.stack([torch.zeros_like(logits), logits], dim=1)
        return torch.softmax(logits / self._temperature, dim=1)
