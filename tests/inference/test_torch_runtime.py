import numpy as np
import pytest
import torch

from sentiment_lstm.inference import runtime as module
from sentiment_lstm.inference.torch_runtime import TorchRuntime
from sentiment_lstm.model.weights import classifier_from, load_weights, to_arrays
from sentiment_lstm.records import Encoded

POOLINGS = ("last", "max+mean", "max+mean+last", "attention")


def texts_of(*lengths: int) -> list[Encoded]:
    rng = np.random.default_rng(1)
    return [Encoded(rng.integers(1, 8, size=n).astype(np.int32)) for n in lengths]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_logits_are_those_of_the_model(make_bundle, pooling, bidirectional, classes):
    bundle = make_bundle(classes, pooling=pooling, bidirectional=bidirectional)
    model = classifier_from(bundle.config.model, len(classes), bundle.weights).eval()
    texts = texts_of(5, 1, 3)
    with torch.no_grad():
        expected = [
            model(torch.tensor(t.ids)[None].long(), torch.tensor([len(t.ids)]))[0] for t in texts
        ]
    logits = TorchRuntime(bundle).score(texts)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, np.stack(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_long_texts_are_read_in_pieces(make_bundle, monkeypatch, pooling, classes):
    """The last piece of a text may have one token, or be full."""
    bundle = make_bundle(classes, pooling=pooling)
    texts = texts_of(3, 4, 5, 8, 9, 2)
    expected = TorchRuntime(bundle).score(texts)
    monkeypatch.setattr(module, "PIECE", 4)
    runtime = TorchRuntime(bundle)
    widths = []
    runtime._model.embedding.register_forward_hook(lambda _, x, __: widths.append(x[0].shape[1]))
    np.testing.assert_allclose(runtime.score(texts), expected, rtol=0, atol=1e-6)
    assert max(widths) == 4


def test_bidirectional_models_read_long_texts_whole(make_bundle, monkeypatch):
    bundle = make_bundle(bidirectional=True)
    expected = TorchRuntime(bundle).score(texts_of(9))
    monkeypatch.setattr(module, "PIECE", 4)
    np.testing.assert_array_equal(TorchRuntime(bundle).score(texts_of(9)), expected)


def test_building_draws_no_random_numbers(bundle):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    TorchRuntime(bundle)
    assert torch.equal(torch.rand(1), expected)


def test_weights_go_in_and_out_unchanged(bundle):
    model = classifier_from(bundle.config.model, 2, bundle.weights)
    arrays = to_arrays(model.state_dict())
    assert arrays.keys() == bundle.weights.keys()
    for name, array in bundle.weights.items():
        np.testing.assert_array_equal(arrays[name], array)
    with torch.no_grad():
        model.output.bias.add_(1.0)
    np.testing.assert_array_equal(arrays["output.bias"], bundle.weights["output.bias"])


def test_chosen_weights_can_be_loaded_alone(bundle, make_bundle):
    model = classifier_from(bundle.config.model, 2, bundle.weights)
    load_weights(model, {"output.bias": np.array([7.0], np.float32)})
    assert model.output.bias.item() == 7.0
    after = to_arrays(model.state_dict())
    np.testing.assert_array_equal(after["output.weight"], bundle.weights["output.weight"])
