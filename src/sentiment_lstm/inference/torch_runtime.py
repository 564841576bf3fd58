"""(torch) Scores token ids with the module itself, on the CPU. Knows neither text nor labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.inference.each_token import ForgetGate
from sentiment_lstm.inference.runtime import FeatureBatch, Runtime, finite
from sentiment_lstm.model.classifier import State
from sentiment_lstm.model.threads import set_threads
from sentiment_lstm.model.weights import classifier_from
from sentiment_lstm.records import Encoded


class TorchRuntime(Runtime[State]):
    """The `Runtime` of a bundle's weights in PyTorch.

    Args:
        bundle: the model.
        threads: CPU threads of the whole process; 0 leaves them unchanged. Each thread scores its
            own batches, because threads that share a batch wait for each other at every layer.
            Beside other processes this wait is long.
    """

    def __init__(self, bundle: Bundle, threads: int = 0) -> None:
        if threads:
            set_threads(threads)
        self.threads = threads or torch.get_num_threads()
        config = bundle.config
        self._model = classifier_from(
            config.model, len(config.classes), bundle.weights, multi_label=config.multi_label
        ).eval()
        self.carries = not config.model.bidirectional
        self.forget_gate = ForgetGate(bundle.weights)

    def prepare_thread(self) -> None:
        """Let PyTorch use one thread for each batch."""
        torch.set_num_threads(1)

    def score_all(self, batches: Sequence[Sequence[Encoded]]) -> Iterator[NDArray[np.float32]]:
        """Score batches as `Runtime.score_all` does."""
        threads = torch.get_num_threads()
        try:
            yield from super().score_all(batches)
        finally:
            torch.set_num_threads(threads)  # else threads that start later would get one

    @torch.inference_mode()
    def read(
        self,
        ids: NDArray[np.int64],
        lengths: NDArray[np.int64],
        state: State | None = None,
        features: FeatureBatch | None = None,
    ) -> tuple[NDArray[np.float32], State | None]:
        """Read as `Runtime.read` does."""
        inputs = torch.from_numpy(ids), torch.from_numpy(lengths)
        wide: torch.Tensor | float = 0.0
        if self._model.wide is not None and features is not None:
            wide = self._model.wide(*map(torch.from_numpy, features))
        if self.carries:
            logits, state = self._model.read(*inputs, state, wide)
        else:
            logits = self._model(*inputs, wide=wide)
        return finite(logits.numpy()), state

    def first_hidden(self, state: State) -> NDArray[np.float32]:
        """Return what `Runtime.first_hidden` does."""
        hidden: NDArray[np.float32] = state.layers[0][0][0].numpy()
        return hidden
