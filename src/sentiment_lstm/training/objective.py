"""What training minimises. Knows logits and labels, nothing of the model that made them.

Shapes: B texts, C classes; logits are [B] for two classes (the second one's), else [B, C].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logits: Tensor, labels: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Cross-entropy in nats, summed over the batch; a scalar.

    Args:
        logits: [B] or [B, C].
        labels: class positions, int64 [B].
        class_weights: factor of each class's texts, [C]; None: 1.
    """
    if logits.ndim == 1:
        losses = F.binary_cross_entropy_with_logits(logits, labels.to(logits), reduction="none")
    else:
        losses = F.cross_entropy(logits, labels, reduction="none")
    return (losses if class_weights is None else losses * class_weights[labels]).sum()


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
