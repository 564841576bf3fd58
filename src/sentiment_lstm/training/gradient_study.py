"""(torch) Vanishing and exploding gradients, measured: small networks trained alike on one task.

It needs a long memory; how far back the loss's gradient reaches is measured before and after.

That gradients vanish or explode with distance in time: Hochreiter 1991; Bengio, Simard & Frasconi
1994; clipping by norm: Pascanu, Mikolov & Bengio 2013; the forget gate: Gers, Schmidhuber & Cummins
2000; its bias of 1: the same, and Jozefowicz, Zaremba & Sutskever 2015.
Shapes: B texts, T tokens, E embedding, H hidden.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sentiment_lstm.data.grammar import sentences
from sentiment_lstm.model.threads import one_thread
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer

GOOD, BAD = ("lovely", "superb", "wonderful"), ("awful", "dreadful", "terrible")
DISTANCES = (1, 10, 50, 100)
"""Tokens before the end at which a gradient is named."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of the study. All networks have it in common, seed and texts included."""

    steps: int = 400
    batch: int = 32
    length: int = 128
    opinions: int = 9
    embedding: int = 64
    hidden: int = 128
    learning_rate: float = 3e-3
    clip_norm: float = 5.0
    seed: int = 0
    measured: int = 64
    """Texts over which gradients by distance are averaged."""
    tested: int = 512
    """Fresh texts that the accuracy is of."""
    sentences: int = 1200
    """Of the grammar; the neutral ones are used, about one in four."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A network of the study.

    `bias`: of the forget gates at the start; None: a plain RNN, h = tanh(W x + U h + b). `radius`:
    the largest absolute eigenvalue of its U at the start; None: PyTorch's, near 0.6.
    """

    name: str
    bias: float | None = None
    radius: float | None = None


KINDS = (
    Kind("RNN"),
    Kind("RNN, spectral radius 2", radius=2.0),
    Kind("LSTM, forget bias 0", bias=0.0),
    Kind("LSTM, forget bias 1", bias=1.0),
)


