"""Scores texts for the service. Each model name has a `Scorer`, whose bundle can be replaced."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.batching import lengths_of
from sentiment_lstm.errors import SentimentError
from sentiment_lstm.inference.editing import CHARACTERS_PER_TOKEN, EditedText
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import Encoded, Prediction
from sentiment_lstm.serving.batcher import Batcher, Job, Workers
from sentiment_lstm.serving.errors import Refused, refused
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.options import Options
from sentiment_lstm.text.tokenizer import TextTokenizer

_logger = logging.getLogger(__name__)
_WARM_UP = ["It was not bad at all.", "A long, dull film. " * 50, "", "\u00e9\U0001f600"]
_CHARACTERS_TOGETHER = 250_000
"""Texts are tokenised together until they have this many characters."""
Truncate = Literal["no", "left", "right"]
"""Which end of a long text is cut: `right` keeps its start; `no` refuses it."""
Result = TypeVar("Result")


def truncation(truncate: bool | None, direction: Literal["left", "right"]) -> Truncate | None:
    """What a request asks for: whether to cut long texts, and which end. None: the default."""
    if truncate is None:
        return None
    return direction if truncate else "no"


class Predictions(list[Prediction]):
    """Predictions with the names of their classes, because the model may be replaced later.

    Args:
        predictions: one for each text.
        predictor: the predictor that made them.
    """

    def __init__(self, predictions: Iterable[Prediction], predictor: Predictor) -> None:
        super().__init__(predictions)
        self.classes, self.multi_label = predictor.classes, predictor.multi_label
        self.thresholds = predictor.thresholds


class _Texts(NamedTuple):
    texts: Sequence[str]
    truncate: Truncate


class Scorer:
    """One model of the service, with its own queue.

    Args:
        name: its name in requests.
        classifier: the bundle; `swap` replaces it.
        workers: the threads, which all models use.
        options: limits.
        metrics: counters.
    """

    def __init__(
        self,
        name: str,
        classifier: SentimentClassifier,
        workers: Workers,
        options: Options,
        metrics: Metrics,
    ) -> None:
        self.name = name
        self.classifier = classifier
        self._options = options
        self._batcher = Batcher(name, self._compute, workers, options, metrics)
        self._seconds = metrics.batch_seconds.labels(name)
        self._batch_texts = metrics.batch_texts.labels(name)
        self._batch_tokens = metrics.batch_tokens.labels(name)

    async def predict(self, texts: Sequence[str], truncate: Truncate | None = None) -> Predictions:
        """Predict texts, in order, as the classifier's predictor does. Waits in the queue.

        Args:
            texts: at least one text. The caller limits their number.
            truncate: which end of a long text is cut; None: as the options say.

        Raises:
            Refused: the queue is full, the deadline has passed, or a text is too long.
        """
        truncate = truncate or ("right" if self._options.auto_truncate else "no")
        most = CHARACTERS_PER_TOKEN * self._options.max_input_length
        longest = max(map(len, texts), default=0)
        if longest > most and truncate == "no":
            raise _too_long(self._options.max_input_length, f"{longest} characters")
        texts = [text[-most:] if truncate == "left" else text[:most] for text in texts]
        work = _Texts(texts, truncate)
        predictions: Predictions = await self._batcher.result(work, sum(map(len, texts)))
        return predictions

    async def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Run other work of the model in a thread, such as an explanation. Waits in the queue.

        Raises:
            Refused: the queue is full, or the deadline has passed.
        """
        result: Result = await self._batcher.result(partial(function, *arguments), None)
        return result

    def swap(self, classifier: SentimentClassifier) -> None:
        """Replace the bundle. Batches that have begun still use the old one."""
        self.classifier = classifier

    def _compute(self, jobs: Sequence[Job]) -> Sequence[Any]:
        """Return a result or an exception for each job. The jobs are all texts, or one function."""
        try:
            if jobs[0].is_function:
                return [jobs[0].work()]
            return self._predicted([job.work for job in jobs])
        except Exception as error:  # whatever it is, each client gets an answer
            if len(jobs) == 1:
                return [_failure(error)]
            return [result for job in jobs for result in self._compute([job])]

    def _predicted(self, requests: Sequence[_Texts]) -> list[Predictions | Refused]:
        """Tokenise and score the texts of all requests together."""
        start = time.monotonic()
        predictor = self.classifier.predictor
        texts = [text for request in requests for text in request.texts]
        encoded = _encoded(predictor.tokenizer, texts)
        fitted = [self._fitted(request, encoded) for request in requests]
        kept_texts: list[str] = []
        kept: list[Encoded] = []
        for request, each in zip(requests, fitted, strict=True):
            if not isinstance(each, Refused):
                kept_texts += request.texts
                kept += each
        predictions = iter(predictor.predict_encoded(kept_texts, kept) if kept else ())
        self._batch_texts.observe(len(kept))
        self._batch_tokens.observe(int(lengths_of([e.ids for e in kept]).sum()))
        self._seconds.observe(time.monotonic() - start)
        return [
            each
            if isinstance(each, Refused)
            else Predictions((next(predictions) for _ in each), predictor)
            for each in fitted
        ]

    def _fitted(self, request: _Texts, encoded: Iterator[Encoded]) -> list[Encoded] | Refused:
        """Take the request's texts; cut those that are too long, or refuse all."""
        most = self._options.max_input_length
        taken = [next(encoded) for _ in request.texts]
        longest = max((len(each.ids) for each in taken), default=0)
        if longest <= most:
            return taken
        if request.truncate == "no":
            return _too_long(most, str(longest))
        return [_cut(each, most, request.truncate) for each in taken]


def _encoded(tokenizer: TextTokenizer, texts: Sequence[str]) -> Iterator[Encoded]:
    """Tokenise texts in groups, so that long texts are cut before the next group is tokenised."""
    start = characters = 0
    for end, text in enumerate(texts, 1):
        characters += len(text)
        if characters >= _CHARACTERS_TOGETHER or end == len(texts):
            yield from tokenizer.encode(texts[start:end])
            start, characters = end, 0


def _too_long(most: int, found: str) -> Refused:
    return Refused(
        413,
        "Validation",
        f"Expected texts of at most {most} tokens, found one of {found}: shorten it, or have it "
        'cut, by "truncate" at /predict or by --auto-truncate.',
    )


def _failure(error: Exception) -> Refused:
    """Return the error for the client. An unexpected error is logged."""
    if not isinstance(error, Refused | SentimentError):
        _logger.error("A model failed.", exc_info=error)
    return refused(error)


def _cut(text: Encoded, most: int, truncate: Truncate) -> Encoded:
    places = np.arange(len(text.ids))
    keep = places >= len(text.ids) - most if truncate == "left" else places < most
    return text.kept(keep)


def open_model(folder: Path) -> SentimentClassifier:
    """Open a model for the service and score a few texts, so that its first answer is not slow.

    Each thread of the service scores its own batches, so the model itself uses one thread. NumPy
    also uses one. With more, its threads would wait for each other, and an explanation would take
    40 times as long on a busy machine.

    Raises:
        SentimentError: there is no model, or it cannot score.
    """
    threadpool_limits(1, user_api="blas")
    classifier = SentimentClassifier.from_pretrained(folder, threads=1)
    predictor = classifier.predictor
    predictor.predict_encoded(_WARM_UP, predictor.tokenizer.encode(_WARM_UP))
    if predictor.runtime.carries:
        EditedText(predictor).update(_WARM_UP[0])
    return classifier
