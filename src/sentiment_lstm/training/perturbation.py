"""Shifts of a batch's embeddings in the direction in which the loss rises most.

A shift is float32 [B, T, E] and zero at padding. Its size is its L2 norm over a whole text. This
file does not know which loss is computed with it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Scores = Callable[[Tensor | None], Tensor]
"""Takes a shift (or None), returns the logits of a batch, float32."""


def repeatable(model: nn.Module, ids: Tensor, lengths: Tensor) -> Scores:
    """A function that scores one batch with the same dropout at every call.

    So two results differ only because of the shift.

    Args:
        model: has the `forward` of `model.classifier.LSTMClassifier`.
        ids: int64 [B, T].
        lengths: int64 [B].
    """
    seed = int(torch.randint(2**31, ()))

    def scores(shift: Tensor | None) -> Tensor:
        torch.manual_seed(seed)
        logits: Tensor = model(ids, lengths, shift=shift)
        return logits.float()

    return scores


def no_shift(model: nn.Module, ids: Tensor) -> Tensor:
    """A shift of zeros, for the gradient at the embeddings themselves."""
    width = model.get_parameter("embedding.weight").shape[1]
    return torch.zeros(*ids.shape, width, device=ids.device, requires_grad=True)


def steepest(losses: Tensor, shift: Tensor, size: float | Tensor) -> Tensor:
    """The shift of a given size that raises each text's loss most, to first order.

    It has the direction of the gradient (Miyato, Dai & Goodfellow 2017). The graph of the losses is
    kept.

    Args:
        losses: the loss of each text, computed under `shift`, [B].
        shift: where the gradient is taken, [B, T, E].
        size: L2 norm over a text, one number for all texts or [B].
    """
    (gradient,) = torch.autograd.grad(losses.sum(), shift, retain_graph=True)
    return resized(gradient, size)


def resized(direction: Tensor, size: float | Tensor) -> Tensor:
    """`direction` [B, T, E], scaled to the L2 norm `size` over each text. Zeros stay zeros.

    `size`: one number for all texts, or [B].
    """
    # Divided by the largest number first: squares of a very small gradient would become 0.
    direction = direction / direction.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    length: Tensor = torch.linalg.vector_norm(direction, dim=(1, 2), keepdim=True)
    norm = size[:, None, None] if isinstance(size, Tensor) else size
    return direction * (norm / length.clamp_min(1e-30))