class Reader(nn.Module):
    """Embedding, one recurrent layer, and a linear unit over its last state."""

    def __init__(self, kind: Kind, vocabulary: int, plan: Plan) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, plan.embedding)
        layer = nn.RNN if kind.bias is None else nn.LSTM
        self.layer = layer(plan.embedding, plan.hidden, batch_first=True)
        self.output = nn.Linear(plan.hidden, 1)
        self._start(kind, plan.hidden)

    @torch.no_grad()
    def _start(self, kind: Kind, hidden: int) -> None:
        if kind.bias is not None:  # two biases add up
            self.layer.get_parameter("bias_ih_l0")[hidden : 2 * hidden] = kind.bias
            self.layer.get_parameter("bias_hh_l0")[hidden : 2 * hidden] = 0.0
        if kind.radius is not None:
            weights = self.layer.get_parameter("weight_hh_l0")
            weights.mul_(kind.radius / torch.linalg.eigvals(weights).abs().max())

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B] of embedded texts [B, T, E]."""
        states, _ = self.layer(x)
        logits: Tensor = self.output(states[:, -1])
        return logits.squeeze(1)


@dataclass(frozen=True, slots=True)
class Texts:
    """`ids`: int64 [N, T]. `labels`: float32 [N], 0 or 1."""

    ids: Tensor
    labels: Tensor


def study(note: Callable[[str], None], plan: Plan | None = None) -> dict[str, Any]:
    """Train every kind of network with and without clipping, and measure its gradients.

    Args:
        note: is told the name of each network when it is trained.
        plan: the size of the study.

    Returns:
        `task`, `plan`, `seconds`, and `runs`: for each network `name`, `clip_norm` (None: without),
        `loss` and `gradient_norm` by step (the norm before clipping, over all parameters), and
        `start` and `end`: the gradient's norm by distance from the end, [T], mean over texts;
        `accuracy` on fresh texts and `ratio`: the norm at distance 100 over that at 1.
    """
    plan = plan or Plan()
    started = time.monotonic()
    torch.set_flush_denormal(True)  # numbers below 1e-38 take a CPU ten times as long
    vocabulary, texts = task(plan)
    runs = []
    with one_thread():
        for kind in KINDS:
            for clip in (None, plan.clip_norm):
                runs.append(_run(kind, clip, vocabulary, texts, plan))
                note(kind.name + (", clipped" if clip else ""))
    seconds = round(time.monotonic() - started, 1)
    return {"task": _said(plan), "plan": asdict(plan), "seconds": seconds, "runs": runs}


def task(plan: Plan) -> tuple[int, Texts]:
    """The size of the vocabulary, and texts enough to train on, to measure and to test."""
    made = islice(sentences(), plan.sentences)
    neutral = [text for text, polarity, _ in made if polarity == 0]
    words = [" ".join(GOOD + BAD)]
    tokenizer = TextTokenizer.learn(neutral + words, TextSettings(min_frequency=1))
    flow = [encoded.ids for encoded in tokenizer.encode(neutral)]
    good, bad = (tokenizer.encode([" ".join(side)])[0].ids for side in (GOOD, BAD))
    rng = np.random.default_rng(plan.seed)
    count = plan.steps * plan.batch + plan.measured + plan.tested
    made_texts = [_text(flow, bad, good, plan, rng) for _ in range(count)]
    ids = torch.from_numpy(np.stack([ids for ids, _ in made_texts]).astype(np.int64))
    labels = torch.tensor([label for _, label in made_texts], dtype=torch.float32)
    return len(tokenizer), Texts(ids, labels)


def _said(plan: Plan) -> str:
    """The task in words."""
    return (
        f"A text is {plan.length} tokens of neutral sentences with {plan.opinions} words of "
        "opinion at random places; its class is what two thirds of them or more say. The last "
        "state alone is read out, so what stands early has to be remembered."
    )


def _text(
    flow: list[NDArray[np.int32]],
    bad: NDArray[np.int32],
    good: NDArray[np.int32],
    plan: Plan,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], bool]:
    """Neutral sentences, cut to the length, with opinions in some places; whether most are good.

    Most are two thirds of them at least: where one decides, nothing is learnt in a few hundred
    updates.
    """
    order = rng.integers(len(flow), size=plan.length)  # a sentence has one token at least
    ids = np.concatenate([flow[place] for place in order])[: plan.length]
    agreeing = rng.integers(-(-2 * plan.opinions // 3), plan.opinions + 1)
    label = bool(rng.integers(2))
    votes = np.where(np.arange(plan.opinions) < agreeing, label, not label)
    places = rng.choice(plan.length, size=plan.opinions, replace=False)
    ids[places] = np.where(votes, rng.choice(good, plan.opinions), rng.choice(bad, plan.opinions))
    return ids, label


def _run(
    kind: Kind, clip: float | None, vocabulary: int, texts: Texts, plan: Plan
) -> dict[str, Any]:
    torch.manual_seed(plan.seed)
    model = Reader(kind, vocabulary, plan)
    trained = plan.steps * plan.batch
    measured = slice(trained, trained + plan.measured)
    start = by_distance(model, texts.ids[measured], texts.labels[measured])
    steps = list(_steps(model, texts, plan, clip))
    end = by_distance(model, texts.ids[measured], texts.labels[measured])
    fresh = slice(trained + plan.measured, None)
    return {
        "name": kind.name,
        "clip_norm": clip,
        "loss": [loss for loss, _ in steps],
        "gradient_norm": [norm for _, norm in steps],
        "start": start,
        "end": end,
        "ratio": {"start": _ratio(start), "end": _ratio(end)},
        "accuracy": _accuracy(model, texts.ids[fresh], texts.labels[fresh]),
    }


def _steps(
    model: Reader, texts: Texts, plan: Plan, clip: float | None
) -> Iterator[tuple[float, float]]:
    """Train on each text once: loss and norm of the gradient at every update."""
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.learning_rate)
    for step in range(plan.steps):
        rows = slice(step * plan.batch, (step + 1) * plan.batch)
        logits = model(model.embedding(texts.ids[rows]))
        loss = F.binary_cross_entropy_with_logits(logits, texts.labels[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        most = float("inf") if clip is None else clip
        norm = nn.utils.clip_grad_norm_(model.parameters(), most)
        optimizer.step()
        yield loss.item(), norm.item()


def by_distance(model: Reader, ids: Tensor, labels: Tensor) -> list[float]:
    """The norm of d loss / d embedding by distance from the end, [T]: place d is d tokens before.

    A text's loss is its own; the norms are means over texts. In double precision, which holds
    1e-300; a fading gradient passes single precision's 1e-38 within a hundred tokens.
    """
    model.double()
    x = model.embedding(ids).detach().requires_grad_()
    loss = F.binary_cross_entropy_with_logits(model(x), labels.double(), reduction="sum")
    (slope,) = torch.autograd.grad(loss, x)
    model.float()
    found: list[float] = slope.norm(dim=2).mean(dim=0).flip(0).tolist()
    return found


def _ratio(norms: list[float]) -> float | None:
    near, far = DISTANCES[0], DISTANCES[-1]
    return norms[far] / norms[near] if far < len(norms) and norms[near] else None


@torch.no_grad()
def _accuracy(model: Reader, ids: Tensor, labels: Tensor) -> float:
    right = (model(model.embedding(ids)) > 0) == (labels > 0)
    return float(right.double().mean())
