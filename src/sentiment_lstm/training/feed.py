"""From reviews to what the loop is fed: tokenizer, windows of ids, class weights.

Knows sources and text, nothing of the model.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import Window, count_batches, length_batches, lengths_of, padded
from sentiment_lstm.data.corpus import Corpus, unlabelled_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.records import Batch, Example
from sentiment_lstm.settings import Settings, TrainingSettings
from sentiment_lstm.text.tokenizer import TextTokenizer, head_and_tail

_CHUNK = 1_000
"""Reviews tokenised in one call: many for new words to be cut together, few to hold."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What there is to learn from.

    `windows` gives the training texts anew on each call, one call an epoch. `sample` is the first
    window, `validation` what is never trained on. `steps`: batches of all epochs, or as many as
    are trained on; None where a stream's end is unknown. `unlabelled`: what losses without labels
    are computed on, its labels mean nothing; None where there is no such loss.
    """

    windows: Callable[[], Iterable[Window]]
    sample: Window
    validation: Window
    steps: int | None
    unlabelled: Window | None = None

    def unlabelled_batches(self, budget: int, seed: int, first: int) -> Iterator[Batch]:
        """Batches without labels and without end from number `first` on, pass after pass.

        As in `epoch_batches`, the order depends on the seed alone and what is skipped costs little:
        with one batch an update, the number of updates done says where to go on.
        """
        if self.unlabelled is None:
            return
        lengths = lengths_of(self.unlabelled.ids)
        for number in count():
            batches = length_batches(lengths, budget, np.random.default_rng((seed, number)))
            for rows in batches[first:]:
                yield padded(self.unlabelled, rows)
            first = max(0, first - len(batches))

    def token_counts(self, vocabulary: int) -> NDArray[np.int64]:
        """How often each token id stands in the training texts that are held, [V]."""
        return np.bincount(np.concatenate(self.sample.ids), minlength=vocabulary)

    def fingerprint(self) -> str:
        """SHA-256 of all texts that are held: the same data and tokenizer give the same one."""
        digest = hashlib.sha256()
        for window in filter(None, (self.sample, self.validation, self.unlabelled)):
            for ids in window.ids:
                digest.update(len(ids).to_bytes(8, "little") + ids.tobytes())
            for array in (window.labels, window.targets, window.weights):
                digest.update(b"" if array is None else array.tobytes())
        return digest.hexdigest()


def make_feed(
    corpus: Corpus,
    tokenizer: TextTokenizer,
    settings: Settings,
    set_aside: SetAside | None = None,
) -> Feed:
    """Encode a corpus: whole, or window by window each time an epoch reads its stream.

    Validation texts keep all their tokens, for prediction reads all: the epoch and the temperature
    are chosen for texts as they will come.

    Args:
        corpus: its texts are encoded.
        tokenizer: encodes.
        settings: the run's; where a loss without labels has a weight, its sources are read too.
        set_aside: gets the bad rows of those; None: they are counted elsewhere.

    Raises:
        DataError: as `unlabelled_texts`.
    """
    most = settings.text.max_tokens

    def encoded(examples: Iterable[Example], first: int = 0) -> Window:
        return encode(examples, tokenizer, corpus.classes, most, first)

    def stream() -> Iterator[Window]:
        examples, first = corpus.training(), 0
        while (window := encoded(islice(examples, settings.data.stream_rows), first)).ids:
            yield window
            first += len(window.ids)

    sample = encoded(corpus.sample)
    validation = encode(corpus.validation, tokenizer, corpus.classes, sys.maxsize)
    unlabelled = _unlabelled(corpus, tokenizer, settings, set_aside or SetAside(None))
    if corpus.streaming:
        return Feed(stream, sample, validation, None, unlabelled)
    steps = _count_steps(sample, settings.training)
    return Feed(lambda: [sample], sample, validation, steps, unlabelled)


def _count_steps(sample: Window, training: TrainingSettings) -> int:
    return count_batches(
        lengths_of(sample.ids),
        training.batch_tokens,
        training.seed,
        training.epochs,
        training.max_steps,
        training.batch_texts,
    )


def _unlabelled(
    corpus: Corpus, tokenizer: TextTokenizer, settings: Settings, set_aside: SetAside
) -> Window | None:
    """Texts for losses without labels, where one has a weight.

    Where no source is named, or it holds nothing new, the training texts serve.
    """
    if not (settings.training.virtual_adversarial or settings.training.entropy):
        return None
    examples = unlabelled_texts(settings, corpus, set_aside) or corpus.sample
    encoded = tokenizer.encode([example.text for example in examples])
    ids = [head_and_tail(e.ids, settings.text.max_tokens) for e in encoded]
    return Window(ids, np.zeros(len(ids), dtype=np.int64))


def encode(
    examples: Iterable[Example],
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
    examples = iter(examples)
    while chunk := list(islice(examples, _CHUNK)):
        encoded = tokenizer.encode([example.text for example in chunk])
        ids += [head_and_tail(e.ids, max_tokens) for e in encoded]
        labels += [position[str(example.label)] for example in chunk]
        shares += [example.soft_label for example in chunk]
        weights += [example.weight for example in chunk]
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
