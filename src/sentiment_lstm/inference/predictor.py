"""Texts in, calibrated predictions out, in the order of the texts.

Tokenises, groups texts of nearly equal length, scores, and restores the order, window by window,
the next one tokenised meanwhile: memory does not grow with the number of texts. Knows no files, and
of the model only its runtime.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import length_batches, lengths_of
from sentiment_lstm.bundle import FLOAT_GRAPH, INT8_GRAPH, Bundle
from sentiment_lstm.cores import usable_cores
from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.evaluation.calibration import checked_threshold, probabilities
from sentiment_lstm.inference.runtime import Runtime
from sentiment_lstm.records import UNKNOWN_ID, Encoded, Prediction

_WINDOW_TEXTS = 2048
_WINDOW_CHARACTERS = 2_000_000
"""A window closes at either number: some 1,500 reviews, enough for batches with little padding."""
_BATCH_TOKENS = 5_000
"""Most tokens of a batch, padding included; a longer text is a batch of its own."""


class Predictor:
    """Scores texts with a bundle's tokenizer, classes and temperature.

    Args:
        bundle: the saved model.
        runtime: what runs its weights.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime[Any]) -> None:
        self.classes = bundle.config.classes
        self.tokenizer = bundle.tokenizer
        self._temperature = bundle.config.temperature
        self.runtime = runtime

    def predict(self, texts: Iterable[str], abstain_below: float = 0.0) -> list[Prediction]:
        """Predict every text, in order, as `predict_iter` does."""
        return list(self.predict_iter(texts, abstain_below))

    def predict_iter(
        self, texts: Iterable[str], abstain_below: float = 0.0
    ) -> Iterator[Prediction]:
        """Predict texts without end, in order; two windows of them are read before a result.

        Args:
            texts: raw texts.
            abstain_below: predictions of a lower score have no label.

        Raises:
            UsageError: `texts` is one string, or holds something that is none; `abstain_below` is
                not in [0, 1): this at once, before a text is read.
        """
        least = checked_threshold(abstain_below)
        return (
            self._prediction(text, one, share, least)
            for window in self.windows(texts)
            for text, one, share in zip(*window, strict=True)
        )

    def label(self, share: NDArray[np.float64], abstain_below: float = 0.0) -> str | None:
        """Name the likeliest class of a text; None where it is less probable than the threshold.

        Args:
            share: the probability of every class, [C].
            abstain_below: the least probability that is an answer.
        """
        winner = int(share.argmax())
        return self.classes[winner] if share[winner] >= abstain_below else None

    def calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probability of every class, [N, C], from logits [N] or [N, C]."""
        return probabilities(logits, self._temperature)

    def probabilities(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Score every text: [N, C], columns in the order of `classes`.

        Raises:
            UsageError: `texts` is one string, or holds something that is none.
        """
        none = np.empty((0, len(self.classes)))
        return np.concatenate([none, *(shares for _, _, shares in self.windows(texts))])

    def windows(
        self, texts: Iterable[str]
    ) -> Iterator[tuple[list[str], list[Encoded], NDArray[np.float64]]]:
        """Some texts at a time, in order: the texts, their ids and their probabilities [N, C].

        While a window is scored the next one is cut into tokens.

        Raises:
            UsageError: `texts` is one string, or holds something that is none.
        """
        with ThreadPoolExecutor(1) as ahead:
            coming: Future[list[Encoded]] | None = None
            for window, after in _with_next(_windows(texts)):
                encoded = coming.result() if coming else self.tokenizer.encode(window)
                try:
                    coming = ahead.submit(self.tokenizer.encode, after) if after else None
                except RuntimeError:  # the main thread has ended: pools take no more work
                    coming = None
                yield window, encoded, self.shares([text.ids for text in encoded])

    def shares(self, ids: Sequence[NDArray[np.int32]]) -> NDArray[np.float64]:
        """The probability of every class of N texts, [N, C].

        Args:
            ids: each text's token ids, at least one, int32 [T].
        """
        shares = np.empty((len(ids), len(self.classes)))
        lengths = lengths_of(ids)
        even = -(-int(lengths.sum()) // self.runtime.threads)  # of few texts each thread gets some
        # The longest first, so that no thread is left with them at the end.
        batches = length_batches(lengths, min(_BATCH_TOKENS, even))[::-1]
        given = [[ids[row] for row in rows] for rows in batches]
        for rows, logits in zip(batches, self.runtime.score_all(given), strict=True):
            shares[rows] = self.calibrated(logits)
        return shares

    def _prediction(
        self, text: str, encoded: Encoded, share: NDArray[np.float64], abstain_below: float
    ) -> Prediction:
        unknown = float((encoded.ids == UNKNOWN_ID).mean())
        label = self.label(share, abstain_below)
        return Prediction(label, float(share.max()), 0, len(text), unknown)


def open_predictor(bundle: Bundle, threads: int = 0) -> Predictor:
    """Predict with the bundle's fastest graph, or where it has none with PyTorch.

    Args:
        bundle: the saved model.
        threads: CPU threads that score, at most one for each core; 0: that many. The next texts
            are cut beside them. The tokenizer's and PyTorch's belong to the whole process.

    Raises:
        UsageError: `threads` is no number from 0 on.
        MissingExtraError: there is no graph, and torch is not installed.
        BundleError: the graph is none that can be run.
    """
    if not isinstance(threads, int) or threads < 0:
        raise UsageError(f"Expected a number of threads from 0 on, found {threads!r}: 0 for all.")
    threads = min(threads, usable_cores())
    name = next((name for name in (INT8_GRAPH, FLOAT_GRAPH) if name in bundle.graphs), None)
    if threads:
        os.environ["RAYON_NUM_THREADS"] = str(threads)  # read when the tokenizer's pool begins
    if name is None:
        return Predictor(bundle, open_torch(bundle, threads))
    from sentiment_lstm.inference.onnx_runtime import OnnxRuntime

    quantised = name == INT8_GRAPH
    runtime = OnnxRuntime(bundle, bundle.graphs[name], quantised=quantised, threads=threads)
    return Predictor(bundle, runtime)


def open_torch(bundle: Bundle, threads: int = 0) -> Runtime[Any]:
    """The bundle's weights in PyTorch; threads as in `open_predictor`.

    Raises:
        MissingExtraError: torch is not installed.
    """
    try:
        from sentiment_lstm.inference.torch_runtime import TorchRuntime
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {error.name} to run the model, found it is not installed: "
            "pip install 'sentiment-lstm[train]'."
        ) from error
    return TorchRuntime(bundle, threads)


def _with_next(
    windows: Iterator[list[str]],
) -> Iterator[tuple[list[str], list[str] | None]]:
    """Each window and the one after it; an error comes after the whole windows before it."""
    now = next(windows, None)
    while now is not None:
        try:
            after = next(windows, None)
        except Exception:
            yield now, None
            raise
        yield now, after
        now = after


def _windows(texts: Iterable[str]) -> Iterator[list[str]]:
    """Cut a stream of texts into lists of bounded size, checking each text."""
    window: list[str] = []
    characters = 0
    for text in _checked(texts):
        window.append(text)
        characters += len(text)
        if len(window) == _WINDOW_TEXTS or characters >= _WINDOW_CHARACTERS:
            yield window
            window, characters = [], 0
    if window:
        yield window


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, str):
        raise UsageError("Expected a list of texts, found one text: put it in a list.")
    try:
        numbered = enumerate(texts)
    except TypeError:
        raise UsageError(
            f"Expected a list of texts, found {type(texts).__name__}: put the texts in a list."
        ) from None
    for place, text in numbered:
        if not isinstance(text, str):
            raise UsageError(
                f"Expected every text to be a string, found {type(text).__name__} at place {place}."
            )
        yield text
