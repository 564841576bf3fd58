"""The records that travel from one stage to the next, and the legend of their shapes.

Shape letters used in every docstring: B texts in a batch, T tokens (padded length), E embedding
width, H hidden width, L LSTM layers, C classes. This file knows NumPy and nothing of torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAD_ID = 0
"""Id of the padding token, in every vocabulary."""
UNKNOWN_ID = 1
"""Id of the token that stands for every word outside the vocabulary."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a source gives it, before screening.

    `text` and `label` are as found (any type, None where missing); `id` names the row for people
    ("reviews.csv:17", "train/neg/0_3.txt"); `line` counts from 1 within its file.
    `problem` is set where the source itself could not read the row (broken JSON, bad UTF-8).
    """

    text: object
    label: object
    id: str
    line: int
    group: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A screened text.

    `label` is the name of its class, None where the text has no label; `share` the second class's
    share where the label is soft (a neutral text between two classes: 0.5); `weight` how much the
    text counts in training.
    """

    text: str
    label: str | None
    id: str
    group: str | None = None
    share: float | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as token ids.

    `ids`: int32 [T], not to be written to. `offsets`: int32 [T, 2], start and end of each token in
    characters of the raw text, None where they were not asked for.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts padded on the right to one length.

    `ids`: int64 [B, T], padded with `PAD_ID`. `lengths`: int64 [B], all >= 1.
    `labels`: int64 [B], class positions. `rows`: int64 [B], the texts' places in their data set.
    `targets`: each class's share, float32 [B, C], where labels are soft. `weights`: how much a text
    counts, float32 [B]; None: 1.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    targets: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None

    @property
    def tokens(self) -> int:
        """Real tokens, padding left out."""
        return int(self.lengths.sum())


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of a text.

    `label` is the winning class, `score` its calibrated probability in [0, 1]; `start` and `end`
    count characters of the raw text; `unknown` is the share of tokens outside the vocabulary.
    """

    label: str | None
    score: float
    start: int
    end: int
    unknown: float = 0.0
