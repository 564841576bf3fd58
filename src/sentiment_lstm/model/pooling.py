"""Pooling: one vector for each text from the hidden states of all its tokens.

Every kind has a state of constant size, so that a text can be read in pieces. Padding never
counts. Shapes: B texts, T tokens, W width of a hidden state (H, or 2H if bidirectional).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Pooled = tuple[Tensor, ...]
"""`last`: state [B, W]. `max+mean`: maximum [B, W], sum [B, W], tokens [B]. `max+mean+last`: these
and the state. `attention`: top score [B], weighted sum [B, W], sum of weights [B]."""


class Pooling(nn.Module):
    """Turns the hidden states of a text into one vector.

    `last`: the state after the last token. `max+mean`: maximum and mean over all tokens.
    `max+mean+last`: all three (Howard & Ruder 2018). `attention`: a mean with learnt weights (Yang
    et al. 2016, with a linear score).

    Args:
        kind: one of the four.
        width: width W of a hidden state, both directions together.
        both_ways: the second half of each state comes from reading from the end of the text.
    """

    def __init__(
        self,
        kind: Literal["last", "max+mean", "max+mean+last", "attention"],
        width: int,
        both_ways: bool,
    ) -> None:
        super().__init__()
        self.parts = kind.split("+")
        self.both_ways = both_ways
        self.width = width * len(self.parts)
        self.attention = nn.Linear(width, 1, bias=False) if kind == "attention" else None

    def start(self, zeros: Tensor) -> Pooled:
        """The state before the first token. `zeros`: [B, W]."""
        zero = zeros[:, 0]
        if self.attention:
            return zero - torch.inf, zeros, zero
        gathered = (zeros - torch.inf, zeros, zero) if "max" in self.parts else ()
        return (*gathered, zeros) if "last" in self.parts else gathered

    def forward(self, states: Tensor, lengths: Tensor, pooled: Pooled) -> Pooled:
        """The state after more tokens.

        Args:
            states: hidden states of the next tokens, [B, T, W].
            lengths: tokens without padding, int64 [B].
            pooled: the state before them.
        """
        real = torch.arange(states.shape[1], device=lengths.device) < lengths[:, None]
        if self.attention:
            return self._attend(states, real, pooled)
        gathered = _max_and_sum(states, real, pooled) if "max" in self.parts else ()
        return (*gathered, self._last(states, lengths)) if "last" in self.parts else gathered

    def summary(self, pooled: Pooled) -> Tensor:
        """The vector of each text for the output layer, [B, `width`]."""
        if self.attention:
            _, weighted, weights = pooled
            return weighted / weights[:, None]
        if "max" not in self.parts:
            return pooled[0]
        top, total, tokens, *last = pooled
        return torch.cat([top, total / tokens[:, None], *last], dim=1)

    def _last(self, states: Tensor, lengths: Tensor) -> Tensor:
        rows = torch.arange(states.shape[0], device=states.device)
        last = states[rows, lengths - 1]
        if not self.both_ways:
            return last
        half = states.shape[2] // 2  # at the first token, the backward half has read the whole text
        return torch.cat([last[:, :half], states[:, 0, half:]], dim=1)

    def _attend(self, states: Tensor, real: Tensor, pooled: Pooled) -> Pooled:
        """A softmax over all pieces: sums are kept relative to the highest score so far."""
        top, weighted, weights = pooled
        assert self.attention is not None
        scores = self.attention(states).squeeze(2).masked_fill(~real, -torch.inf)
        new_top = torch.maximum(top, scores.amax(dim=1))
        kept = torch.exp(top - new_top)
        now = torch.exp(scores - new_top[:, None])
        weighted = weighted * kept[:, None] + (now[:, None] @ states).squeeze(1)
        return new_top, weighted, weights * kept + now.sum(dim=1)


def _max_and_sum(states: Tensor, real: Tensor, pooled: Pooled) -> Pooled:
    top, total, tokens, *_ = pooled
    mask = ~real[:, :, None]
    return (
        torch.maximum(top, states.masked_fill(mask, -torch.inf).amax(dim=1)),
        total + states.masked_fill(mask, 0.0).sum(dim=1),
        tokens + real.sum(dim=1),
    )
