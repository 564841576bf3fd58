"""(torch) Scores token ids with the module itself, on the CPU.

A model of one direction reads a text of any length in bounded memory: piece by piece, carrying the
state. One of two directions has to hold all states of a text. Knows neither text nor labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentiment_lstm.batching import Window, padded
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.model.weights import classifier_from

_PIECE = 2048
"""Tokens of a long text read at once. Few reviews are longer: those miss the gain of a batch."""


class TorchRuntime:
    """The `Runtime` of a bundle's weights in PyTorch."""

    def __init__(self, bundle: Bundle) -> None:
        config = bundle.config
        self._model = classifier_from(config.model, len(config.classes), bundle.weights).eval()
        self._piece = np.inf if config.model.bidirectional else _PIECE

    @torch.inference_mode()
    def score(self, ids: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """Score texts as `Runtime.score` says.

        A text's length alone decides whether it is read whole, in a batch, or in pieces, alone.
        """
        lengths = np.array([len(text) for text in ids])
        logits = np.zeros((len(ids), *self._shape), dtype=np.float32)
        short = np.flatnonzero(lengths <= self._piece)
        if len(short):
            logits[short] = self._score_batch(ids, short)
        for row in np.flatnonzero(lengths > self._piece).tolist():
            logits[row] = self._score_long(ids[row])
        return logits

    @property
    def _shape(self) -> tuple[int, ...]:
        units = self._model.output.out_features
        return () if units == 1 else (units,)

    def _score_batch(
        self, ids: Sequence[NDArray[np.int32]], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        batch = padded(Window(ids, np.zeros(len(ids), dtype=np.int64)), rows)
        logits: Tensor = self._model(torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths))
        return logits.numpy()

    def _score_long(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        tokens = torch.from_numpy(ids).long()[None]
        whole = (len(ids) - 1) // _PIECE * _PIECE  # at least one token is left for the last piece
        state = None
        for start in range(0, whole, _PIECE):
            state = self._model.advance(tokens[:, start : start + _PIECE], state)
        rest = tokens[:, whole:]
        logits: Tensor = self._model(rest, torch.tensor([rest.shape[1]]), state)
        return logits[0].numpy()
