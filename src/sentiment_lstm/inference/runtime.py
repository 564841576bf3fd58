"""What a runtime owes the rest: logits for token ids, whole or in pieces. Knows no text, no labels.

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
"""Tokens of a long text read at once. Few reviews are longer: those miss the gain of a batch."""
State = TypeVar("State")
"""What a runtime carries from one piece of a text to the next."""


class Runtime(ABC, Generic[State]):
    """A way to run a model's weights.

    `carries`: whether a text can be read in pieces (one direction). Such a model reads a text of
    any length in bounded memory; one of two directions has to hold all states of a text.

    `threads`: how many batches `score_all` reads at a time.
    """

    carries: bool
    threads: int = 1

    @abstractmethod
    def read(
        self, ids: NDArray[np.int64], lengths: NDArray[np.int64], state: State | None = None
    ) -> tuple[NDArray[np.float32], State | None]:
        """Read a piece of texts and score all that was read of them.

        Args:
            ids: [B, T], padded on the right.
            lengths: real tokens of each text, [B], from 1 to T.
            state: where reading goes on from; None: before the first token.

        Returns:
            Logits, [B] of the second class where there are two classes, else [B, C]; and the state
            to go on from, where no text has padding (None where the model doesn't carry one).
        """

    def score(self, ids: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """Score texts, best of nearly equal length: they are padded to the longest.

        A text's score depends neither on the others nor on the padding (to 1e-6). Its length alone
        decides whether it is read whole, in a batch, or in pieces, alone.

        Args:
            ids: N texts of at least one token id each, each int32 [T].

        Returns:
            Logits, [N] or [N, C], as `read` gives them.
        """
        lengths = np.array([len(text) for text in ids])
        short = np.flatnonzero(lengths <= (PIECE if self.carries else np.inf))
        long = np.setdiff1d(np.arange(len(ids)), short)
        found = [self._batch(ids, short)] if len(short) else []
        found += [self._long(ids[row]) for row in long.tolist()]
        logits = np.concatenate(found)
        return logits[np.argsort(np.concatenate([short, long]))]

    def score_all(
        self, batches: Sequence[Sequence[NDArray[np.int32]]]
    ) -> Iterator[NDArray[np.float32]]:
        """Score batches as `score` does, several at a time, and give their logits in order."""
        if min(self.threads, len(batches)) <= 1:
            yield from map(self.score, batches)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            try:
                found = pool.map(self.score, batches)
            except RuntimeError:  # the main thread has ended: pools take no more work
                found = map(self.score, batches)
            yield from found

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
