"""Learning rate over time, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sentiment_lstm.settings import TrainingSettings

_WARMUP_WITHOUT_END = 100
"""Warm-up steps if the number of steps is unknown (a stream)."""


def learning_rate(settings: TrainingSettings, step: int, total: int | None, epoch: int) -> float:
    """The learning rate of update number `step` (from 0).

    It rises linearly during the fraction `settings.warmup` of all steps, then stays or falls to 0.

    Args:
        settings: peak, warm-up and kind of decay.
        step: updates done so far.
        total: number of all updates; None if unknown (a stream): the rate then falls each epoch.
        epoch: finished epochs.
    """
    warm = max(1, round(settings.warmup * total)) if total else _WARMUP_WITHOUT_END
    done = min(1.0, step / total if total else epoch / settings.epochs)
    fall = {
        "none": 1.0,
        "linear": 1 - done,
        "cosine": (1 + math.cos(math.pi * done)) / 2,
    }[settings.decay]
    return settings.learning_rate * min(1.0, (step + 1) / warm) * fall


class WeightAverage:
    """Exponential moving average of a module's weights (Polyak & Juditsky 1992).

    Args:
        module: the module whose weights are averaged.
        decay: the fraction of the average that each update keeps, after enough updates.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the current weights.

        Early updates move further, because the first weights are random.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, weight in module.named_parameters():
            self.weights[name].lerp_(weight, 1 - decay)


@contextmanager
def weights_swapped(module: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Give the module other weights inside the block, and its own weights after it."""
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    module.load_state_dict(weights)
    try:
        yield
    finally:
        module.load_state_dict(own)
