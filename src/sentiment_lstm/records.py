"""The records that travel from one stage to the next, and the legend of their shapes.

Shape letters used in every docstring: B texts in a batch, T tokens (padded length), E embedding
width, H hidden width, L LSTM layers, C classes, U output units, K features of a text. This file
knows NumPy and nothing of torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

PAD_ID = 0
"""Id of the padding token, in every vocabulary."""
UNKNOWN_ID = 1
"""Id of the token for every word outside the vocabulary."""


def is_empty(text: str) -> bool:
    """Whether a text holds nothing but white space. Such a text has no label and no score."""
    return not text or text.isspace()


def is_missing(value: object) -> bool:
    """Whether a value means "nothing": None, NaN, NaT or NA of pandas."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # NA is neither equal nor unequal; arrays have many answers
        return type(value).__name__ == "NAType"


Targets = NDArray[np.int64] | NDArray[np.float32] | NDArray[np.bool_]
"""Class indices, [N]; the probability of each class, float [N, C]; or, if a text may have several
labels, which of them it has, bool [N, C]."""


def has_several(targets: Targets) -> TypeGuard[NDArray[np.bool_]]:
    """Whether the targets are of texts that may have several labels."""
    return targets.dtype == np.bool_


def class_indices(targets: Targets) -> NDArray[np.int64]:
    """The likeliest class of each text with one class, [N]."""
    return targets.astype(np.int64) if targets.ndim == 1 else targets.argmax(axis=1)


def output_units(classes: int, *, multi_label: bool = False) -> int:
    """The number of output units U of a network.

    A text has one of C classes: one unit for two classes, else C (softmax). A text may have several
    of C labels: always C units (a sigmoid each).
    """
    return 1 if classes == 2 and not multi_label else classes


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a source gives it, before screening.

    `text` and `label` may have any type; None where missing. `id` names the row for people
    ("reviews.csv:17", "train/neg/0_3.txt"). `line` counts from 1 within the row's file.
    `problem` says why the source could not read the row (broken JSON, bad UTF-8); else None.
    `weight` is the row's weight in training, before it is checked; 1 without a column of weights.
    """

    text: object
    label: object
    id: str
    line: int
    group: str | None = None
    problem: str | None = None
    weight: object = 1.0


@dataclass(frozen=True, slots=True)
class Example:
    """A screened text.

    `label` is the name of its class, None for a text without a label. `soft_label` is the second
    class's probability where the label lies between two classes (0.5 for a neutral text); else
    None. `weight` is the text's factor in the training loss. `labels` holds all labels, sorted, if
    a text may have several of them (`label` is None then); else None. `class_probabilities`: the
    probabilities of the classes by name, if the label is soft and more than two classes may exist;
    their sum is 1; else None.
    """

    text: str
    label: str | None
    id: str
    group: str | None = None
    soft_label: float | None = None
    weight: float = 1.0
    labels: tuple[str, ...] | None = None
    class_probabilities: Mapping[str, float] | None = None

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The names of all its labels; () if it has none."""
        if self.labels is not None:
            return self.labels
        return () if self.label is None else (self.label,)


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a text for the wide path (`text.features`).

    `ids`: indices of the features, int32 [K], in the order of the text. `counts`: how many of them
    belong to each token, int64 [T]. The features of a word belong to its last token. `last_word`:
    the hash of the text's last word, None if it has no word.
    """

    ids: NDArray[np.int32]
    counts: NDArray[np.int64]
    last_word: int | None = None

    def kept(self, tokens: NDArray[np.bool_]) -> Features:
        """Return the features of the tokens that are true in `tokens`, bool [T]."""
        ids = self.ids[np.repeat(tokens, self.counts)]
        return Features(ids, self.counts[tokens], self.last_word)

    def pieces(self, size: int) -> Iterator[Features]:
        """Yield the features of each `size` tokens, in order."""
        ends = self.counts.cumsum()
        for start in range(0, len(ends), size):
            counts = self.counts[start : start + size]
            end = int(ends[start + len(counts) - 1])
            yield Features(self.ids[end - int(counts.sum()) : end], counts, self.last_word)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as token ids.

    `ids`: int32 [T], read-only. `offsets`: int32 [T, 2], start and end of each token in characters
    of the raw text; None unless they were asked for. `features`: what the wide path reads, None for
    a model without one.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32] | None = None
    features: Features | None = None

    def kept(self, tokens: NDArray[np.bool_]) -> Encoded:
        """Return the text with only the tokens that are true in `tokens`, bool [T].

        If none is true, one unknown token without features is left.
        """
        if not tokens.any():
            nothing = np.zeros(0, dtype=np.int32)
            features = self.features and Features(nothing, np.zeros(1, dtype=np.int64))
            return Encoded(np.array([UNKNOWN_ID], dtype=np.int32), features=features)
        offsets = None if self.offsets is None else self.offsets[tokens]
        return Encoded(self.ids[tokens], offsets, self.features and self.features.kept(tokens))

    def pieces(self, size: int) -> Iterator[Encoded]:
        """Yield the text in pieces of `size` tokens, in order; the last one may be shorter."""
        features = self.features.pieces(size) if self.features else repeat(None)
        for start in range(0, len(self.ids), size):
            tokens = slice(start, start + size)
            offsets = None if self.offsets is None else self.offsets[tokens]
            yield Encoded(self.ids[tokens], offsets, next(features))


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts padded on the right to one length.

    `ids`: int64 [B, T], padded with `PAD_ID`. `lengths`: int64 [B], all >= 1.
    `labels`: int64 [B], class indices. `rows`: int64 [B], the texts' indices in their data set.
    `targets`: float32 [B, C], the classes' probabilities where labels are soft; bool [B, C], the
    labels of texts that may have several (`labels` means nothing then); else None.
    `weights`: float32 [B], each text's factor in the loss; None means 1 for all.
    `ids_of_ranks`: the ids that occur in this batch or, if several processes train, in the batches
    that the others read at the same time, sorted; None if one process trains.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    targets: Targets | None = None
    weights: NDArray[np.float32] | None = None
    ids_of_ranks: NDArray[np.int64] | None = None

    @property
    def tokens(self) -> int:
        """The number of tokens, without padding."""
        return int(self.lengths.sum())


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's prediction for a text.

    `label` is the likeliest class, None where the model abstains. `score` is the class's calibrated
    probability, from 0 to 1. An empty text has no label, and None as score. If a text may have
    several labels, `labels` are those whose probability reaches their threshold, the most probable
    first, and `scores` their probabilities; `label` is the first of them, None without any, and
    `score` the highest probability of any label. Else `labels` holds `label`, unless it is None.
    `start` and `end` are character positions in the raw text. `unknown` is the fraction of tokens
    outside the vocabulary. `probabilities` are those of all classes, [C]; of an empty text, each is
    1/C, or 0 if a text may have several labels. `familiarity` is 0 for a text unlike the training
    texts and 1 for a text like them; below 0.5 the text is unfamiliar. It is None for an empty
    text, and if the model cannot tell.
    """

    label: str | None
    score: float | None
    start: int
    end: int
    unknown: float = 0.0
    labels: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()
    familiarity: float | None = None
