"""Turns texts into calibrated predictions, in the order of the texts.

Works on one window of texts at a time, so memory does not grow with the number of texts. While a
window is scored, the next one is tokenised. Within a window, texts of nearly equal length share a
batch. Knows no files, and of the model only its runtime.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from sentiment_lstm.records import UNKNOWN_ID, Encoded, Prediction, is_empty, is_missing
from sentiment_lstm.text.familiarity import Familiarity, stored_rates

_logger = logging.getLogger(__name__)
_WINDOW_TEXTS = 2048
_WINDOW_CHARACTERS = 2_000_000
"""A window closes at either limit: about 1,500 reviews, enough for batches with little padding."""
_BATCH_TOKENS = 5_000
"""The most tokens in a batch, padding included. A longer text is a batch of its own."""


class Predictor:
    """Scores texts with a bundle's tokenizer, classes and temperature.

    Args:
        bundle: the saved model.
        runtime: runs the model's weights.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime[Any]) -> None:
        self.classes = bundle.config.classes
        self.tokenizer = bundle.tokenizer
        self._temperature = bundle.config.temperature
        self.thresholds = bundle.config.thresholds
        self.runtime = runtime
        trained = stored_rates(bundle.config.provenance)
        self._familiarity = Familiarity(bundle.config.text.kind, trained)

    def predict(self, texts: Iterable[str], abstain_below: float = 0.0) -> list[Prediction]:
        """Predict every text, in order, as `predict_iter` does."""
        return list(self.predict_iter(texts, abstain_below))

    def predict_iter(
        self, texts: Iterable[str], abstain_below: float = 0.0
    ) -> Iterator[Prediction]:
        """Predict a stream of texts, in order. Reads two windows before the first prediction.

        Args:
            texts: raw texts, possibly without end.
            abstain_below: a prediction with a lower score has no label.

        Raises:
            UsageError: `texts` is one string or a table, or holds something that is not a string.
                Also raised at once, before a text is read, if `abstain_below` is not in [0, 1), or
                is not 0 though a text may have several labels.
        """
        threshold = self.checked_threshold(abstain_below)
        return (
            prediction
            for window in self.windows(texts)
            for prediction in self._predictions(*window, threshold)
        )

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels."""
        return self.thresholds is not None

    def checked_threshold(self, abstain_below: float) -> float:
        """Return an abstain threshold if it is valid for this model.

        Raises:
            UsageError: it is not in [0, 1), or it is not 0 though a text may have several labels.
        """
        if self.multi_label and abstain_below:
            raise UsageError(
                "Expected no abstain threshold for a model of several labels per text, found "
                f"{abstain_below}: leave it out, because each label has a threshold of its own."
            )
        return checked_threshold(abstain_below)

    def chosen(
        self, class_probabilities: NDArray[np.float64], abstain_below: float = 0.0
    ) -> list[int]:
        """Choose the classes of a text: their indices, the most probable first.

        It is the likeliest class, or none if its probability is below `abstain_below`. If a text
        may have several labels, it is each one whose probability reaches its threshold.

        Args:
            class_probabilities: the probability of each class, [C].
            abstain_below: the lowest probability that counts as an answer.
        """
        return self.chosen_in_each(class_probabilities[None], abstain_below)[0]

    def chosen_in_each(
        self, class_probabilities: NDArray[np.float64], abstain_below: float = 0.0
    ) -> list[list[int]]:
        """Do the same for N texts at once. It is faster.

        Args:
            class_probabilities: the probability of each class for each text, [N, C].
            abstain_below: as in `chosen`.
        """
        if self.thresholds is None:
            likeliest = class_probabilities.argmax(axis=1).tolist()
            is_answer = (class_probabilities.max(axis=1) >= abstain_below).tolist()
            return [[c] if answers else [] for c, answers in zip(likeliest, is_answer, strict=True)]
        reached = class_probabilities >= np.asarray(self.thresholds)
        orders = np.argsort(-class_probabilities, axis=1, kind="stable").tolist()
        return [[c for c in order if row[c]] for order, row in zip(orders, reached, strict=True)]

    def label(
        self, class_probabilities: NDArray[np.float64], abstain_below: float = 0.0
    ) -> str | None:
        """Name the first class that `chosen` returns; None if it returns none."""
        chosen = self.chosen(class_probabilities, abstain_below)
        return self.classes[chosen[0]] if chosen else None

    def calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each class, [N, C], from logits [N] or [N, C]."""
        return probabilities(logits, self._temperature, multi_label=self.multi_label)

    def probabilities(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return the probability of each class for each text, [N, C], columns as `classes`.

        An empty text gets 1/C for each class.

        Raises:
            UsageError: `texts` is one string or holds something that is not a string.
        """
        no_rows = np.empty((0, len(self.classes)))
        return np.concatenate([no_rows, *(rows for _, _, rows in self.windows(texts))])

    def windows(
        self, texts: Iterable[str]
    ) -> Iterator[tuple[list[str], list[Encoded], NDArray[np.float64]]]:
        """Yield windows of texts in order: texts, token ids, and probabilities [N, C].

        While a window is scored, the next one is tokenised. The first time that the texts look
        unlike those that trained the model, a warning is logged.

        Raises:
            UsageError: `texts` is one string or holds something that is not a string.
        """
        with ThreadPoolExecutor(1) as tokenizing:
            next_encoded: Future[list[Encoded]] | None = None
            for window, next_window in _with_next(_windows(texts)):
                encoded = next_encoded.result() if next_encoded else self.tokenizer.encode(window)
                try:
                    encode = self.tokenizer.encode
                    next_encoded = tokenizing.submit(encode, next_window) if next_window else None
                except RuntimeError:  # the main thread has ended: pools take no more work
                    next_encoded = None
                if warning := self._familiarity.read(window, encoded):
                    _logger.warning("%s", warning)
                class_probabilities = self.score(encoded)
                class_probabilities[list(map(is_empty, window))] = 1 / len(self.classes)
                yield window, encoded, class_probabilities

    def score(self, encoded: Sequence[Encoded]) -> NDArray[np.float64]:
        """Return the probability of each class for N tokenised texts, [N, C]."""
        scored = np.empty((len(encoded), len(self.classes)))
        lengths = lengths_of([text.ids for text in encoded])
        # With few texts, smaller batches give every thread something to do.
        tokens_per_thread = -(-int(lengths.sum()) // self.runtime.threads)
        # The longest batch goes first, so that no thread is left with it at the end.
        batches = length_batches(lengths, min(_BATCH_TOKENS, tokens_per_thread))[::-1]
        texts = [[encoded[row] for row in rows] for rows in batches]
        for rows, logits in zip(batches, self.runtime.score_all(texts), strict=True):
            scored[rows] = self.calibrated(logits)
        return scored

    def _predictions(
        self,
        texts: Sequence[str],
        encoded: Sequence[Encoded],
        class_probabilities: NDArray[np.float64],
        abstain_below: float,
    ) -> Iterator[Prediction]:
        chosen = self.chosen_in_each(class_probabilities, abstain_below)
        rows = zip(texts, encoded, class_probabilities.tolist(), chosen, strict=True)
        for text, tokens, probabilities_of_text, classes in rows:
            unknown = np.count_nonzero(tokens.ids == UNKNOWN_ID) / len(tokens.ids)
            if is_empty(text):
                yield Prediction(None, None, 0, len(text), unknown)
                continue
            labels = tuple(self.classes[c] for c in classes)
            scores = tuple(probabilities_of_text[c] for c in classes)
            label, score = labels[0] if labels else None, max(probabilities_of_text)
            yield Prediction(label, score, 0, len(text), unknown, labels, scores)


def open_predictor(bundle: Bundle, threads: int = 0) -> Predictor:
    """Open a predictor that runs the bundle's fastest graph, or PyTorch if it has no graph.

    Args:
        bundle: the saved model.
        threads: CPU threads that score, at most one per core; 0 means one per core. One more
            thread tokenises. The tokenizer's and PyTorch's thread counts hold for the whole
            process.

    Raises:
        UsageError: `threads` is not a whole number of at least 0.
        MissingExtraError: onnxruntime is not installed; or the bundle has no graph, and torch is
            not installed.
        BundleError: the graph cannot be run.
    """
    if not isinstance(threads, int) or threads < 0:
        raise UsageError(
            f"Expected a number of threads of at least 0, found {threads!r}: 0 uses every core."
        )
    threads = min(threads, usable_cores())
    name = next((name for name in (INT8_GRAPH, FLOAT_GRAPH) if name in bundle.graphs), None)
    if threads:
        os.environ["RAYON_NUM_THREADS"] = str(threads)  # read when the tokenizer's pool starts
    if name is None:
        return Predictor(bundle, open_torch(bundle, threads))
    try:
        from sentiment_lstm.inference.onnx_runtime import OnnxRuntime
    except ModuleNotFoundError as error:
        raise _missing(error, "pip install onnxruntime") from error
    quantised = name == INT8_GRAPH
    runtime = OnnxRuntime(bundle, bundle.graphs[name], quantised=quantised, threads=threads)
    return Predictor(bundle, runtime)


def open_torch(bundle: Bundle, threads: int = 0) -> Runtime[Any]:
    """Run the bundle's weights in PyTorch, with `threads` as in `open_predictor`.

    Raises:
        MissingExtraError: torch is not installed.
    """
    try:
        from sentiment_lstm.inference.torch_runtime import TorchRuntime
    except ModuleNotFoundError as error:
        raise _missing(error, "pip install 'sentiment-lstm[train]'") from error
    return TorchRuntime(bundle, threads)


def _missing(error: ModuleNotFoundError, remedy: str) -> MissingExtraError:
    return MissingExtraError(
        f"Expected {error.name} to run the model, found it is not installed: {remedy}."
    )


def _with_next(
    windows: Iterator[list[str]],
) -> Iterator[tuple[list[str], list[str] | None]]:
    """Yield each window with its successor. An error is raised after all windows before it."""
    window = next(windows, None)
    while window is not None:
        try:
            next_window = next(windows, None)
        except Exception:
            yield window, None
            raise
        yield window, next_window
        window = next_window


def _windows(texts: Iterable[str]) -> Iterator[list[str]]:
    """Check each text of a stream and collect the texts into lists of bounded size."""
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
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):  # they give their columns' names
        raise UsageError(
            f"Expected a list of texts, found {type(texts).__name__}: give one column, such as "
            "table['text']."
        )
    if hasattr(texts, "to_pylist"):  # the elements of an Arrow array are no strings
        texts = texts.to_pylist()
    try:
        numbered = enumerate(texts)
    except TypeError:
        raise UsageError(
            f"Expected a list of texts, found {type(texts).__name__}: put the texts in a list."
        ) from None
    for index, text in numbered:
        if not isinstance(text, str):
            raise not_a_string(text, index)
        yield text


def not_a_string(value: object, index: int) -> UsageError:
    """The error for a value among texts; `index` is its position, from 0."""
    kind = type(value).__name__
    if is_missing(value):
        return UsageError(
            f"Expected every text to be a string, found a missing value ({value}) at index "
            f"{index}: leave such rows out, or put an empty text there."
        )
    return UsageError(
        f"Expected every text to be a string, found {kind} at index {index}: convert the texts to "
        "strings."
    )
