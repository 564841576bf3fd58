"""(torch) Integrated gradients over the embeddings of a text. Knows ids and classes, no text.

Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks". The gradients of f are
averaged along the straight line from a baseline to the text, then multiplied by the difference of
both. The attributions then add up to f(text) - f(baseline), which is checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.model.weights import classifier_from
from sentiment_lstm.records import Encoded

TOLERANCE = 0.01
"""The largest accepted completeness error, relative to f(text) - f(baseline)."""
_LEAST = 0.1
"""A smaller difference counts as this one, so an error of 0.001 is always accepted."""
_FIRST_STEPS, _MOST_STEPS = 32, 512
"""Points on the path. Their number is doubled until the error is small enough."""
_BATCH_TOKENS = 8_000
"""Tokens in a batch of points. The default model's gradients then take about 200 MB."""


@dataclass(frozen=True, slots=True)
class Path:
    """The result of an integration.

    `values`: each token's attribution, float64 [T]. `score`: f of the text. `baseline_score`: f of
    the baseline. `steps`: the number of points on the path.
    """

    values: NDArray[np.float64]
    score: float
    baseline_score: float
    steps: int

    @property
    def error(self) -> float:
        """Return the absolute difference between the attributions' sum and its target."""
        return abs(float(self.values.sum()) - (self.score - self.baseline_score))

    @property
    def complete(self) -> bool:
        """Whether the error is within 1% of the target, or within 0.001."""
        return self.error <= TOLERANCE * max(_LEAST, abs(self.score - self.baseline_score))


class IntegratedGradients:
    """Integrates a bundle's gradients.

    The baseline is a text of the same length whose embeddings are all zero, like padding, and which
    has no features. Unknown tokens or mean embeddings as the baseline did not find the important
    words any better. The features of a token count as more inputs of this token.

    Args:
        bundle: the saved model, of one or two directions.

    Raises:
        ModuleNotFoundError: captum is not installed.
    """

    def __init__(self, bundle: Bundle) -> None:
        import captum.attr  # noqa: F401  (fail now if it is not installed)

        config = bundle.config
        self._model = classifier_from(
            config.model, len(config.classes), bundle.weights, multi_label=config.multi_label
        ).eval()
        self._model.requires_grad_(False)
        self._temperature, self._multi_label = config.temperature, config.multi_label

    def attribute(self, encoded: Encoded, direction: NDArray[np.float64]) -> Path:
        """Attribute f to every token; f is the calibrated probabilities times `direction`.

        Args:
            encoded: the text.
            direction: [C], as `explain.direction` returns it.
        """
        steps = _FIRST_STEPS
        while True:
            path = self._path(encoded, direction, steps)
            if path.complete or steps >= _MOST_STEPS:
                return path
            steps *= 2

    def _path(self, encoded: Encoded, direction: NDArray[np.float64], steps: int) -> Path:
        from captum.attr import IntegratedGradients as Captum

        batch = torch.from_numpy(encoded.ids.astype(np.int64))[None]
        towards = torch.from_numpy(direction)

        def f(x: Tensor, wide: Tensor) -> Tensor:
            return self._probabilities(batch, x, wide) @ towards

        text = self._model.embedding(batch), self._wide(encoded)
        baseline = torch.zeros_like(text[0]), torch.zeros_like(text[1])
        rows = max(1, _BATCH_TOKENS // len(encoded.ids))
        attributions = Captum(f).attribute(
            text, baseline, n_steps=steps, method="gausslegendre", internal_batch_size=rows
        )
        with torch.inference_mode():
            score, baseline_score = (float(f(*x)) for x in (text, baseline))
        values = sum(part.sum(dim=2)[0].double().numpy() for part in attributions)
        return Path(values, score, baseline_score, steps)

    def _wide(self, encoded: Encoded) -> Tensor:
        """Return what the features of each token add to the logits, float32 [1, T, U]."""
        if self._model.wide is None or encoded.features is None:
            return torch.zeros(1, len(encoded.ids), self._model.output.out_features)
        ids = torch.from_numpy(encoded.features.ids.astype(np.int64))
        added: Tensor = self._model.wide(ids, torch.from_numpy(encoded.features.counts))
        return added[None]

    def _probabilities(self, ids: Tensor, x: Tensor, wide: Tensor) -> Tensor:
        """Return the probability of each class, float64 [B, C], for texts of T tokens.

        `x`: embeddings [B, T, E]. `wide`: what each token adds to the logits, [B, T, U].
        """
        ids = ids.expand(len(x), -1)
        lengths = torch.full((len(x),), ids.shape[1])
        shift = x - self._model.embedding(ids)
        logits = self._model(ids, lengths, shift=shift, wide=wide.sum(dim=1)).double()
        if self._multi_label:
            return torch.sigmoid(logits / self._temperature)
        if logits.ndim == 1:  # of the second of two classes
            logits = torch.stack([torch.zeros_like(logits), logits], dim=1)
        return torch.softmax(logits / self._temperature, dim=1)
