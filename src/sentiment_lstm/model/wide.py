"""The wide path: features of a text straight to the logits, beside the LSTM.

Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems". Each feature has a weight for
each output unit. The logits are the sums over the features of a text, so a text can be read in
pieces. Shapes: B texts, K features of all texts together, F features in all, U output units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WidePath(nn.Module):
    """A linear model on sums of features.

    Args:
        features: the number of features, F.
        units: the number of output units, U.
    """

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features, units))

    def forward(self, ids: Tensor, counts: Tensor) -> Tensor:
        """Sum the weights of each text's features.

        Args:
            ids: indices of the features, text after text, int64 [K].
            counts: the number of features of each text, int64 [B].

        Returns:
            What the features add to the logits, float32 [B, U].
        """
        starts = counts.cumsum(0) - counts
        return F.embedding_bag(ids, self.weight, starts, mode="sum")
