"""The classifier: embedding -> LSTM layers -> pooling -> dropout -> linear, and a wide path beside.

This file knows token ids and lengths, nothing of text or labels. The same weights read in
three ways: `forward` reads whole padded batches, `read` pieces of texts, `step` single tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sentiment_lstm.model.pooling import Pooled, Pooling
from sentiment_lstm.model.wide import WidePath
from sentiment_lstm.records import PAD_ID, output_units
from sentiment_lstm.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is needed to continue a text. Its size does not depend on the text's length.

    `layers`: the hidden state and the cell state of each LSTM layer, each [B, H].
    `pooled`: the state of the pooling. `wide`: what the features so far add to the logits, [B, U].
    """

    layers: tuple[tuple[Tensor, Tensor], ...]
    pooled: Pooled
    wide: Tensor | float = 0.0


class LSTMClassifier(nn.Module):
    """A stack of LSTM layers and a linear layer with one unit for two classes, else C units.

    Args:
        settings: the shape of the network.
        vocabulary: number of token ids, V.
        classes: number of classes, C, at least 2.
        features: number of features of the wide path, F; 0: no wide path.
        multi_label: a text may have several of the classes: always C units.
    """

    def __init__(
        self,
        settings: ModelSettings,
        vocabulary: int,
        classes: int,
        features: int = 0,
        *,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.embedding = nn.Embedding(vocabulary, settings.embedding_size, padding_idx=PAD_ID)
        width = settings.hidden_size * (2 if settings.bidirectional else 1)
        input_sizes = [settings.embedding_size] + [width] * (settings.layers - 1)
        back_sizes = input_sizes if settings.bidirectional else []
        self.ahead = nn.ModuleList(_lstm(size, settings.hidden_size) for size in input_sizes)
        self.back = nn.ModuleList(_lstm(size, settings.hidden_size) for size in back_sizes)
        self.pooling = Pooling(settings.pooling, width, settings.bidirectional)
        self.dropout = Dropout(settings.dropout)
        self.embedding_dropout = Dropout(settings.embedding_dropout, over_time=True)
        units = output_units(classes, multi_label=multi_label)
        self.output = nn.Linear(self.pooling.width, units)
        self.wide = WidePath(features, self.output.out_features) if features else None

    def forward(
        self,
        ids: Tensor,
        lengths: Tensor,
        state: State | None = None,
        shift: Tensor | None = None,
        wide: Tensor | float = 0.0,
    ) -> Tensor:
        """Score texts.

        Args:
            ids: token ids, int64 [B, T], padded on the right.
            lengths: tokens of each text without padding, int64 [B], from 1 to T.
            state: the state after an earlier piece of the texts; None: the zero state.
            shift: added to the embeddings after their dropout, float32 [B, T, E].
            wide: the result of `self.wide` for the texts, [B, U], which is added to the logits.

        Returns:
            Logits: [B], of the second class, for two classes; else [B, C].

        Raises:
            ValueError: a bidirectional model got a state.
        """
        if self.settings.bidirectional and state is None:
            return self._score(self._read_both_ways(ids, lengths, shift), wide)
        state = self._read(ids, lengths, state, shift, wide)
        return self._score(state.pooled, state.wide)

    def read(
        self,
        ids: Tensor,
        lengths: Tensor,
        state: State | None = None,
        wide: Tensor | float = 0.0,
    ) -> tuple[Tensor, State]:
        """Read the next piece of each text, and score everything read so far.

        Args:
            ids: token ids of the piece, int64 [B, T], padded on the right.
            lengths: tokens of each piece without padding, int64 [B].
            state: the state after the previous piece; None: this is the first piece.
            wide: the result of `self.wide` for the piece, [B, U].

        Returns:
            The logits that `forward` gives for all pieces so far, and the state after this piece.
            A text can continue from it only if its piece has no padding.

        Raises:
            ValueError: the model is bidirectional, so it needs the end of the text first.
        """
        state = self._read(ids, lengths, state, wide=wide)
        return self._score(state.pooled, state.wide), state

    def step(self, token: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read one token of each text, int64 [B]; otherwise as `read`."""
        return self.read(token[:, None], torch.ones_like(token), state)

    def zero_state(self, batch_size: int) -> State:
        """The state before the first token of B = `batch_size` texts."""
        zeros = self.embedding.weight.new_zeros(batch_size, self.settings.hidden_size)
        return State(((zeros, zeros),) * self.settings.layers, self.pooling.start(zeros))

    @torch.no_grad()
    def normalise_embedding(self, counts: Tensor) -> None:
        """Give each dimension of the embedding mean 0 and variance 1 over the tokens of the texts.

        Otherwise large embeddings would make shifts of a fixed size harmless. Miyato, Dai &
        Goodfellow (2017) normalise at every step, this model only once, at the start. The first
        LSTM layer is changed so that the scores without dropout stay the same.

        Args:
            counts: how often each token id occurs in the texts, [V].
        """
        table = self.embedding.weight
        frequencies = (counts / counts.sum()).to(table)
        mean = frequencies @ table
        scale = (frequencies @ (table - mean) ** 2).sqrt().clamp_min(1e-6)
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
        self,
        ids: Tensor,
        lengths: Tensor,
        state: State | None,
        shift: Tensor | None = None,
        wide: Tensor | float = 0.0,
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
        return State(tuple(layers), self.pooling(x, lengths, state.pooled), state.wide + wide)

    def _read_both_ways(self, ids: Tensor, lengths: Tensor, shift: Tensor | None) -> Pooled:
        """Also read each text from its end: the backward layers get its tokens in reverse order."""
        reverse = _reversing(lengths, ids.shape[1])
        x = self._embedded(ids, shift)
        for index, (ahead, back) in enumerate(zip(self.ahead, self.back, strict=True)):
            x = self.dropout(x) if index else x
            from_end, _ = back(_reordered(x, reverse))
            x = torch.cat([ahead(x)[0], _reordered(from_end, reverse)], dim=2)
        start = self.pooling.start(x.new_zeros(x.shape[0], x.shape[2]))
        pooled: Pooled = self.pooling(x, lengths, start)
        return pooled

    def _score(self, pooled: Pooled, wide: Tensor | float = 0.0) -> Tensor:
        logits: Tensor = self.output(self.dropout(self.pooling.summary(pooled))) + wide
        return logits.squeeze(1) if self.output.out_features == 1 else logits


class Dropout(nn.Module):
    """Sets random units to 0 in training and scales the others up (Srivastava et al. 2014).

    The masks of `nn.Dropout` took 8% of a training step on a CPU; these take half as long.

    Args:
        probability: the probability that a unit is set to 0.
        over_time: take the same units at every token of a text, for inputs [B, T, E] (Gal &
            Ghahramani 2016).
    """

    def __init__(self, probability: float, over_time: bool = False) -> None:
        super().__init__()
        self.probability, self.over_time = probability, over_time

    def forward(self, x: Tensor) -> Tensor:
        """Drop units in training; otherwise return `x` as it is."""
        if not self.training or not self.probability:
            return x
        kept = torch.rand_like(x[:, :1] if self.over_time else x) >= self.probability
        return x * kept.to(x.dtype).div_(1 - self.probability)


def _lstm(input_size: int, hidden_size: int) -> nn.LSTM:
    """One layer with a forget gate that is open at the start.

    Its bias is 1 (Jozefowicz, Zaremba & Sutskever 2015).
    """
    lstm = nn.LSTM(input_size, hidden_size, batch_first=True)
    forget_gate = slice(hidden_size, 2 * hidden_size)
    with torch.no_grad():
        lstm.get_parameter("bias_ih_l0")[forget_gate] = 1.0
        lstm.get_parameter("bias_hh_l0")[forget_gate] = 0.0
    return lstm


def _reversing(lengths: Tensor, tokens: int) -> Tensor:
    """The order that reverses the tokens of each text and leaves padding in place, [B, T].

    Lengths [2, 3] and 3 tokens -> [[1, 0, 2], [2, 1, 0]]
    """
    position = torch.arange(tokens, device=lengths.device)[None]
    last = lengths[:, None] - 1
    return torch.where(position <= last, last - position, position)


def _reordered(x: Tensor, order: Tensor) -> Tensor:
    """`x` [B, T, W] with the tokens of each text in `order`, [B, T]."""
    return x.gather(1, order[:, :, None].expand_as(x))
