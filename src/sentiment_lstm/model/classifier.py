"""The classifier: embedding -> LSTM layers -> pooling -> dropout -> linear.

It knows token ids and lengths, nothing of text or labels. Two ways lead through the same weights:
`forward` reads whole padded batches, `step` one token a call; both carry a `State`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sentiment_lstm.model.pooling import Pooled, Pooling
from sentiment_lstm.records import PAD_ID
from sentiment_lstm.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class State:
    """All that reading further needs; its size does not grow with the text.

    `layers`: for each LSTM layer the hidden and the cell state, each [B, H].
    `pooled`: what the pooling has gathered so far.
    """

    layers: tuple[tuple[Tensor, Tensor], ...]
    pooled: Pooled


class LSTMClassifier(nn.Module):
    """A stack of LSTM layers under one linear unit (two classes) or C of them.

    Args:
        settings: the shape of the network.
        vocabulary: number of token ids.
        classes: number of classes C, at least 2.
    """

    def __init__(self, settings: ModelSettings, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.embedding = nn.Embedding(vocabulary, settings.embedding_size, padding_idx=PAD_ID)
        width = settings.hidden_size * (2 if settings.bidirectional else 1)
        inputs = [settings.embedding_size] + [width] * (settings.layers - 1)
        self.ahead = nn.ModuleList(_lstm(size, settings.hidden_size) for size in inputs)
        both = inputs if settings.bidirectional else []
        self.back = nn.ModuleList(_lstm(size, settings.hidden_size) for size in both)
        self.pooling = Pooling(settings.pooling, width, settings.bidirectional)
        self.dropout = Dropout(settings.dropout)
        self.embedding_dropout = Dropout(settings.embedding_dropout, over_time=True)
        self.output = nn.Linear(self.pooling.width, 1 if classes == 2 else classes)

    def forward(
        self,
        ids: Tensor,
        lengths: Tensor,
        state: State | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """Score texts.

        Args:
            ids: token ids, int64 [B, T], padded on the right.
            lengths: real tokens of each text, int64 [B], from 1 to T.
            state: where reading goes on from; None: a zero state, made anew for every call.
            shift: what is added to the embeddings after their dropout, float32 [B, T, E].

        Returns:
            Logits: [B] of the second class where there are two classes, else [B, C].

        Raises:
            ValueError: a state was given to a model of two directions.
        """
        if self.settings.bidirectional and state is None:
            return self._score(self._read_both_ways(ids, lengths, shift))
        return self._score(self._read(ids, lengths, state, shift).pooled)

    def read(
        self, ids: Tensor, lengths: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Read a piece of texts, int64 [B, T], `lengths` [B] real, and score all that was read.

        Returns:
            The logits, as `forward` gives them for the whole, and the state after the piece: to go
            on from where a text has no padding in it.

        Raises:
            ValueError: the model has two directions: its second needs the end of the text first.
        """
        state = self._read(ids, lengths, state)
        return self._score(state.pooled), state

    def step(self, token: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read one token a text, int64 [B]: `read` of the shortest piece."""
        return self.read(token[:, None], torch.ones_like(token), state)

    def zero_state(self, texts: int) -> State:
        """The state before the first token, for B = `texts`."""
        zeros = self.embedding.weight.new_zeros(texts, self.settings.hidden_size)
        return State(((zeros, zeros),) * self.settings.layers, self.pooling.start(zeros))

    @torch.no_grad()
    def normalise_embedding(self, counts: Tensor) -> None:
        """Give every dimension of the embedding mean 0 and variance 1 over running text.

        Else a network escapes perturbations of a set size by large embeddings (Miyato, Dai &
        Goodfellow 2017, who normalise at every step; here once, after which the table is free to
        move). The first layer's weights take the change back: without dropout scores stay as they
        were, and a bundle holds nothing new.

        Args:
            counts: how often each token id stands in the texts, [V].
        """
        table = self.embedding.weight
        shares = (counts / counts.sum()).to(table)
        mean = shares @ table
        scale = (shares @ (table - mean) ** 2).sqrt().clamp_min(1e-6)
        for lstm in (self.ahead[0], *self.back[:1]):
            weight = lstm.get_parameter("weight_ih_l0")
            lstm.get_parameter("bias_ih_l0").add_(weight @ mean)
            weight.mul_(scale)
        table.sub_(mean).div_(scale)
        table[PAD_ID] = 0.0

    def _embedded(self, ids: Tensor, shift: Tensor | None) -> Tensor:
        x: Tensor = self.embedding_dropout(self.embedding(ids))
        return x if shift is None else x + shift

    def _read(
        self, ids: Tensor, lengths: Tensor, state: State | None, shift: Tensor | None = None
    ) -> State:
        if self.settings.bidirectional:
            raise ValueError(
                "Expected a model of one direction to carry a state, found one of two: "
                "score whole texts with it."
            )
        state = state or self.zero_state(ids.shape[0])
        x = self._embedded(ids, shift)
        layers = []
        for index, (lstm, (h, c)) in enumerate(zip(self.ahead, state.layers, strict=True)):
            x = self.dropout(x) if index else x
            x, (h_new, c_new) = lstm(x, (h[None], c[None]))
            layers.append((h_new[0], c_new[0]))
        return State(tuple(layers), self.pooling(x, lengths, state.pooled))

    def _read_both_ways(self, ids: Tensor, lengths: Tensor, shift: Tensor | None) -> Pooled:
        """Each row is turned round by its own length, so that no padding comes before its end."""
        turn = _turned(lengths, ids.shape[1])
        x = self._embedded(ids, shift)
        for index, (ahead, back) in enumerate(zip(self.ahead, self.back, strict=True)):
            x = self.dropout(x) if index else x
            from_end, _ = back(_reordered(x, turn))
            x = torch.cat([ahead(x)[0], _reordered(from_end, turn)], dim=2)
        none = self.pooling.start(x.new_zeros(x.shape[0], x.shape[2]))
        pooled: Pooled = self.pooling(x, lengths, none)
        return pooled

    def _score(self, pooled: Pooled) -> Tensor:
        logits: Tensor = self.output(self.dropout(self.pooling.summary(pooled)))
        return logits.squeeze(1) if self.output.out_features == 1 else logits


class Dropout(nn.Module):
    """Zeroes units by chance while training and scales the others up (Srivastava et al. 2014).

    The masks of `nn.Dropout` took 8% of a training step on a CPU; these take half as long.

    Args:
        chance: of a unit being zeroed.
        over_time: the same units at every step of a text (Gal & Ghahramani 2016), for [B, T, E].
    """

    def __init__(self, chance: float, over_time: bool = False) -> None:
        super().__init__()
        self.chance, self.over_time = chance, over_time

    def forward(self, x: Tensor) -> Tensor:
        """Drop while training; else return `x` as it is."""
        if not self.training or not self.chance:
            return x
        kept = torch.rand_like(x[:, :1] if self.over_time else x) >= self.chance
        return x * kept.to(x.dtype).div_(1 - self.chance)


def _lstm(inputs: int, hidden: int) -> nn.LSTM:
    """One layer whose forget gate starts open (bias 1: Jozefowicz, Zaremba & Sutskever 2015)."""
    lstm = nn.LSTM(inputs, hidden, batch_first=True)
    with torch.no_grad():
        lstm.get_parameter("bias_ih_l0")[hidden : 2 * hidden] = 1.0
        lstm.get_parameter("bias_hh_l0")[hidden : 2 * hidden] = 0.0
    return lstm


def _turned(lengths: Tensor, width: int) -> Tensor:
    """Positions that turn each row's real tokens round and leave its padding in place, [B, T].

    Lengths [2, 3] in width 3 -> [[1, 0, 2], [2, 1, 0]].
    """
    position = torch.arange(width, device=lengths.device)[None]
    last = lengths[:, None] - 1
    return torch.where(position <= last, last - position, position)


def _reordered(x: Tensor, order: Tensor) -> Tensor:
    """`x` [B, T, W] with the tokens of each row in `order` [B, T]."""
    return x.gather(1, order[:, :, None].expand_as(x))
