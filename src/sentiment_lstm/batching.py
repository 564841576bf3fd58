"""Encoded texts into padded batches of nearly equal length.

Knows ids and lengths, nothing of text or models. Whole data sets and streams go the same way: an
epoch is a sequence of windows (one for a whole data set), each bucketed and shuffled by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.records import PAD_ID, Batch

_JITTER = 0.02
"""Share of a text's length by which its place in the sorted order may move: enough that no two
epochs group the same texts, little enough that a batch stays nearly free of padding."""


@dataclass(frozen=True, slots=True)
class Window:
    """Encoded texts held in memory together.

    `ids`: N arrays of int32. `labels`: int64 [N], class positions. `first`: the place of the
    window's first text in the data set. `targets` and `weights`: as in `Batch`, of N texts.
    """

    ids: Sequence[NDArray[np.int32]]
    labels: NDArray[np.int64]
    first: int = 0
    targets: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far training has read: epochs finished, and batches of the present one used."""

    epoch: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """Which of several processes this is: number `rank` of `world`."""

    rank: int = 0
    world: int = 1


def length_batches(
    lengths: NDArray[np.int64],
    budget: int,
    rng: np.random.Generator | None = None,
    parts: int = 1,
    texts: int = 0,
) -> list[NDArray[np.int64]]:
    """Group texts of nearly equal length.

    Lengths [2, 9, 3] with a budget of 9 -> [[0, 2], [1]]: two texts of at most 3 tokens fit.

    Args:
        lengths: tokens of each text, [N].
        budget: most tokens of a batch, padding included; a longer text is a batch of its own.
        rng: shuffles; None keeps the batches in order of length.
        parts: the number of batches is made divisible by it, by halving batches; where each holds
            a single text, by leaving out the last few.
        texts: most texts of a batch; 0: as many as the budget holds.

    Returns:
        Arrays of row numbers; each row stands in at most one, and with one part in exactly one.
    """
    noise = 1 + _JITTER * rng.random(len(lengths)) if rng else np.ones(len(lengths))
    order = np.argsort(lengths * noise, kind="stable")
    batches = _evened(list(_filled(order, lengths, budget, texts or len(lengths))), parts)
    if rng:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches[: len(batches) - len(batches) % parts]


def epoch_batches(
    windows: Iterable[Window],
    budget: int,
    seed: int,
    at: Position,
    share: Share | None = None,
    texts: int = 0,
) -> Iterator[Batch]:
    """The batches of epoch `at.epoch` from number `at.batch` on.

    The order depends on seed and epoch alone, so a training that resumes at a saved position sees
    what an uninterrupted one would. Batches before the position are never padded or copied.

    Args:
        windows: the texts, in the same order in every epoch.
        budget: most tokens of a batch, padding included.
        seed: fixes the order together with the epoch.
        at: where to begin.
        share: the part of one process among several; all parts hold equally many batches.
        texts: most texts of a batch; 0: as many as the budget holds.
    """
    share = share or Share()
    done = 0
    for number, window in enumerate(windows):
        rng = np.random.default_rng((seed, at.epoch, number))
        batches = length_batches(lengths_of(window.ids), budget, rng, share.world, texts)
        for rows in batches[share.rank :: share.world]:
            if done >= at.batch:
                yield padded(window, rows)
            done += 1


def count_batches(
    lengths: NDArray[np.int64], budget: int, seed: int, epochs: int, most: int = 0, texts: int = 0
) -> int:
    """How many batches `epoch_batches` gives over the first epochs of a single window.

    With `most` the count stops there: nobody trains on more.
    """
    total = 0
    for epoch in range(epochs):
        rng = np.random.default_rng((seed, epoch, 0))
        total += len(length_batches(lengths, budget, rng, texts=texts))
        if most and total >= most:
            return most
    return total


def ordered_batches(window: Window, budget: int) -> Iterator[Batch]:
    """Every text once, shortest first: the way to evaluate."""
    for rows in length_batches(lengths_of(window.ids), budget):
        yield padded(window, rows)


def padded(window: Window, rows: NDArray[np.int64]) -> Batch:
    """Copy the given rows of a window into one batch, padded on the right."""
    lengths = lengths_of([window.ids[row] for row in rows])
    ids = np.full((len(rows), lengths.max()), PAD_ID, dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : lengths[place]] = window.ids[row]
    targets, weights = (None if a is None else a[rows] for a in (window.targets, window.weights))
    return Batch(ids, lengths, window.labels[rows], rows + window.first, targets, weights)


def lengths_of(ids: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    """Tokens of each text, [N]."""
    return np.fromiter((len(i) for i in ids), dtype=np.int64, count=len(ids))


def _filled(
    order: NDArray[np.int64], lengths: NDArray[np.int64], budget: int, texts: int
) -> Iterator[NDArray[np.int64]]:
    """Cut `order` where one more text would pass `texts`, or the budget at the longest length."""
    start, longest = 0, 0
    for place, row in enumerate(order):
        longest = max(longest, int(lengths[row]))
        count = place - start + 1
        if count > texts or (count > 1 and count * longest > budget):
            yield order[start:place]
            start, longest = place, int(lengths[row])
    if len(order):
        yield order[start:]


def _evened(batches: list[NDArray[np.int64]], parts: int) -> list[NDArray[np.int64]]:
    """Halve the batches with most texts until their number divides by `parts`, or none has two."""
    while len(batches) % parts:
        index = max(range(len(batches)), key=lambda i: len(batches[i]))
        if len(batches[index]) == 1:
            break
        batches += np.array_split(batches.pop(index), 2)
    return batches
