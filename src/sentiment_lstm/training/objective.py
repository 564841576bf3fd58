"""What training minimises: an objective turns a model and its batches into a loss.

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
from sentiment_lstm.training.perturbation import (
    Scores,
    full_precision,
    no_shift,
    random_shift,
    repeatable,
    steepest,
)

_PROBE = 0.1
"""Size of the random shift from which the virtual adversarial one is found."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What a batch cost.

    `total`: nats, a scalar summed over `units` (texts, or tokens). `right`: units judged right.
    `extra`: means of the terms that are minimised beside it, weighted and summed.
    """

    total: Tensor
    units: int
    right: int
    extra: Tensor | float = 0.0


class Objective(Protocol):
    """What a model is trained for."""

    def __call__(self, model: nn.Module, batch: Batch, unlabelled: Batch | None = None) -> Loss:
        """The loss of a batch; in the module's training mode with all that only training adds.

        `unlabelled`: texts for terms that need no labels, where there are such.
        """
        ...


@dataclass(frozen=True, slots=True)
class Classification:
    """Cross-entropy with labels or soft targets, and texts and classes that may count more or less.

    Three more terms may be added while training; together they are the mixed objective of Sachan,
    Zaheer & Salakhutdinov (2019). A term whose weight is 0 is not computed.

    `word_dropout`: chance of a word being read as unknown while training. `class_weights`: factor
    of each class's texts while training, [C]. `adversarial`, `virtual_adversarial`, `entropy`:
    weights of the terms. `perturbation`: size of a shift, the root mean square over a text's
    tokens of their L2 norms.
    """

    word_dropout: float = 0.0
    class_weights: Tensor | None = None
    adversarial: float = 0.0
    virtual_adversarial: float = 0.0
    entropy: float = 0.0
    perturbation: float = 0.25

    def __call__(self, model: nn.Module, batch: Batch, unlabelled: Batch | None = None) -> Loss:
        """Read the batch; a text with a soft target is judged by its likeliest class."""
        ids, lengths = self._words(model, batch)
        extra: Tensor | float = 0.0
        if model.training and self.adversarial:
            logits, attacked = self._attacked(model, batch, ids, lengths)
            extra = self.adversarial * attacked.mean()
        else:
            logits = model(ids, lengths).float()
        wanted = self.virtual_adversarial or self.entropy
        if model.training and wanted and unlabelled is not None:
            extra = extra + self._without_labels(model, unlabelled)
        losses = self._losses(model, batch, logits)
        labels = torch.from_numpy(batch.labels).to(logits.device)
        return Loss(losses.sum(), len(labels), correct(logits, labels), extra)

    def _words(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Ids, some of them unknown in training, and lengths, where the model is."""
        device = next(model.parameters()).device
        ids, lengths = (torch.from_numpy(a).to(device) for a in (batch.ids, batch.lengths))
        if model.training and self.word_dropout:
            ids = with_unknown_words(ids, self.word_dropout)
        return ids, lengths

    def _losses(self, model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:
        """What each text costs, weighted, [B]."""
        losses = cross_entropy(logits, _targets(batch, logits))
        if model.training and self.class_weights is not None:
            labels = torch.from_numpy(batch.labels).to(logits.device)
            losses = losses * self.class_weights.to(logits.device)[labels]
        if batch.weights is not None:
            losses = losses * torch.from_numpy(batch.weights).to(losses)
        return losses

    def _attacked(
        self, model: nn.Module, batch: Batch, ids: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits, and the losses under the shifts that raise them most, [B].

        Adversarial training on embeddings (Miyato, Dai & Goodfellow 2017). The gradient comes from
        the pass that is trained on anyway, and is taken as a constant.
        """
        scores, shift = repeatable(model, ids, lengths), no_shift(model, ids)
        logits = scores(shift)
        worst = steepest(self._losses(model, batch, logits), shift, self._size(lengths))
        return logits, self._losses(model, batch, scores(worst))

    def _without_labels(self, model: nn.Module, batch: Batch) -> Tensor | float:
        """The terms that need no labels, means over the texts.

        Entropy minimisation (Grandvalet & Bengio 2005) and virtual adversarial training (Miyato,
        Dai & Goodfellow 2017). Both start from the verdict as it is, in full precision: what a
        small shift changes is less than bfloat16 can tell.
        """
        ids, lengths = self._words(model, batch)
        scores = repeatable(model, ids, lengths)
        with full_precision(ids.device), torch.set_grad_enabled(bool(self.entropy)):
            verdict = scores(None)
        extra: Tensor | float = 0.0
        if self.entropy:
            extra = self.entropy * entropy(verdict).mean()
        if self.virtual_adversarial:
            probe = random_shift(model, ids, lengths, _PROBE)
            moved = self._moved(scores, verdict.detach(), probe, self._size(lengths))
            extra = extra + self.virtual_adversarial * moved.mean()
        return extra

    def _size(self, lengths: Tensor) -> Tensor:
        """The L2 norm of each text's shift, [B].

        Miyato, Dai & Goodfellow use one norm for all, of whole reviews; where sentences stand
        beside them, it would be many times as much a word there.
        """
        return self.perturbation * lengths.sqrt()

    def _moved(self, scores: Scores, verdict: Tensor, probe: Tensor, size: Tensor) -> Tensor:
        """How far verdicts move under the shift that moves them most, [B].

        At no shift at all the divergence has no slope; its slope at a small random one is a step
        of the power iteration that leads to the direction in which it curves most.
        """
        with full_precision(verdict.device):
            worst = steepest(divergence(verdict, scores(probe)), probe, size)
        return divergence(verdict, scores(worst))


@dataclass(frozen=True, slots=True)
class NextToken:
    """Cross-entropy of each next token (`model.language.LanguageModel`)."""

    def __call__(self, model: nn.Module, batch: Batch, unlabelled: Batch | None = None) -> Loss:
        """Read the batch; its labels are not looked at, nor are texts beside it."""
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


def entropy(logits: Tensor) -> Tensor:
    """Entropy of each text's verdict in nats, [B]; logits as in `cross_entropy`."""
    return cross_entropy(logits, _shares(logits))


def divergence(logits: Tensor, others: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the verdicts `others` from `logits` in nats, [B]."""
    return cross_entropy(others, _shares(logits)) - entropy(logits)


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


def _shares(logits: Tensor) -> Tensor:
    """The probability of each class, [B, C]."""
    if logits.ndim == 1:
        return torch.stack([-logits, logits], dim=1).sigmoid()
    return logits.softmax(dim=1)


def _targets(batch: Batch, logits: Tensor) -> Tensor:
    found = batch.labels if batch.targets is None else batch.targets
    return torch.from_numpy(found).to(logits.device)
