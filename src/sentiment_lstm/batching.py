"""Group encoded texts into padded batches of nearly equal length.

This file knows ids and lengths, nothing of text or models. Data sets in memory and streams are
treated in the same way. An epoch is a sequence of windows (one window if the data set is in
memory). Each window is sorted into batches, and these are shuffled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.records import PAD_ID, UNKNOWN_ID, Batch, Targets

_JITTER = 0.02
"""Before sorting, each length is changed at random by up to this fraction. So every epoch groups
the texts differently, and batches still need almost no padding."""

_STEP, _CALL = 1.5, 50.0
"""What scoring a batch costs beside its tokens: as much as this many tokens for each step, and for
each batch. Measured with the shipped model on one core; near the optimum little depends on it."""


@dataclass(frozen=True, slots=True)
class Window:
    """Encoded texts that are held in memory together.

    `ids`: N arrays of int32. `labels`: class indices, int64 [N]. `first`: the row number of the
    window's first text in the data set. `targets` and `weights`: as in `Batch`, for N texts.
    """

    ids: Sequence[NDArray[np.int32]]
    labels: NDArray[np.int64]
    first: int = 0
    targets: Targets | None = None
    weights: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far training has come: finished epochs, and batches used of the current one."""

    epoch: int = 0
    batch: int = 0


def length_batches(
    lengths: NDArray[np.int64],
    batch_tokens: int,
    rng: np.random.Generator | None = None,
    multiple_of: int = 1,
    batch_texts: int = 0,
) -> list[NDArray[np.int64]]:
    """Group texts of nearly equal length.

    Lengths [2, 9, 3] and `batch_tokens` 9 -> [[0, 2], [1]]: two texts of at most 3 tokens fit.

    Args:
        lengths: tokens of each text, [N].
        batch_tokens: most tokens in a batch, padding included. A longer text gets its own batch.
        rng: shuffles the batches; None: the shortest texts come first.
        multiple_of: the number of batches is a multiple of this. Batches are halved to reach it;
            if every batch has a single text, the last few are left out. Groups of this many batches
            of nearly equal length stay together.
        batch_texts: most texts of a batch; 0: as many as `batch_tokens` allows.

    Returns:
        Arrays of row numbers. Each row is in one batch, or in none if it was left out.
    """
    noise = 1 + _JITTER * rng.random(len(lengths)) if rng else np.ones(len(lengths))
    order = np.argsort(lengths * noise, kind="stable")
    filled = list(_filled(order, lengths, batch_tokens, batch_texts or len(lengths)))
    batches = _halved_until(multiple_of, filled)
    if rng:
        groups = range(0, len(batches) - multiple_of + 1, multiple_of)
        starts = [groups[i] for i in rng.permutation(len(groups))]
        return [batch for start in starts for batch in batches[start : start + multiple_of]]
    return batches[: len(batches) - len(batches) % multiple_of]


def cheapest_batches(lengths: NDArray[np.int64], batch_tokens: int) -> list[NDArray[np.int64]]:
    """Group few texts so that scoring them takes the least time.

    If there are few texts, filling batches up would pad short ones to the length of long ones.
    Lengths [20, 21, 300] -> [[0, 1], [2]], whatever `batch_tokens` would allow.

    Args:
        lengths: tokens of each text, [N].
        batch_tokens: as in `length_batches`.

    Returns:
        Arrays of row numbers, the shortest texts first. Each row is in one batch.
    """
    order = np.argsort(lengths, kind="stable")
    distinct, counts = np.unique(lengths, return_counts=True)
    texts = np.concatenate([[0], counts.cumsum()])
    costs = np.zeros(len(texts))  # of the texts of the first lengths, grouped in the best way
    first = np.zeros(len(texts), dtype=np.int64)  # the first length of the last group of these
    for end, longest in enumerate(distinct, start=1):
        rows = texts[end] - texts[:end]
        with_last = costs[:end] + _CALL + longest * (_STEP + rows)
        first[end] = with_last.argmin()
        costs[end] = with_last[first[end]]
    ends = [len(distinct)]
    while ends[-1]:
        ends.append(first[ends[-1]])
    bounds = texts[ends[::-1]]
    return [
        group[rows]
        for start, stop in pairwise(bounds.tolist())
        for group in [order[start:stop]]
        for rows in length_batches(lengths[group], batch_tokens)
    ]


