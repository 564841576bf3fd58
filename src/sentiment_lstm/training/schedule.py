"""How fast the weights move over time: learning rate and moving average."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sentiment_lstm.settings import TrainingSettings

_WARMUP_WITHOUT_END = 100
"""Steps of warm-up where nobody knows how many steps there will be (a stream)."""


def learning_rate(settings: TrainingSettings, step: int, total: int | None, epoch: int) -> float:
    """The step size of update number `step` (from 0).

    It rises in a line over `settings.warmup` of all steps, then stays or falls to 0.

    Args:
        settings: peak, warm-up and kind of decay.
        step: updates done so far.
        total: all updates; None where a stream's end is unknown: the rate then falls by epoch.
        epoch: epochs finished.
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
        module: whose weights are followed.
        decay: share of the average that stays at each update, once enough updates were seen.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the present weights; early steps move further, lest chance lingers."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, weight in module.named_parameters():
            self.weights[name].lerp_(weight, 1 - decay)


@contextmanager
def weights_swapped(module: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Give the module other weights inside the block, its own again after it."""
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    module.load_state_dict(weights)
    try:
        yield
    finally:
        module.load_state_dict(own)
