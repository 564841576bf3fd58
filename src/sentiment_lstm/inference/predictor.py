"""Turns texts into calibrated predictions, in the order of the texts.

Works on one window of texts at a time, so memory does not grow with the number of texts. While a
window is scored, the next one is tokenised. Within a window, texts of nearly equal length share a
batch. Knows no files, and of the model only its runtime.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import lengths_of
from sentiment_lstm.bundle import FLOAT_GRAPH, INT8_GRAPH, Bundle
from sentiment_lstm.cores import checked_threads, usable_cores
from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.evaluation.calibration import checked_threshold, probabilities
from sentiment_lstm.inference.runtime import Runtime
from sentiment_lstm.inference.unfamiliar import base_probability, less_certain
from sentiment_lstm.inference.windows import windows_of, with_next
from sentiment_lstm.records import UNKNOWN_ID, Encoded, Prediction, is_empty
from sentiment_lstm.text.familiarity import Familiarity, stored_rates
from sentiment_lstm.text.familiarity_scores import stored_familiarity

_logger = logging.getLogger(__name__)


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
        self.text_familiarity = stored_familiarity(bundle.config.provenance, len(bundle.tokenizer))
        """Scores how familiar a text looks; None if the bundle has no table of familiarity."""

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
            for window in self._scored_windows(texts)
            for prediction in self.predictions(*window, threshold)
        )

    def predict_encoded(self, texts: Sequence[str], encoded: Sequence[Encoded]) -> list[Prediction]:
        """Predict a few texts from their tokens. A long text may lack some of its tokens.

        Several threads may call it at the same time.
        """
        batches = self.runtime.batches_of_few(lengths_of([text.ids for text in encoded]))
        scored = self._scored(texts, encoded, self._scored_in(batches, encoded))
        return list(self.predictions(texts, encoded, *scored))

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
        """Choose the classes of N texts, as `chosen` does for one. It is faster than N calls.

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

    @property
    def base_probability(self) -> float:
        """The probability of each class of an empty text: 1/C; 0 with several labels per text."""
        return base_probability(len(self.classes), multi_label=self.multi_label)

    def probabilities(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return the probability of each class for each text, [N, C], columns as `classes`.

        An empty text gets `base_probability` for each class.

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
        unlike those that trained the model, a warning is logged. The scores of unfamiliar texts are
        low (`inference.unfamiliar`).

        Raises:
            UsageError: `texts` is one string or holds something that is not a string.
        """
        for window, encoded, class_probabilities, _ in self._scored_windows(texts):
            yield window, encoded, class_probabilities

    def familiarity_of(self, encoded: Sequence[Encoded]) -> NDArray[np.float64] | None:
        """Return how familiar N tokenised texts look, from 0 to 1, [N].

        None if the bundle has no table of familiarity, as older bundles.
        """
        if self.text_familiarity is None:
            return None
        return self.text_familiarity.of([text.ids for text in encoded])

    def familiarity(self, texts: Iterable[str]) -> NDArray[np.float64] | None:
        """Return how familiar N texts look, [N]: 0 is unlike the training texts, 1 is like them.

        Below 0.5 a text is unfamiliar, for example because it is in another language. Its scores
        are low. An empty text has NaN. The result is None if the model cannot tell. Older models
        and those trained on very few texts cannot.

        Raises:
            UsageError: `texts` is one string or holds something that is not a string.
        """
        if self.text_familiarity is None:
            return None
        scores = [np.zeros(0)]
        for window in windows_of(texts):
            scores.append(self.text_familiarity.of([e.ids for e in self.tokenizer.encode(window)]))
            scores[-1][list(map(is_empty, window))] = np.nan
        return np.concatenate(scores)

    def _scored_windows(
        self, texts: Iterable[str]
    ) -> Iterator[tuple[list[str], list[Encoded], NDArray[np.float64], NDArray[np.float64] | None]]:
        """Yield what `windows` yields, and how familiar the texts look."""
        with ThreadPoolExecutor(1) as tokenizing:
            next_encoded: Future[list[Encoded]] | None = None
            for window, next_window in with_next(windows_of(texts)):
                encoded = next_encoded.result() if next_encoded else self.tokenizer.encode(window)
                try:
                    encode = self.tokenizer.encode
                    next_encoded = tokenizing.submit(encode, next_window) if next_window else None
                except RuntimeError:  # the main thread has ended: pools take no more work
                    next_encoded = None
                if warning := self._familiarity.read(window, encoded):
                    _logger.warning("%s", warning)
                yield window, encoded, *self._scored(window, encoded, self.score(encoded))

    def _scored(
        self, texts: Sequence[str], encoded: Sequence[Encoded], calibrated: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the final probabilities of N texts, [N, C], and how familiar they look."""
        familiarity = self.familiarity_of(encoded)
        class_probabilities = self.less_certain(calibrated, familiarity)
        class_probabilities[list(map(is_empty, texts))] = self.base_probability
        return class_probabilities, familiarity

    def less_certain(
        self, class_probabilities: NDArray[np.float64], familiarity: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Lower the scores of unfamiliar texts, as `inference.unfamiliar.less_certain` does.

        Args:
            class_probabilities: the probability of each class for each text, [N, C].
            familiarity: how familiar the texts look, [N]; None changes nothing.
        """
        if familiarity is None:
            return class_probabilities
        return less_certain(class_probabilities, familiarity, multi_label=self.multi_label)

    def score(self, encoded: Sequence[Encoded]) -> NDArray[np.float64]:
        """Return the probability of each class for N tokenised texts, [N, C]."""
        batches = self.runtime.batches(lengths_of([text.ids for text in encoded]))
        return self._scored_in(batches, encoded)

    def _scored_in(
        self, batches: Sequence[NDArray[np.int64]], encoded: Sequence[Encoded]
    ) -> NDArray[np.float64]:
        scored = np.empty((len(encoded), len(self.classes)))
        texts = [[encoded[row] for row in rows] for rows in batches]
        for rows, logits in zip(batches, self.runtime.score_all(texts), strict=True):
            scored[rows] = self.calibrated(logits)
        return scored

    def predictions(
        self,
        texts: Sequence[str],
        encoded: Sequence[Encoded],
        class_probabilities: NDArray[np.float64],
        familiarity: NDArray[np.float64] | None,
        abstain_below: float = 0.0,
    ) -> Iterator[Prediction]:
        """Yield the predictions of N scored texts.

        Args:
            texts: the texts.
            encoded: their tokens, at least one each.
            class_probabilities: the probability of each class for each text, [N, C].
            familiarity: how familiar the texts look, [N]; None if the model cannot tell.
            abstain_below: a prediction with a lower score has no label.
        """
        chosen = self.chosen_in_each(class_probabilities, abstain_below)
        known = [None] * len(texts) if familiarity is None else familiarity.tolist()
        rows = zip(texts, encoded, class_probabilities.tolist(), chosen, known, strict=True)
        for text, tokens, row, classes, familiar in rows:
            unknown = np.count_nonzero(tokens.ids == UNKNOWN_ID) / len(tokens.ids)
            if is_empty(text):
                yield Prediction(None, None, 0, len(text), unknown, probabilities=tuple(row))
                continue
            labels = tuple(self.classes[c] for c in classes)
            scores = tuple(row[c] for c in classes)
            first = labels[0] if labels else None, max(row), 0, len(text), unknown
            yield Prediction(*first, labels, scores, tuple(row), familiar)


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
    threads = min(checked_threads(threads), usable_cores())
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
        remedy = "pip install 'sentiment-lstm[train]', or add a graph where it is installed"
        raise _missing(error, f"{remedy}: sentiment-lstm export") from error
    return TorchRuntime(bundle, threads)


def _missing(error: ModuleNotFoundError, remedy: str) -> MissingExtraError:
    return MissingExtraError(
        f"Expected {error.name} to run the model, found it is not installed: {remedy}."
    )
