"""The interface of a runtime: logits for token ids, read whole or in pieces.

Knows no text and no labels.

Shapes: B texts, T tokens, C classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Event
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import (
    Window,
    cheapest_batches,
    even_batches,
    length_batches,
    lengths_of,
    padded,
)
from sentiment_lstm.errors import BundleError
from sentiment_lstm.inference.each_token import EachToken, ForgetGate
from sentiment_lstm.records import Batch, Encoded

FeatureBatch = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The features of a batch: indices [K], text after text, and how many each text has, [B]."""
PIECE = 2048
"""The most tokens read at once. A longer text is read in pieces, alone rather than in a batch."""
_BATCH_TOKENS = 5_000
"""The most tokens in a batch, padding included. A longer text is a batch of its own."""
_BATCH_TEXTS = 64
"""Texts in a batch, on average, if texts of different lengths need no padding."""
State = TypeVar("State")
"""What a runtime carries from one piece of a text to the next."""


class Runtime(ABC, Generic[State]):
    """A way to run a model's weights.

    `carries`: whether the model carries a state from one piece of a text to the next. A model of
    one direction does, and reads a text of any length in bounded memory. A bidirectional model
    holds all states of a text at once.

    `threads`: how many batches `score_all` scores at the same time.

    `pads`: whether each text of a batch costs as much as the longest one.

    `forget_gate`: computes the forget gate of the first layer.
    """

    carries: bool
    threads: int = 1
    pads: bool = True
    forget_gate: ForgetGate

    @abstractmethod
    def read(
        self,
        ids: NDArray[np.int64],
        lengths: NDArray[np.int64],
        state: State | None = None,
        features: FeatureBatch | None = None,
    ) -> tuple[NDArray[np.float32], State | None]:
        """Read the next piece of each text and score what has been read so far.

        Args:
            ids: [B, T], padded on the right.
            lengths: the number of real tokens in each text, [B], from 1 to T.
            state: the state after the previous piece; None at the start of the texts.
            features: the features of the pieces, for a model with a wide path.

        Returns:
            Logits: [B], of the second class, if there are two classes, else [B, C]. And the state
            to continue from, which is valid if no text has padding; None if the model does not
            carry one.

        Raises:
            BundleError: a logit is not finite.
        """

    @abstractmethod
    def first_hidden(self, state: State) -> NDArray[np.float32]:
        """Return the first layer's hidden state, [H], of the state of one text."""

    def read_each(self, piece: Encoded, state: State | None = None) -> EachToken:
        """Read the next piece of one text, and score the text after each token.

        The scores equal those of `read`, token by token (to 1e-6). The model has one direction.

        Args:
            piece: at least one token.
            state: as in `read`.

        Raises:
            BundleError: a logit is not finite.
        """
        logits, before = [], []
        for token in piece.pieces(1):
            before.append(None if state is None else self.first_hidden(state))
            ids = token.ids[None].astype(np.int64)
            scored, state = self.read(ids, np.array([1]), state, feature_batch([token]))
            logits.append(scored[0])
        assert state is not None
        zeros = np.zeros_like(self.first_hidden(state))
        hidden = np.stack([zeros if row is None else row for row in before])
        return EachToken(np.stack(logits), self.forget_gate.means(piece.ids, hidden), state)

    def score(self, texts: Sequence[Encoded], stopped: Event | None = None) -> NDArray[np.float32]:
        """Score a batch of texts. If `pads`, similar lengths are faster.

        A text's score does not depend on the other texts or on the padding (to 1e-6). A text of
        more than `PIECE` tokens is read in pieces, alone.

        Args:
            texts: N texts of at least one token each.
            stopped: once it is set, the rest of the texts is not read, and the logits mean nothing.

        Returns:
            Logits, [N] or [N, C], as `read` returns them.
        """
        lengths = lengths_of([text.ids for text in texts])
        short = np.flatnonzero(lengths <= (PIECE if self.carries else np.inf))
        long = np.setdiff1d(np.arange(len(texts)), short)
        stopped = stopped or Event()
        batch = [texts[row] for row in short.tolist()]
        parts = [self._batch(batch, stopped)] if batch else []
        parts += [self._long(texts[row], stopped) for row in long.tolist()]
        logits = np.concatenate(parts)
        return logits[np.argsort(np.concatenate([short, long]))]

    def batches(self, lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Group texts for `score_all`. The longest come first, so that no thread ends with them.

        Args:
            lengths: tokens of each text, [N].

        Returns:
            Arrays of row numbers. Each row is in one batch.
        """
        if not self.pads:
            return even_batches(lengths, _BATCH_TEXTS, self.threads)[::-1]
        # With few texts, smaller batches give every thread something to do.
        tokens_per_thread = -(-int(lengths.sum()) // self.threads)
        return length_batches(lengths, min(_BATCH_TOKENS, tokens_per_thread))[::-1]

    def batches_of_few(self, lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Group up to a few hundred texts as `batches` does, but with less padding."""
        return cheapest_batches(lengths, _BATCH_TOKENS) if self.pads else self.batches(lengths)

    def prepare_thread(self) -> None:
        """Called at the start of each thread of `score_all`."""

    def score_all(self, batches: Sequence[Sequence[Encoded]]) -> Iterator[NDArray[np.float32]]:
        """Score batches as `score` does, several at the same time; yield their logits in order."""
        if min(self.threads, len(batches)) <= 1:
            yield from map(self.score, batches)
            return
        stopped = Event()
        score = partial(self.score, stopped=stopped)
        pool = ThreadPoolExecutor(self.threads, initializer=self.prepare_thread)
        with pool, ExitStack() as at_end:
            at_end.callback(stopped.set)  # an interrupt does not wait until long texts are read
            try:
                logits = pool.map(score, batches)
            except RuntimeError:  # the main thread has ended: pools take no more work
                logits = map(score, batches)
            yield from logits

    def _batch(self, texts: Sequence[Encoded], stopped: Event) -> NDArray[np.float32]:
        batch = padded_batch(texts, np.arange(len(texts)))
        return self.read(batch.ids, batch.lengths, features=feature_batch(texts))[0]

    def _long(self, text: Encoded, stopped: Event) -> NDArray[np.float32]:
        state = None
        for piece in text.pieces(PIECE):
            ids = piece.ids[None].astype(np.int64)
            features = feature_batch([piece])
            logits, state = self.read(ids, np.array([len(piece.ids)]), state, features)
            if stopped.is_set():
                break
        return logits


def finite(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits, of any shape, if all are finite.

    Raises:
        BundleError: one is not.
    """
    if not np.isfinite(logits).all():
        raise BundleError(
            "Expected finite scores, found one that is not a number or infinite: the model's "
            "weights are damaged or too large; copy the whole model again, or train it again."
        )
    return logits


def padded_batch(texts: Sequence[Encoded], rows: NDArray[np.int64]) -> Batch:
    """Copy texts into a batch without labels, in the order of `rows`."""
    window = Window([text.ids for text in texts], np.zeros(len(texts), dtype=np.int64))
    return padded(window, rows)


def feature_batch(texts: Sequence[Encoded]) -> FeatureBatch | None:
    """Join the features of texts; None if they have none."""
    features = [text.features for text in texts if text.features is not None]
    if not features:
        return None
    counts = np.array([len(each.ids) for each in features], dtype=np.int64)
    return np.concatenate([each.ids for each in features]).astype(np.int64), counts
