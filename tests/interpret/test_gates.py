import numpy as np
import pytest
import torch

from sentiment_lstm.interpret.gates import Gates, gates
from sentiment_lstm.model.cell import lstm_layer

IDS = np.array([3, 1, 4, 1, 5], dtype=np.int32)


@pytest.mark.parametrize("layers", [1, 2])
def test_states_follow_the_cells_equations(make_bundle, layers):
    weights = make_bundle(layers=layers).weights
    x = torch.from_numpy(weights["embedding.weight"][IDS])[None]
    read = gates(weights, IDS)
    assert len(read) == layers
    for number, layer in enumerate(read):
        w_x, w_h, b_x, b_h = (
            torch.from_numpy(weights[f"ahead.{number}.{kind}_l0"])
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        zeros = torch.zeros(1, w_h.shape[1])
        x = lstm_layer(x, zeros, zeros, w_x, w_h, b_x + b_h)[0]
        np.testing.assert_allclose(layer.hidden, x[0].numpy(), rtol=0, atol=1e-5)


def test_the_forget_gate_decides_what_the_cell_keeps(make_bundle):
    (layer,) = gates(make_bundle(layers=1).weights, IDS)
    kept = layer.forget[1:] * layer.cell[:-1] + layer.input[1:] * layer.candidate[1:]
    np.testing.assert_allclose(layer.cell[1:], kept, rtol=0, atol=1e-6)
    shown = layer.output * np.tanh(layer.cell)
    np.testing.assert_allclose(layer.hidden, shown, rtol=0, atol=1e-6)
    for gate in (layer.input, layer.forget, layer.output):
        assert ((gate > 0) & (gate < 1)).all()


def test_half_life_counts_tokens():
    forget = np.array([[0.5, 0.9, 1.0]] * 4, dtype=np.float32)
    layer = Gates(forget, forget, forget, forget, forget, forget)
    np.testing.assert_allclose(layer.half_life(), [1.0, 6.58, np.inf], rtol=1e-3)
    uneven = np.array([[0.25], [1.0]], dtype=np.float32)  # a quarter is left after two tokens
    layer = Gates(uneven, uneven, uneven, uneven, uneven, uneven)
    np.testing.assert_allclose(layer.half_life(), [1.0], rtol=1e-6)


def test_bidirectional_models_have_gates_of_a_single_layer_only(make_bundle):
    assert len(gates(make_bundle(layers=1, bidirectional=True).weights, IDS)) == 1
    with pytest.raises(ValueError, match="Expected a model of one direction"):
        gates(make_bundle(layers=2, bidirectional=True).weights, IDS)
