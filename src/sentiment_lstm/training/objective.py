"""Objectives: they compute a loss from a model and a batch.

Shapes: B texts, T tokens, C classes. Logits are [B] for two classes (the second's), else [B, C].
If a text may have several labels, logits are [B, C] and targets bool [B, C].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sentiment_lstm.records import PAD_ID, UNKNOWN_ID, Batch, has_several
from sentiment_lstm.training.perturbation import no_shift, repeatable, steepest


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a batch.

    `total`: a scalar in nats, summed over `units` (texts or tokens). `right`: units that were
    predicted correctly. `extra`: the weighted adversarial loss, a mean over texts.
    """

    total: Tensor
    units: int
    right: int
    extra: Tensor | float = 0.0

    @property
    def mean(self) -> Tensor:
        """What training minimises: the mean over the units, with the extra loss."""
        return self.total / self.units + self.extra


class Objective(Protocol):
    """Computes the loss that training minimises."""

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """The loss of a batch. In training mode, training's own terms are added."""
        ...


@dataclass(frozen=True, slots=True)
class Classification:
    """Cross-entropy with labels or soft targets, weighted by text and by class.

    In training, the adversarial loss may be added. With weight 0 it is not computed.

    `word_dropout`: probability that a word is read as unknown in training. `class_weights`: a
    factor for the loss of each class's texts in training, [C]. `adversarial`: the weight of the
    adversarial loss. `perturbation`: size of its shift, the root mean square of its L2 norms over a
    text's tokens.
    """

    word_dropout: float = 0.0
    class_weights: Tensor | None = None
    adversarial: float = 0.0
    perturbation: float = 0.25

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """Compute the loss. For a text with a soft target, the likeliest class counts as right.

        A text that may have several labels counts as right if all are right, with 0.5 as threshold.
        """
        ids, lengths = self._words(model, batch)
        extra: Tensor | float = 0.0
        if model.training and self.adversarial:
            logits, attacked = self._attacked(model, batch, ids, lengths)
            extra = self.adversarial * attacked.mean()
        else:
            logits = model(ids, lengths).float()
        losses = self._losses(model, batch, logits)
        return Loss(losses.sum(), len(losses), correct(logits, _labels(batch, logits)), extra)

    def _words(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Ids and lengths on the model's device; in training, with word dropout."""
        device = next(model.parameters()).device
        ids, lengths = (torch.from_numpy(a).to(device) for a in (batch.ids, batch.lengths))
        if model.training and self.word_dropout:
            ids = with_unknown_words(ids, self.word_dropout)
        return ids, lengths

    def _losses(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:
        """The loss of each text in nats, [B]; weighted in training."""
        losses = cross_entropy(logits, _targets(batch, logits))
        if model.training and self.class_weights is not None:
            labels = torch.from_numpy(batch.labels).to(logits.device)
            losses = losses * self.class_weights.to(logits.device)[labels]
        # The mean loss of validation texts is comparable with other numbers, which have no weights.
        if model.training and batch.weights is not None:
            losses = losses * torch.from_numpy(batch.weights).to(losses)
        return losses

    def _attacked(
        self, model: nn.Module, batch: Batch, ids: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits, and the losses [B] under the shifts that raise the losses most.

        Adversarial training on embeddings (Miyato, Dai & Goodfellow 2017). The gradient comes from
        the forward pass that training needs anyway, and is treated as a constant.
        """
        scores, shift = repeatable(model, ids, lengths), no_shift(model, ids)
        logits = scores(shift)
        worst = steepest(self._losses(model, batch, logits), shift, self._size(lengths))
        return logits, self._losses(model, batch, scores(worst))

    def _size(self, lengths: Tensor) -> Tensor:
        """The L2 norm of each text's shift, [B].

        It grows with the length of the text. Miyato, Dai & Goodfellow use one norm for all texts,
        but all their texts are long. That norm would shift each word of a short sentence too far.
        """
        return self.perturbation * lengths.sqrt()


@dataclass(frozen=True, slots=True)
class NextToken:
    """Cross-entropy of each next token (`model.language.LanguageModel`)."""

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """Compute the loss of the batch's tokens. Labels are not used."""
        device = next(model.parameters()).device
        ids, lengths = (torch.from_numpy(a).to(device) for a in (batch.ids, batch.lengths))
        losses, right = model(ids, lengths)
        return Loss(losses.sum(), len(losses), int(right.sum()))


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each text in nats, [B].

    Args:
        logits: [B] or [B, C].
        targets: class indices, int64 [B]; the probability of each class, float32 [B, C]; or which
            labels the texts have, bool [B, C]. The loss of a text is then the sum over its labels.
    """
    if targets.dtype == torch.bool:
        losses = F.binary_cross_entropy_with_logits(logits, targets.to(logits), reduction="none")
        return losses.sum(dim=1)
    if logits.ndim == 1:
        second = targets if targets.ndim == 1 else targets[:, 1]
        return F.binary_cross_entropy_with_logits(logits, second.to(logits), reduction="none")
    return F.cross_entropy(logits, targets, reduction="none")


def with_unknown_words(ids: Tensor, probability: float) -> Tensor:
    """Token ids [B, T] with random words made unknown. Padding stays."""
    dropped = (torch.rand(ids.shape, device=ids.device) < probability) & (ids != PAD_ID)
    return ids.masked_fill(dropped, UNKNOWN_ID)


def correct(logits: Tensor, labels: Tensor) -> int:
    """The number of texts whose class, int64 [B], or set of labels, bool [B, C], is predicted."""
    if labels.dtype == torch.bool:
        return int(((logits > 0) == labels).all(dim=1).sum())
    predicted = (logits > 0).long() if logits.ndim == 1 else logits.argmax(dim=1)
    return int((predicted == labels).sum())


def balanced_weights(
    labels: NDArray[np.int64], classes: int, text_weights: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Weights [C] with which all classes count the same; their mean over the texts is 1.

    Labels [0, 0, 0, 1] -> [2/3, 2]. A class without texts gets 0. `text_weights`: how much each
    text counts, [N]; None: 1 for all.
    """
    counts = np.bincount(labels, text_weights, minlength=classes)
    present = counts > 0
    weights = np.zeros(classes, dtype=np.float32)
    total = len(labels) if text_weights is None else counts.sum()
    weights[present] = total / (present.sum() * counts[present])
    return weights


def _targets(batch: Batch, logits: Tensor) -> Tensor:
    targets = batch.labels if batch.targets is None else batch.targets
    return torch.from_numpy(targets).to(logits.device)


def _labels(batch: Batch, logits: Tensor) -> Tensor:
    """Class indices, int64 [B]; or, where a text may have several, its labels, bool [B, C]."""
    sets = batch.targets is not None and has_several(batch.targets)
    return torch.from_numpy(batch.targets if sets else batch.labels).to(logits.device)
