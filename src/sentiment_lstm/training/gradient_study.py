"""(torch) Measures vanishing and exploding gradients in small networks trained on one task.

The task needs a long memory. The study measures how far back the gradient of the loss reaches,
before and after training.

Sources. Gradients vanish or explode with distance in time: Hochreiter 1991; Bengio, Simard &
Frasconi 1994. Clipping by norm: Pascanu, Mikolov & Bengio 2013. The forget gate and its bias of 1:
Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba & Sutskever 2015.
Shapes: N all texts, B texts of a batch, T tokens, E embedding size, H hidden size.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
"""Tokens before the end at which a table shows a gradient."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of the study, the same for all networks."""

    steps: int = 400
    batch: int = 32
    length: int = 128
    opinions: int = 9
    embedding: int = 64
    hidden: int = 128
    learning_rate: float = 3e-3
    clip_norm: float = 5.0
    seed: int = 0
    """The seed of the texts and the first weights."""
    measured: int = 64
    """The gradients by distance are averaged over this many texts."""
    tested: int = 512
    """The accuracy is measured on this many new texts."""
    sentences: int = 1200
    """How many sentences the grammar makes. The study uses the neutral ones, about one in four."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the study: how it starts.

    `forget_bias`: the bias of the forget gates at the start. None: a plain RNN,
    h = tanh(W x + U h + b).
    `spectral_radius`: the largest absolute eigenvalue of U at the start. None: as PyTorch
    initialises it, about 0.6.
    """

    name: str
    forget_bias: float | None = None
    spectral_radius: float | None = None


NETWORKS = (
    Network("RNN"),
    Network("RNN, spectral radius 2", spectral_radius=2.0),
    Network("LSTM, forget bias 0", forget_bias=0.0),
    Network("LSTM, forget bias 1", forget_bias=1.0),
)


class LastStateClassifier(nn.Module):
    """An embedding, one recurrent layer, and a linear unit that reads the last state."""

    def __init__(self, network: Network, vocabulary: int, plan: Plan) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, plan.embedding)
        layer = nn.RNN if network.forget_bias is None else nn.LSTM
        self.layer = layer(plan.embedding, plan.hidden, batch_first=True)
        self.output = nn.Linear(plan.hidden, 1)
        self._initialise(network, plan.hidden)

    @torch.no_grad()
    def _initialise(self, network: Network, hidden: int) -> None:
        if network.forget_bias is not None:  # PyTorch adds two biases
            self.layer.get_parameter("bias_ih_l0")[hidden : 2 * hidden] = network.forget_bias
            self.layer.get_parameter("bias_hh_l0")[hidden : 2 * hidden] = 0.0
        if network.spectral_radius is not None:
            weights = self.layer.get_parameter("weight_hh_l0")
            weights.mul_(network.spectral_radius / torch.linalg.eigvals(weights).abs().max())

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


def run_study(on_trained: Callable[[str], None], plan: Plan | None = None) -> dict[str, Any]:
    """Train every network with and without clipping, and measure its gradients.

    The same plan gives the same numbers on the same machine.

    Args:
        on_trained: called with the name of each network after its training.
        plan: the size of the study and its seed.

    Returns:
        `task`, `plan`, `seconds` and `runs`. A run has `name` and `clip_norm` (None: no clipping);
        `loss` and `gradient_norm` by step (the norm over all parameters, before clipping);
        `start` and `end`: the norm of the gradient by distance from the end, [T], mean over texts;
        `ratio`: the norm at distance 100 over that at 1; `accuracy` on new texts.
    """
    plan = plan or Plan()
    started = time.monotonic()
    vocabulary, texts = make_task(plan)
    runs = []
    with one_thread(), _denormals_as_zero():
        for network in NETWORKS:
            for clip_norm in (None, plan.clip_norm):
                runs.append(_run(network, clip_norm, vocabulary, texts, plan))
                on_trained(network.name + (", clipped" if clip_norm else ""))
    seconds = round(time.monotonic() - started, 1)
    return {"task": _describe_task(plan), "plan": asdict(plan), "seconds": seconds, "runs": runs}


