"""One LSTM step written as its six equations (Hochreiter & Schmidhuber 1997; forget gate: Gers,
Schmidhuber & Cummins 2000).

This is the reference that the fast path, `torch.nn.LSTM`, is tested against; it shares that
module's parameter layout (gates stacked in the order input, forget, candidate, output).
"""

from __future__ import annotations

import torch
from torch import Tensor


def lstm_cell(
    x: Tensor, h: Tensor, c: Tensor, w_x: Tensor, w_h: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Take one step in time.

    Args:
        x: input at this step, [B, E].
        h: hidden state so far, [B, H].
        c: cell state so far, [B, H].
        w_x: input weights, [4H, E]; rows in the order i, f, g, o.
        w_h: recurrent weights, [4H, H]; the same order.
        bias: [4H]; the same order (`nn.LSTM`'s two biases summed).

    Returns:
        The new hidden and cell state, each [B, H].
    """
    to_i, to_f, to_g, to_o = (x @ w_x.T + h @ w_h.T + bias).chunk(4, dim=1)
    i = torch.sigmoid(to_i)  # input gate: how much of the candidate enters
    f = torch.sigmoid(to_f)  # forget gate: how much of the old cell stays
    g = torch.tanh(to_g)  # candidate: what could enter
    o = torch.sigmoid(to_o)  # output gate: how much of the cell is shown
    c = f * c + i * g
    h = o * torch.tanh(c)
    return h, c


def lstm_layer(
    x: Tensor, h: Tensor, c: Tensor, w_x: Tensor, w_h: Tensor, bias: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run the cell over a sequence.

    Args:
        x: inputs, [B, T, E]; the others as in `lstm_cell`.
        h: hidden state before the first step, [B, H].
        c: cell state before the first step, [B, H].
        w_x: [4H, E].
        w_h: [4H, H].
        bias: [4H].

    Returns:
        Hidden states [B, T, H], and the last hidden and cell state, each [B, H].
    """
    states = []
    for x_t in x.unbind(dim=1):
        h, c = lstm_cell(x_t, h, c, w_x, w_h, bias)
        states.append(h)
    return torch.stack(states, dim=1), (h, c)
