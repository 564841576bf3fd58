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
"""Id of the token for every word outside the vocabulary."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a source gives it, before screening.

    `text` and `label` may have any type; None where missing. `id` names the row for people
    ("reviews.csv:17", "train/neg/0_3.txt"). `line` counts from 1 within the row's file.
    `problem` says why the source could not read the row (broken JSON, bad UTF-8); else None.
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

    `label` is the name of its class, None for a text without a label. `soft_label` is the second
    class's probability where the label lies between two classes (0.5 for a neutral text); else
    None. `weight` is the text's factor in the training loss.
    """

    text: str
    label: str | None
    id: str
    group: str | None = None
    soft_label: float | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as token ids.

    `ids`: int32 [T], read-only. `offsets`: int32 [T, 2], start and end of each token in characters
    of the raw text; None unless they were asked for.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts padded on the right to one length.

    `ids`: int64 [B, T], padded with `PAD_ID`. `lengths`: int64 [B], all >= 1.
    `labels`: int64 [B], class indices. `rows`: int64 [B], the texts' indices in their data set.
    `targets`: float32 [B, C], the classes' probabilities where labels are soft; else None.
    `weights`: float32 [B], each text's factor in the loss; None means 1 for all.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    targets: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None

    @property
    def tokens(self) -> int:
        """The number of tokens, without padding."""
        return int(self.lengths.sum())


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's prediction for a text.

    `label` is the likeliest class, None where the model abstains. `score` is the class's calibrated
    probability, from 0 to 1. `start` and `end` are character positions in the raw text. `unknown`
    is the fraction of tokens outside the vocabulary.
    """

    label: str | None
    score: float
    start: int
    end: int
    unknown: float = 0.0
