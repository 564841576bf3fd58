"""From reviews to what the loop is fed: tokenizer, windows of ids, class weights.

Knows sources and text, nothing of the model.
"""

from __future__ import annotations

import hashlib
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
            digest.update(window.labels.tobytes())
        return digest.hexdigest()


def make_feed(corpus: Corpus, tokenizer: TextTokenizer, settings: Settings) -> Feed:
    """Encode a corpus: whole, or window by window each time an epoch reads its stream."""
    most = settings.text.max_tokens

    def encoded(reviews: Iterable[Review], first: int = 0) -> Window:
        return encode(reviews, tokenizer, corpus.classes, most, first)

    def stream() -> Iterator[Window]:
        reviews, first = corpus.training(), 0
        while (window := encoded(islice(reviews, settings.data.stream_rows), first)).ids:
            yield window
            first += len(window.ids)

    sample, validation = encoded(corpus.sample), encoded(corpus.validation)
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
    reviews = iter(reviews)
    while chunk := list(islice(reviews, _CHUNK)):
        encoded = tokenizer.encode([review.text for review in chunk])
        ids += [head_and_tail(e.ids, max_tokens) for e in encoded]
        labels += [position[str(review.label)] for review in chunk]
    return Window(ids, np.array(labels, dtype=np.int64), first)
