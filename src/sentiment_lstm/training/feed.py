"""The texts of a training as the loop reads them: windows of token ids.

This file knows corpora and tokenizers, nothing of the model.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import Window, count_batches, lengths_of
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.records import Example, Targets
from sentiment_lstm.settings import Settings, TrainingSettings
from sentiment_lstm.text.tokenizer import TextTokenizer, head_and_tail
from sentiment_lstm.training.ranks import rank_count, updates_for

_CHUNK = 1_000
"""Texts tokenised in one call. More are faster, fewer need less memory."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The texts of a training, encoded.

    `windows()` gives the training texts from the start; it is called once per epoch. `sample`: the
    first window. `validation`: texts that are never trained on. `steps`: the number of updates in
    all epochs, or up to `max_steps`; None if unknown (a stream).
    """

    windows: Callable[[], Iterable[Window]]
    sample: Window
    validation: Window
    steps: int | None

    def token_counts(self, vocabulary: int) -> NDArray[np.int64]:
        """How often each token id occurs in `sample`, [V]."""
        return np.bincount(np.concatenate(self.sample.ids), minlength=vocabulary)

    def fingerprint(self) -> str:
        """SHA-256 of all texts in memory, to recognise the same data and tokenizer."""
        digest = hashlib.sha256()
        for window in (self.sample, self.validation):
            for ids in window.ids:
                digest.update(len(ids).to_bytes(8, "little") + ids.tobytes())
            for array in (window.labels, window.targets, window.weights):
                digest.update(b"" if array is None else array.tobytes())
        return digest.hexdigest()


def make_feed(corpus: Corpus, tokenizer: TextTokenizer, settings: Settings) -> Feed:
    """Encode a corpus: at once, or a stream window by window in every epoch.

    Validation texts keep all their tokens, because prediction reads all tokens too. So the best
    epoch and the temperature are chosen on whole texts.

    Args:
        corpus: the texts.
        tokenizer: turns them into ids.
        settings: the settings of the run.
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
    if corpus.streaming:
        return Feed(stream, sample, validation, None)
    steps = _count_steps(sample, settings.training)
    return Feed(lambda: [sample], sample, validation, steps)


def _count_steps(sample: Window, training: TrainingSettings) -> int:
    return count_batches(
        lengths_of(sample.ids),
        training.batch_tokens,
        training.seed,
        training.epochs,
        updates_for(training.max_steps),
        training.batch_texts,
        rank_count(),
    )


def encode(
    examples: Iterable[Example],
    tokenizer: TextTokenizer,
    classes: Sequence[str],
    max_tokens: int,
    first: int = 0,
) -> Window:
    """Labelled texts as a window of ids, each of at most `max_tokens`.

    Only a chunk of the raw texts is in memory at a time. `first`: row number of the first text.
    """
    ids: list[NDArray[np.int32]] = []
    labelled: list[Example] = []
    examples = iter(examples)
    while chunk := list(islice(examples, _CHUNK)):
        encoded = tokenizer.encode([example.text for example in chunk])
        ids += [head_and_tail(e.ids, max_tokens) for e in encoded]
        labelled += [replace(example, text="") for example in chunk]
    weights = np.array([example.weight for example in labelled], dtype=np.float32)
    factors = weights if (weights != 1).any() else None
    indices, targets = _answers(labelled, classes)
    return Window(ids, indices, first, targets, factors)


def targets_of(examples: Sequence[Example], classes: Sequence[str]) -> Targets:
    """Class indices, int64 [N]; or the probability of each class, [N, C], if a label is soft.

    If a text may have several labels: which labels it has, bool [N, C].
    """
    indices, targets = _answers(examples, classes)
    return indices if targets is None else targets


def _answers(
    examples: Sequence[Example], classes: Sequence[str]
) -> tuple[NDArray[np.int64], Targets | None]:
    """Class indices, and the targets where the indices do not say everything."""
    class_index = {name: index for index, name in enumerate(classes)}
    if examples and examples[0].labels is not None:
        targets = np.zeros((len(examples), len(classes)), dtype=np.bool_)
        for row, example in enumerate(examples):
            targets[row, [class_index[name] for name in example.all_labels]] = True
        return np.zeros(len(examples), dtype=np.int64), targets
    labels = np.array([class_index[str(example.label)] for example in examples], dtype=np.int64)
    return labels, _soft_targets(examples, labels, class_index)


def _soft_targets(
    examples: Sequence[Example], labels: NDArray[np.int64], class_index: Mapping[str, int]
) -> NDArray[np.float32] | None:
    """The probability of every class for each text, [N, C]; None if no label is soft."""
    if not any(e.soft_label is not None or e.class_probabilities for e in examples):
        return None
    targets = np.eye(len(class_index), dtype=np.float32)[labels]
    for row, example in enumerate(examples):
        if example.soft_label is not None:
            second = np.float32(example.soft_label)
            targets[row] = 1 - second, second
        elif example.class_probabilities:
            targets[row] = 0
            for name, probability in example.class_probabilities.items():
                targets[row, class_index[name]] = probability
    return targets
