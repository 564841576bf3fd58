"""(torch) How far back gradients reach in a saved model: their norm by distance from the end.

Knows token ids and no text. Shapes: T tokens, E embedding size, H hidden size.
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
"""How many random directions of the last state are averaged. The result is exact where units do not
mix, as along the cell state. Elsewhere it is within about a tenth."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Norms of gradients with respect to each token's embedding, float64 [T], last token first.

    Index d is the token d tokens before the end.

    `score`: the gradient of the last class's logit, along all paths.
    `memory`: the gradient of the last layer's last hidden state, root mean square over directions
    of length 1. It reaches earlier tokens through the recurrent state alone. Pooling, which gives
    the score shorter paths, plays no part.
    """

    score: NDArray[np.float64]
    memory: NDArray[np.float64]

    def to_dict(self) -> dict[str, list[float]]:
        """The norms by name."""
        return {"score": self.score.tolist(), "memory": self.memory.tolist()}


def measure_reach(bundle: Bundle, ids: NDArray[np.int32]) -> Reach:
    """Measure how far back the score and the last state depend on a text.

    The norm of the gradient by distance in time: Pascanu, Mikolov & Bengio 2013.

    Args:
        bundle: a model of one direction.
        ids: token ids, [T], at least one.
    """
    config = bundle.config
    model = classifier_from(
        config.model, len(config.classes), bundle.weights, multi_label=config.multi_label
    )
    model = model.eval().double()
    batch = torch.from_numpy(ids.astype(np.int64))[None]
    with one_thread():
        norms = _gradient_norms(*_score(model, batch)), _memory_norms(model, batch)
    score, memory = (values.flip(0).numpy() for values in norms)
    return Reach(score, memory)


def _memory_norms(model: LSTMClassifier, ids: Tensor) -> Tensor:
    state, x = _last_state(model, ids)
    random = torch.Generator().manual_seed(0)
    squares = torch.zeros(len(x[0]), dtype=x.dtype)
    for _ in range(_PROBES):
        signs = 2.0 * torch.randint(2, state.shape, generator=random).to(state) - 1.0
        squares += _gradient_norms((state * signs / signs.norm()).sum(), x) ** 2
    return torch.sqrt(squares / _PROBES)


def _score(model: LSTMClassifier, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The last class's logit, and the shift of the embeddings, [1, T, E], that it depends on."""
    shift = model.embedding(ids).detach().mul(0).requires_grad_()
    logits = model(ids, torch.tensor([ids.shape[1]]), shift=shift)
    return logits.reshape(-1)[-1], shift


def _last_state(model: LSTMClassifier, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The last layer's state after the last token, [H], and the embeddings, [1, T, E]."""
    embedded = x = model.embedding(ids).detach().requires_grad_()
    for lstm in model.ahead:
        x, _ = lstm(x)
    return x[0, -1], embedded


def _gradient_norms(value: Tensor, x: Tensor) -> Tensor:
    """The norm of d value / d x at each token, [T]."""
    (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
    norms: Tensor = gradient[0].norm(dim=1)
    return norms
