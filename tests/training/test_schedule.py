from itertools import pairwise

import pytest
import torch
from torch import nn

from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training.schedule import WeightAverage, learning_rate, weights_swapped


def rates(total: int | None = 100, **changes) -> list[float]:
    settings = TrainingSettings(learning_rate=1.0, warmup=0.1, epochs=4, **changes)
    return [learning_rate(settings, step, total, step // 25) for step in range(100)]


def test_warm_up_is_linear_and_ends_at_the_peak():
    learning_rates = rates(decay="none")
    assert learning_rates[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert set(learning_rates[10:]) == {1.0}


@pytest.mark.parametrize(("decay", "half"), [("linear", 0.5), ("cosine", 0.5)])
def test_decay_falls_to_nearly_nothing(decay: str, half: float):
    learning_rates = rates(decay=decay)
    assert learning_rates[50] == pytest.approx(half)
    assert 0 < learning_rates[-1] < 0.02
    assert all(a >= b for a, b in pairwise(learning_rates[10:]))


def test_a_stream_without_end_decays_by_epoch():
    learning_rates = rates(total=None, decay="linear")
    assert learning_rates[99] == pytest.approx(0.25)


def test_the_average_follows_the_weights_and_can_replace_them():
    module = nn.Linear(1, 1)
    average = WeightAverage(module, 0.9)
    before = module.weight.item()
    with torch.no_grad():
        module.weight += 1
    average.update(module, step=1000)
    assert average.weights["weight"].item() == pytest.approx(before + 0.1)
    with weights_swapped(module, average.weights):
        assert module.weight.item() == pytest.approx(before + 0.1)
    assert module.weight.item() == pytest.approx(before + 1)
