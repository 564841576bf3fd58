"""Shifts of a batch's embeddings: towards a higher loss, or by chance; and scoring under them.

A shift is float32 [B, T, E], zero at padding; its size is the L2 norm over a whole text. What is
lost under it, and with what labels, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

Scores = Callable[[Tensor | None], Tensor]
"""From a shift (None: none) to the logits of a batch, float32."""


def repeatable(model: nn.Module, ids: Tensor, lengths: Tensor) -> Scores:
    """Scores of one batch, with the same dropout at every call: only the shift tells them apart.

    Args:
        model: called as `model.classifier.LSTMClassifier` is.
        ids: int64 [B, T].
        lengths: int64 [B].
    """
    seed = int(torch.randint(2**31, ()))

    def scores(shift: Tensor | None) -> Tensor:
        torch.manual_seed(seed)
        logits: Tensor = model(ids, lengths, shift=shift)
        return logits.float()

    return scores


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Products in float32 inside the block, whatever the training's precision."""
    return torch.autocast(device.type, enabled=False)


def no_shift(model: nn.Module, ids: Tensor) -> Tensor:
    """Zeros, by which to take the gradient at the embeddings themselves."""
    width = model.get_parameter("embedding.weight").shape[1]
    return torch.zeros(*ids.shape, width, device=ids.device, requires_grad=True)


def random_shift(model: nn.Module, ids: Tensor, lengths: Tensor, size: float) -> Tensor:
    """A shift in a random direction, by which a gradient can be taken."""
    zeros = no_shift(model, ids).detach()
    real = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
    return resized(torch.randn_like(zeros) * real[:, :, None], size).requires_grad_()


def steepest(losses: Tensor, shift: Tensor, size: float | Tensor) -> Tensor:
    """The shift of a given size that raises each text's loss most, to first order.

    That is the gradient's direction (Miyato, Dai & Goodfellow 2017). The graph of the losses stays.

    Args:
        losses: of each text, [B], computed under `shift`.
        shift: where the gradient is taken, [B, T, E].
        size: L2 norm over a text, of all texts or of each, [B].
    """
    (gradient,) = torch.autograd.grad(losses.sum(), shift, retain_graph=True)
    return resized(gradient, size)


def resized(direction: Tensor, size: float | Tensor) -> Tensor:
    """Each text's `direction` [B, T, E] at the given L2 norm, one or [B]; zeros stay zeros."""
    # Divided by the largest number first: squares of a faint gradient would vanish.
    direction = direction / direction.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    length: Tensor = torch.linalg.vector_norm(direction, dim=(1, 2), keepdim=True)
    wanted = size[:, None, None] if isinstance(size, Tensor) else size
    return direction * (wanted / length.clamp_min(1e-30))
