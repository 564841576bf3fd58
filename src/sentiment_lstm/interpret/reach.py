"""(torch) How far back gradients reach in a saved model: their norm by distance from the end.

Knows token ids, nothing of text. Shapes: T tokens, E embedding, H hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.threads import one_thread
from sentiment_lstm.model.weights import classifier_from

_PROBES = 8
"""Random signs of the units of the last state whose gradients are averaged. What reaches the state
unit by unit, through the cell, they measure exactly; the rest within some tenth."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Norms of gradients with respect to the embedding of each token, float64 [T], from the last
    token back: place d is d tokens before the end.

    `score`: of the last class's logit, by every way there is. `memory`: of the last layer's last
    hidden state (root mean square over directions of length 1), which earlier tokens reach through
    the LSTM's own state alone; a pooling has shorter ways.
    """

    score: NDArray[np.float64]
    memory: NDArray[np.float64]

    def to_dict(self) -> dict[str, list[float]]:
        """The norms by name."""
        return {"score": self.score.tolist(), "memory": self.memory.tolist()}


def reach(bundle: Bundle, ids: NDArray[np.int32]) -> Reach:
    """Measure how far back the score and the last state look (Pascanu, Mikolov & Bengio 2013).

    Args:
        bundle: a model of one direction.
        ids: token ids, [T], at least one.
    """
    config = bundle.config
    model = classifier_from(config.model, len(config.classes), bundle.weights).eval().double()
    given = torch.from_numpy(ids.astype(np.int64))[None]
    with one_thread():
        found = _norms(*_score(model, given)), _memory(model, given)
    score, memory = (values.flip(0).numpy() for values in found)
    return Reach(score, memory)


def _memory(model: LSTMClassifier, ids: Tensor) -> Tensor:
    states, x = _last_state(model, ids)
    random = torch.Generator().manual_seed(0)
    squares = torch.zeros(len(x[0]), dtype=x.dtype)
    for _ in range(_PROBES):
        direction = 2.0 * torch.randint(2, states.shape, generator=random).to(states) - 1.0
        squares += _norms((states * direction / direction.norm()).sum(), x) ** 2
    return torch.sqrt(squares / _PROBES)


def _score(model: LSTMClassifier, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The last class's logit, and a shift of the embeddings that it depends on."""
    shift = model.embedding(ids).detach().mul(0).requires_grad_()
    logits = model(ids, torch.tensor([ids.shape[1]]), shift=shift)
    return logits.reshape(-1)[-1], shift


def _last_state(model: LSTMClassifier, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The last layer's state after the last token, [H], and the embeddings it depends on."""
    first = x = model.embedding(ids).detach().requires_grad_()
    for lstm in model.ahead:
        x, _ = lstm(x)
    return x[0, -1], first


def _norms(value: Tensor, x: Tensor) -> Tensor:
    """The norm of d value / d x at each token, [T]."""
    (slope,) = torch.autograd.grad(value, x, retain_graph=True)
    norms: Tensor = slope[0].norm(dim=1)
    return norms
