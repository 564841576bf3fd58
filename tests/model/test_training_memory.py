"""Training keeps no graph and no tensor from one step to the next."""

import gc
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from small_classifier import build, full, pad, texts
from torch import Tensor

from sentiment_lstm.model.classifier import State


class Kept:
    """A tensor that autograd keeps for a backward pass."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def kept_after_each(train_step: Callable[[], None], steps: int) -> Iterator[int]:
    """Yield after each step how many tensors autograd still keeps for a backward pass."""
    alive: weakref.WeakSet[Kept] = weakref.WeakSet()

    def pack(tensor: Tensor) -> Kept:
        kept = Kept(tensor)
        alive.add(kept)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        for _ in range(steps):
            train_step()
            yield len(alive)


def live_tensors() -> int:
    """Count the live tensors. `type` is used because some objects warn on `isinstance`."""
    gc.collect()
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())


@pytest.mark.parametrize("both", [False, True])
def test_memory_stays_flat_over_a_thousand_steps(both):
    model = build(both=both, layers=1).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    ids, lengths = pad(texts(3, 2), 3)
    seen = []

    def train_step() -> None:
        optimizer.zero_grad()
        loss = model(ids, lengths).square().sum()
        seen.append(loss.grad_fn is not None)
        loss.backward()
        optimizer.step()

    assert set(kept_after_each(train_step, steps=1000)) == {0}
    assert seen == [True] * 1000
    before = live_tensors()
    list(kept_after_each(train_step, steps=10))
    assert live_tensors() == before


def test_the_measurement_detects_a_state_carried_across_steps():
    """Here each batch continues from the state of the previous one."""
    model = build(layers=1).train()
    ids, lengths = pad(texts(3, 2), 3)
    states: list[State | None] = [None]

    def train_step() -> None:
        model(ids, lengths, states[0]).square().sum().backward(retain_graph=True)
        _, states[0] = model.read(ids, full(ids), states[0])

    counts = list(kept_after_each(train_step, steps=5))
    assert all(later > earlier for earlier, later in pairwise(counts))