@contextmanager
def _denormals_as_zero() -> Iterator[None]:
    """Numbers below 1e-38 count as zero: a CPU takes ten times as long for them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def make_task(plan: Plan) -> tuple[int, Texts]:
    """Make the texts to train on, to measure and to test.

    Returns:
        The size of the vocabulary, and the texts in this order.
    """
    neutral = neutral_sentences(plan)
    opinions = [" ".join(GOOD + BAD)]
    tokenizer = TextTokenizer.learn(neutral + opinions, TextSettings(min_frequency=1))
    filler = [encoded.ids for encoded in tokenizer.encode(neutral)]
    good, bad = (tokenizer.encode([" ".join(words)])[0].ids for words in (GOOD, BAD))
    rng = np.random.default_rng(plan.seed)
    count = plan.steps * plan.batch + plan.measured + plan.tested
    pairs = [_make_text(filler, bad, good, plan, rng) for _ in range(count)]
    ids = torch.from_numpy(np.stack([ids for ids, _ in pairs]).astype(np.int64))
    labels = torch.tensor([label for _, label in pairs], dtype=torch.float32)
    return len(tokenizer), Texts(ids, labels)


def neutral_sentences(plan: Plan) -> list[str]:
    """The sentences of the grammar that the texts are made from."""
    drawn = islice(sentences(), plan.sentences)
    return [text for text, polarity, _ in drawn if polarity == 0]


def _describe_task(plan: Plan) -> str:
    return (
        f"A text is {plan.length} tokens of neutral sentences with {plan.opinions} words of "
        "opinion at random places. Its class is the opinion of at least two thirds of them. Only "
        "the last state is read out, so the network has to remember early words."
    )


def _make_text(
    filler: list[NDArray[np.int32]],
    bad: NDArray[np.int32],
    good: NDArray[np.int32],
    plan: Plan,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], bool]:
    """A text of neutral sentences with opinions at some positions, and whether most are positive.

    At least two thirds of the opinions agree. If one opinion could decide, a few hundred updates
    would teach nothing.
    """
    order = rng.integers(len(filler), size=plan.length)  # a sentence has at least one token
    ids = np.concatenate([filler[index] for index in order])[: plan.length]
    agreeing = rng.integers(-(-2 * plan.opinions // 3), plan.opinions + 1)
    label = bool(rng.integers(2))
    votes = np.where(np.arange(plan.opinions) < agreeing, label, not label)
    at = rng.choice(plan.length, size=plan.opinions, replace=False)
    ids[at] = np.where(votes, rng.choice(good, plan.opinions), rng.choice(bad, plan.opinions))
    return ids, label


def _run(
    network: Network, clip_norm: float | None, vocabulary: int, texts: Texts, plan: Plan
) -> dict[str, Any]:
    torch.manual_seed(plan.seed)
    model = LastStateClassifier(network, vocabulary, plan)
    trained = plan.steps * plan.batch
    measured = slice(trained, trained + plan.measured)
    fresh = slice(trained + plan.measured, None)
    start = measure_by_distance(model, texts.ids[measured], texts.labels[measured])
    steps = list(_train(model, texts, plan, clip_norm))
    end = measure_by_distance(model, texts.ids[measured], texts.labels[measured])
    return {
        "name": network.name,
        "clip_norm": clip_norm,
        "loss": [loss for loss, _ in steps],
        "gradient_norm": [norm for _, norm in steps],
        "start": start,
        "end": end,
        "ratio": {"start": _ratio(start), "end": _ratio(end)},
        "accuracy": _accuracy(model, texts.ids[fresh], texts.labels[fresh]),
    }


def _train(
    model: LastStateClassifier, texts: Texts, plan: Plan, clip_norm: float | None
) -> Iterator[tuple[float, float]]:
    """Train on each text once. Returns the loss and the gradient norm of every update."""
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.learning_rate)
    max_norm = float("inf") if clip_norm is None else clip_norm
    for step in range(plan.steps):
        rows = slice(step * plan.batch, (step + 1) * plan.batch)
        logits = model(model.embedding(texts.ids[rows]))
        loss = F.binary_cross_entropy_with_logits(logits, texts.labels[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        yield loss.item(), norm.item()


def measure_by_distance(model: LastStateClassifier, ids: Tensor, labels: Tensor) -> list[float]:
    """The norm of d loss / d embedding by distance from the end, [T]: index d is d tokens before.

    Each text has its own loss, and the norms are averaged over the texts. The numbers have double
    precision, which reaches down to 1e-308. Single precision ends at 1e-38, and a vanishing
    gradient is smaller than that after less than a hundred tokens.
    """
    model.double()
    x = model.embedding(ids).detach().requires_grad_()
    loss = F.binary_cross_entropy_with_logits(model(x), labels.double(), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    model.float()
    norms: list[float] = gradient.norm(dim=2).mean(dim=0).flip(0).tolist()
    return norms


def _ratio(norms: list[float]) -> float | None:
    near, far = DISTANCES[0], DISTANCES[-1]
    return norms[far] / norms[near] if far < len(norms) and norms[near] else None


@torch.no_grad()
def _accuracy(model: LastStateClassifier, ids: Tensor, labels: Tensor) -> float:
    right = (model(model.embedding(ids)) > 0) == (labels > 0)
    return float(right.double().mean())
