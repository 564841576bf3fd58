"""The interface of a runtime: logits for token ids, read whole or in pieces.

Knows no text and no labels.

Shapes: B texts, T tokens, C classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import Window, padded

PIECE = 2048
"""The most tokens read at once. A longer text is read in pieces, alone rather than in a batch."""
State = TypeVar("State")
"""What a runtime carries from one piece of a text to the next."""


class Runtime(ABC, Generic[State]):
    """A way to run a model's weights.

    `carries`: whether the model carries a state from one piece of a text to the next. A model of
    one direction does, and reads a text of any length in bounded memory. A bidirectional model
    holds all states of a text at once.

    `threads`: how many batches `score_all` scores at the same time.
    """

    carries: bool
    threads: int = 1

    @abstractmethod
    def read(
        self, ids: NDArray[np.int64], lengths: NDArray[np.int64], state: State | None = None
    ) -> tuple[NDArray[np.float32], State | None]:
        """Read the next piece of each text and score what has been read so far.

        Args:
            ids: [B, T], padded on the right.
            lengths: the number of real tokens in each text, [B], from 1 to T.
            state: the state after the previous piece; None at the start of the texts.

        Returns:
            Logits: [B], of the second class, if there are two classes, else [B, C]. And the state
            to continue from, which is valid if no text has padding; None if the model does not
            carry one.
        """

    def score(self, ids: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """Score a batch of texts. They are padded to the longest, so similar lengths are faster.

        A text's score does not depend on the other texts or on the padding (to 1e-6). A text of
        more than `PIECE` tokens is read in pieces, alone.

        Args:
            ids: N texts of at least one token id each, each int32 [T].

        Returns:
            Logits, [N] or [N, C], as `read` returns them.
        """
        lengths = np.array([len(text) for text in ids])
        short = np.flatnonzero(lengths <= (PIECE if self.carries else np.inf))
        long = np.setdiff1d(np.arange(len(ids)), short)
        parts = [self._batch(ids, short)] if len(short) else []
        parts += [self._long(ids[row]) for row in long.tolist()]
        logits = np.concatenate(parts)
        return logits[np.argsort(np.concatenate([short, long]))]

    def score_all(
        self, batches: Sequence[Sequence[NDArray[np.int32]]]
    ) -> Iterator[NDArray[np.float32]]:
        """Score batches as `score` does, several at the same time; yield their logits in order."""
        if min(self.threads, len(batches)) <= 1:
            yield from map(self.score, batches)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            try:
                logits = pool.map(self.score, batches)
            except RuntimeError:  # the main thread has ended: pools take no more work
                logits = map(self.score, batches)
            yield from logits

    def _batch(
        self, ids: Sequence[NDArray[np.int32]], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        batch = padded(Window(ids, np.zeros(len(ids), dtype=np.int64)), rows)
        return self.read(batch.ids, batch.lengths)[0]

    def _long(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        state = None
        for start in range(0, len(ids), PIECE):
            piece = ids[None, start : start + PIECE].astype(np.int64)
            logits, state = self.read(piece, np.array([piece.shape[1]]), state)
        return logits
