import pytest
import torch
from torch import Tensor, nn

from sentiment_lstm.model.cell import lstm_cell, lstm_layer

CLOSE = {"rtol": 0.0, "atol": 1e-10}


def reference(
    inputs: int, hidden: int, batch: int, tokens: int
) -> tuple[nn.LSTM, list[Tensor], Tensor]:
    """PyTorch's LSTM, its parameters in the form of the cell, and an input, all in float64."""
    torch.manual_seed(0)
    lstm = nn.LSTM(inputs, hidden, batch_first=True, dtype=torch.float64)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    copies = [lstm.get_parameter(name).detach().clone().requires_grad_() for name in names]
    return lstm, copies, torch.randn(batch, tokens, inputs, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 2, 1, 5), (2, 4, 3, 7)])
def test_layer_equals_torch_in_values_and_gradients(shape):
    lstm, (w_x, w_h, b_x, b_h), x = reference(*shape)
    theirs_x, ours_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    h, c = torch.randn(2, x.shape[0], w_h.shape[1], dtype=torch.float64)

    theirs, (their_h, their_c) = lstm(theirs_x, (h[None], c[None]))
    ours, (our_h, our_c) = lstm_layer(ours_x, h, c, w_x, w_h, b_x + b_h)
    torch.testing.assert_close(ours, theirs, **CLOSE)
    torch.testing.assert_close(our_h, their_h[0], **CLOSE)
    torch.testing.assert_close(our_c, their_c[0], **CLOSE)

    weigh = torch.randn_like(ours)  # a plain sum would not notice swapped states
    ((theirs * weigh).sum() + their_c.square().sum()).backward()
    ((ours * weigh).sum() + our_c.square().sum()).backward()
    pairs = zip([ours_x, w_x, w_h, b_x, b_h], [theirs_x, *lstm.parameters()], strict=True)
    for our, their in pairs:
        torch.testing.assert_close(our.grad, their.grad, **CLOSE)


def test_layer_is_the_cell_repeated():
    _, (w_x, w_h, b_x, b_h), x = reference(3, 2, 4, 2)
    zeros = torch.zeros(4, 2, dtype=torch.float64)
    first = lstm_cell(x[:, 0], zeros, zeros, w_x, w_h, b_x + b_h)
    second = lstm_cell(x[:, 1], *first, w_x, w_h, b_x + b_h)
    states, last = lstm_layer(x, zeros, zeros, w_x, w_h, b_x + b_h)
    torch.testing.assert_close(states, torch.stack([first[0], second[0]], dim=1))
    torch.testing.assert_close(last, second)


def test_an_open_forget_gate_keeps_the_state_and_closed_gates_hide_it():
    """Input and output gates are closed, the forget gate is open, the candidate is large."""
    wide = 50.0
    bias = torch.tensor([-wide, wide, wide, -wide])
    h, c = lstm_cell(
        torch.ones(1, 1), torch.ones(1, 1), torch.full((1, 1), 0.7), *torch.zeros(2, 4, 1), bias
    )
    torch.testing.assert_close(c, torch.full((1, 1), 0.7))
    torch.testing.assert_close(h, torch.zeros(1, 1))
