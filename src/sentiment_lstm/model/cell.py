"""One step of the LSTM as its six equations.

Hochreiter & Schmidhuber 1997; the forget gate: Gers, Schmidhuber & Cummins 2000. The classifier
uses the faster `torch.nn.LSTM`, which is tested against this file. Both have the rows of
their parameters in the same order: input gate, forget gate, candidate, output gate.
"""

from __future__ import annotations

import torch
from torch import Tensor


def lstm_cell(
    x: Tensor, h: Tensor, c: Tensor, w_x: Tensor, w_h: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Read one token.

    Args:
        x: input of this step, [B, E].
        h: hidden state before it, [B, H].
        c: cell state before it, [B, H].
        w_x: input weights, [4H, E]; rows in the order i, f, g, o.
        w_h: recurrent weights, [4H, H], in the same order.
        bias: [4H], in the same order (the sum of `nn.LSTM`'s two biases).

    Returns:
        The new hidden state and the new cell state, each [B, H].
    """
    to_i, to_f, to_g, to_o = (x @ w_x.T + h @ w_h.T + bias).chunk(4, dim=1)
    i = torch.sigmoid(to_i)  # input gate: how much of the candidate is added
    f = torch.sigmoid(to_f)  # forget gate: how much of the old cell state stays
    g = torch.tanh(to_g)  # candidate: what may be added
    o = torch.sigmoid(to_o)  # output gate: how much of the cell state is shown
    c = f * c + i * g
    h = o * torch.tanh(c)
    return h, c


def lstm_layer(
    x: Tensor, h: Tensor, c: Tensor, w_x: Tensor, w_h: Tensor, bias: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Read a sequence, one token at a time.

    Args:
        x: inputs, [B, T, E].
        h: hidden state before the first step, [B, H].
        c: cell state before the first step, [B, H].
        w_x: input weights, [4H, E], as in `lstm_cell`.
        w_h: recurrent weights, [4H, H].
        bias: [4H].

    Returns:
        All hidden states [B, T, H], and the last hidden state and cell state, each [B, H].
    """
    states = []
    for x_t in x.unbind(dim=1):
        h, c = lstm_cell(x_t, h, c, w_x, w_h, bias)
        states.append(h)
    return torch.stack(states, dim=1), (h, c)