def even_batches(
    lengths: NDArray[np.int64], batch_texts: int, at_least: int = 1
) -> list[NDArray[np.int64]]:
    """Group texts of nearly equal length into batches of nearly as many tokens.

    Args:
        lengths: tokens of each text, [N].
        batch_texts: texts of a batch, on average.
        at_least: the fewest batches, if there are that many texts.

    Returns:
        Arrays of row numbers, the shortest texts first. Each row is in one batch.
    """
    number = max(at_least, -(-len(lengths) // batch_texts))
    order = np.argsort(lengths, kind="stable")
    middles = lengths[order].cumsum() - lengths[order] / 2
    batch_of = (middles * number // max(1, lengths.sum())).astype(np.int64)
    return [batch for batch in np.split(order, np.flatnonzero(np.diff(batch_of)) + 1) if len(batch)]


def epoch_batches(
    windows: Iterable[Window],
    batch_tokens: int,
    seed: int,
    at: Position,
    *,
    batch_texts: int = 0,
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[Batch]:
    """The batches of epoch `at.epoch`, starting at batch `at.batch`.

    The order depends only on seed and epoch, so a resumed training sees the same batches as an
    uninterrupted one. Batches before `at` are not padded or copied.

    Args:
        windows: the texts, in the same order in every epoch.
        batch_tokens: most tokens of a batch, padding included.
        seed: fixes the order, together with the epoch.
        at: where to begin.
        batch_texts: most texts of a batch; 0: as many as `batch_tokens` allows.
        rank: the number of this process, from 0; every process gets its own batches.
        world_size: the number of processes; all get the same number of batches.
    """
    done = 0
    for number, window in enumerate(windows):
        rng = np.random.default_rng((seed, at.epoch, number))
        batches = length_batches(lengths_of(window.ids), batch_tokens, rng, world_size, batch_texts)
        for first in range(0, len(batches), world_size):
            if done >= at.batch:
                batch = padded(window, batches[first + rank])
                if world_size > 1:
                    rows = np.concatenate(batches[first : first + world_size])
                    batch = replace(batch, ids_of_ranks=_distinct_ids(window, rows))
                yield batch
            done += 1


def count_batches(
    lengths: NDArray[np.int64],
    batch_tokens: int,
    seed: int,
    epochs: int,
    most: int = 0,
    batch_texts: int = 0,
    world_size: int = 1,
) -> int:
    """The number of batches that `epoch_batches` gives one rank over the first epochs of a window.

    If `most` is not 0, the count ends there.
    """
    total = 0
    for epoch in range(epochs):
        rng = np.random.default_rng((seed, epoch, 0))
        batches = length_batches(lengths, batch_tokens, rng, world_size, batch_texts)
        total += len(batches) // world_size
        if most and total >= most:
            return most
    return total


def ordered_batches(window: Window, batch_tokens: int) -> Iterator[Batch]:
    """Every text once, shortest first, for evaluation."""
    for rows in length_batches(lengths_of(window.ids), batch_tokens):
        yield padded(window, rows)


def padded(window: Window, rows: NDArray[np.int64]) -> Batch:
    """Copy the given rows of a window into one batch, padded on the right."""
    lengths = lengths_of([window.ids[row] for row in rows])
    ids = np.full((len(rows), lengths.max()), PAD_ID, dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : lengths[index]] = window.ids[row]
    targets = None if window.targets is None else window.targets[rows]
    weights = None if window.weights is None else window.weights[rows]
    return Batch(ids, lengths, window.labels[rows], rows + window.first, targets, weights)


def _distinct_ids(window: Window, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ids in some texts, sorted; those of padding and of unknown words are among them."""
    ids = np.concatenate([window.ids[row] for row in rows])
    counts = np.bincount(ids, minlength=UNKNOWN_ID + 1)
    counts[[PAD_ID, UNKNOWN_ID]] += 1
    return np.flatnonzero(counts)


def lengths_of(ids: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    """Tokens of each text, [N]."""
    return np.fromiter((len(i) for i in ids), dtype=np.int64, count=len(ids))


def _filled(
    order: NDArray[np.int64], lengths: NDArray[np.int64], batch_tokens: int, batch_texts: int
) -> Iterator[NDArray[np.int64]]:
    """Start a new batch wherever one more text would make the batch too large."""
    start, longest = 0, 0
    for end, row in enumerate(order):
        longest = max(longest, int(lengths[row]))
        count = end - start + 1
        if count > batch_texts or (count > 1 and count * longest > batch_tokens):
            yield order[start:end]
            start, longest = end, int(lengths[row])
    if len(order):
        yield order[start:]


def _halved_until(multiple_of: int, batches: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Halve the largest batches until their number fits, or each has a single text."""
    while len(batches) % multiple_of:
        index = max(range(len(batches)), key=lambda i: len(batches[i]))
        if len(batches[index]) == 1:
            break
        batches[index : index + 1] = np.array_split(batches[index], 2)
    return batches
