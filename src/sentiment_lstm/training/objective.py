"""What training minimises: an objective turns a model and a batch into a loss.

Shapes: B texts, C classes; logits are [B] for two classes (the second one's), else [B, C].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sentiment_lstm.records import PAD_ID, UNKNOWN_ID, Batch


@dataclass(frozen=True, slots=True)
class Loss:
    """What a batch cost.

    `total`: nats, a scalar summed over `units` (texts, or tokens). `right`: units judged right.
    """

    total: Tensor
    units: int
    right: int


class Objective(Protocol):
    """What a model is trained for."""

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """The loss of a batch; in the module's training mode with all that only training adds."""
        ...


@dataclass(frozen=True, slots=True)
class Classification:
    """Cross-entropy with labels or soft targets, and texts and classes that may count more or less.

    `word_dropout`: chance of a word being read as unknown while training. `class_weights`: factor
    of each class's texts while training, [C].
    """

    word_dropout: float = 0.0
    class_weights: Tensor | None = None

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """Read the batch; a text with a soft target is judged by its likeliest class."""
        device = next(model.parameters()).device
        ids, lengths, labels = (
            torch.from_numpy(array).to(device) for array in (batch.ids, batch.lengths, batch.labels)
        )
        if model.training and self.word_dropout:
            ids = with_unknown_words(ids, self.word_dropout)
        logits = model(ids, lengths).float()
        losses = cross_entropy(logits, _targets(batch, logits))
        if model.training and self.class_weights is not None:
            losses = losses * self.class_weights.to(device)[labels]
        if batch.weights is not None:
            losses = losses * torch.from_numpy(batch.weights).to(losses)
        return Loss(losses.sum(), len(labels), correct(logits, labels))


@dataclass(frozen=True, slots=True)
class NextToken:
    """Cross-entropy of each next token (`model.language.LanguageModel`)."""

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """Read the batch; its labels are not looked at."""
        device = next(model.parameters()).device
        ids, lengths = (torch.from_numpy(a).to(device) for a in (batch.ids, batch.lengths))
        losses, right = model(ids, lengths)
        return Loss(losses.sum(), len(losses), int(right.sum()))


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each text in nats, [B].

    Args:
        logits: [B] or [B, C].
        targets: class positions, int64 [B], or the share of each class, float32 [B, C].
    """
    if logits.ndim == 1:
        shares = targets if targets.ndim == 1 else targets[:, 1]
        return F.binary_cross_entropy_with_logits(logits, shares.to(logits), reduction="none")
    return F.cross_entropy(logits, targets, reduction="none")


def with_unknown_words(ids: Tensor, chance: float) -> Tensor:
    """Token ids [B, T] with words turned unknown by chance; padding stays."""
    dropped = (torch.rand(ids.shape, device=ids.device) < chance) & (ids != PAD_ID)
    return ids.masked_fill(dropped, UNKNOWN_ID)


def correct(logits: Tensor, labels: Tensor) -> int:
    """Texts of the batch whose most probable class is the right one."""
    guesses = (logits > 0).long() if logits.ndim == 1 else logits.argmax(dim=1)
    return int((guesses == labels).sum())


def balanced_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Weights [C] under which every class counts the same and a text counts 1 on average.

    Labels [0, 0, 0, 1] -> [2/3, 2]. A class without texts gets 0.
    """
    counts = np.bincount(labels, minlength=classes)
    present = counts > 0
    weights = np.zeros(classes, dtype=np.float32)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights


def _targets(batch: Batch, logits: Tensor) -> Tensor:
    found = batch.labels if batch.targets is None else batch.targets
    return torch.from_numpy(found).to(logits.device)
