"""The network in NumPy against that of PyTorch."""

import numpy as np
import pytest

from sentiment_lstm.interpret.network import Network, can_differentiate
from sentiment_lstm.settings import ModelSettings

torch = pytest.importorskip("torch")

from sentiment_lstm.model.weights import classifier_from  # noqa: E402

IDS = np.array([[2, 3, 4, 5, 2], [6, 2, 3, 0, 0], [5, 0, 0, 0, 0]])
LENGTHS = np.array([5, 3, 1])


@pytest.mark.parametrize("pooling", ["last", "max+mean", "max+mean+last"])
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_logits_and_gradients_are_those_of_torch(make_bundle, pooling, classes):
    bundle = make_bundle(classes, pooling=pooling, layers=2)
    network = Network(bundle)
    x = network.embedding[IDS]
    model = classifier_from(bundle.config.model, len(classes), bundle.weights).eval()
    shift = torch.zeros(x.shape, requires_grad=True)
    expected = model(torch.from_numpy(IDS), torch.from_numpy(LENGTHS), shift=shift).reshape(3, -1)
    expected.square().sum().backward()
    logits = network.logits(x, LENGTHS)
    np.testing.assert_allclose(logits, expected.detach().numpy(), atol=1e-5)
    by_x, by_logits = network.gradients(x, LENGTHS, lambda values: 2 * values)
    np.testing.assert_allclose(by_logits, 2 * logits, atol=1e-5)
    np.testing.assert_allclose(by_x, shift.grad.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "can"),
    [
        (ModelSettings(layers=2), True),
        (ModelSettings(bidirectional=True), False),
        (ModelSettings(pooling="attention"), False),
    ],
)
def test_two_directions_and_attention_are_left_to_others(settings, can):
    assert can_differentiate(settings) is can
