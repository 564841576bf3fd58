"""From reviews to what the loop is fed: tokenizer, windows of ids, class weights.

Knows sources and text, nothing of the model.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import Window, count_batches, lengths_of
from sentiment_lstm.records import Review
from sentiment_lstm.reviews.corpus import Corpus
from sentiment_lstm.settings import Settings
from sentiment_lstm.text.tokenizer import TextTokenizer, head_and_tail

_CHUNK = 1_000
"""Reviews tokenised in one call: enough for all cores, little enough to hold."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What there is to learn from.

    `windows` gives the training texts anew on each call, one call an epoch. `sample` is the first
    window, `validation` what is never trained on. `steps`: batches of all epochs, or as many as
    are trained on; None where a stream's end is unknown.
    """

    windows: Callable[[], Iterable[Window]]
    sample: Window
    validation: Window
    steps: int | None

    def fingerprint(self) -> str:
        """SHA-256 of sample and validation: the same data and tokenizer give the same one."""
        digest = hashlib.sha256()
        for window in (self.sample, self.validation):
            for ids in window.ids:
                digest.update(len(ids).to_bytes(8, "little") + ids.tobytes())
            for array in (window.labels, window.targets, window.weights):
                digest.update(b"" if array is None else array.tobytes())
        return digest.hexdigest()


def make_feed(corpus: Corpus, tokenizer: TextTokenizer, settings: Settings) -> Feed:
    """Encode a corpus: whole, or window by window each time an epoch reads its stream.

    Validation texts keep all their tokens, for prediction reads all: the epoch and the temperature
    are chosen for texts as they will come.
    """
    most = settings.text.max_tokens

    def encoded(reviews: Iterable[Review], first: int = 0) -> Window:
        return encode(reviews, tokenizer, corpus.classes, most, first)

    def whole(reviews: Iterable[Review]) -> Window:
        return encode(reviews, tokenizer, corpus.classes, sys.maxsize)

    def stream() -> Iterator[Window]:
        reviews, first = corpus.training(), 0
        while (window := encoded(islice(reviews, settings.data.stream_rows), first)).ids:
            yield window
            first += len(window.ids)

    sample, validation = encoded(corpus.sample), whole(corpus.validation)
    if corpus.streaming:
        return Feed(stream, sample, validation, None)
    training = settings.training
    lengths = lengths_of(sample.ids)
    steps = count_batches(
        lengths, training.batch_tokens, training.seed, training.epochs, training.max_steps
    )
    return Feed(lambda: [sample], sample, validation, steps)


def encode(
    reviews: Iterable[Review],
    tokenizer: TextTokenizer,
    classes: Sequence[str],
    max_tokens: int,
    first: int = 0,
) -> Window:
    """Labelled reviews as ids of at most `max_tokens`; raw texts are held a chunk at a time."""
    position = {name: index for index, name in enumerate(classes)}
    ids: list[NDArray[np.int32]] = []
    labels: list[int] = []
    shares: list[float | None] = []
    weights: list[float] = []
    reviews = iter(reviews)
    while chunk := list(islice(reviews, _CHUNK)):
        encoded = tokenizer.encode([review.text for review in chunk])
        ids += [head_and_tail(e.ids, max_tokens) for e in encoded]
        labels += [position[str(review.label)] for review in chunk]
        shares += [review.share for review in chunk]
        weights += [review.weight for review in chunk]
    places = np.array(labels, dtype=np.int64)
    counts = np.array(weights, dtype=np.float32) if set(weights) - {1.0} else None
    return Window(ids, places, first, _targets(places, shares, len(classes)), counts)


def _targets(
    labels: NDArray[np.int64], shares: Sequence[float | None], classes: int
) -> NDArray[np.float32] | None:
    """Each text's share of every class, [N, C]; None where no label is soft."""
    soft = [place for place, share in enumerate(shares) if share is not None]
    if not soft:
        return None
    targets = np.eye(classes, dtype=np.float32)[labels]
    second = np.array([shares[place] for place in soft], dtype=np.float32)
    targets[soft] = np.stack([1 - second, second], axis=1)
    return targets
