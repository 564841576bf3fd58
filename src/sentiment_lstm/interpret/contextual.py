"""Contextual gradients: integrated gradients of each word in several contexts, in NumPy.

A word's effect depends on the words around it. In a long text other words say the same, so no
single word matters much. So each word is attributed in several contexts. The mean counts:

- the whole text,
- its sentence alone,
- its clause alone,
- the text without the 10%, 20% and 30% of its words that speak most for the label.

This approximates a Shapley value whose coalitions are parts of the text (Owen 1977, "Values of
games with a priori unions"). In each context, integrated gradients (Sundararajan, Taly & Yan 2017)
start at neutral text, in which each token is the mean of the function words. So function words
hardly count.
Knows ids and words, no characters. Shapes: T tokens, N words, E embedding size, U output units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.interpret.function_words import FUNCTION_WORDS
from sentiment_lstm.interpret.network import Array, Network, can_differentiate
from sentiment_lstm.interpret.target import Target
from sentiment_lstm.records import PAD_ID, UNKNOWN_ID, Encoded
from sentiment_lstm.text.cleaning import WORD_START
from sentiment_lstm.weights_file import WIDE

_STEPS = 4
"""Points of the Gauss-Legendre rule on the path from neutral text to a context."""
_LEFT_OUT = (0.1, 0.2, 0.3)
"""Fractions of the words that the last contexts leave out."""
_BATCH_TOKENS = 6_000
"""Tokens in a batch of points. The default model's gradients then take about 100 MB."""
_LEAST_KNOWN = 20
"""A model with fewer function words is not English. Its neutral text is the mean of all tokens."""
_LEAST_CHANGE = 0.01
"""If the log-odds change by less, `_SLOPE` replaces the ratio of both changes, which is inexact."""
_SLOPE = 0.25
"""The largest slope of a probability by its log-odds."""
_MOST_MOVED = 0.9
"""The values on one side shrink by at most this fraction, so that no word changes its side."""


class ContextualGradients:
    """Attributes a bundle's scores to words.

    Args:
        bundle: a model that `can_explain` accepts.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._network = Network(bundle)
        self._neutral = _neutral_embedding(bundle)
        self._wide = bundle.weights.get(WIDE)

    @staticmethod
    def can_explain(bundle: Bundle) -> bool:
        """Whether the model is of one direction and pools without attention."""
        return can_differentiate(bundle.config.model)

    def attribute(
        self,
        encoded: Encoded,
        words: Sequence[range],
        parts: Sequence[range],
        target: Target,
        score: float,
    ) -> tuple[NDArray[np.float64], float]:
        """Return how far each word moves f, [N], and f of neutral text of the same length.

        The attributions add up to the difference between `score` and that of neutral text.

        Args:
            encoded: the text.
            words: token indices of each word.
            parts: word indices of each sentence and of each clause.
            target: f.
            score: f of the text. An int8 graph may differ a little from the float32 weights.
        """
        values = self._log_odds(encoded, words, [range(len(words)), *parts], target)
        lengths = np.array([len(encoded.ids)])
        text = self._network.logits(self._network.embedding[encoded.ids][None], lengths)
        neutral = self._network.logits(np.tile(self._neutral, (1, lengths[0], 1)), lengths)
        baseline = float(target.f(neutral)[0])
        text += self._added_by_features(encoded).sum(axis=0)
        change = float(target.g(text)[0] - target.g(neutral)[0])
        ratio = (score - baseline) / change if abs(change) > _LEAST_CHANGE else _SLOPE
        scaled = values * (ratio if ratio > 0 else _SLOPE)
        return balanced(scaled, score - baseline), baseline

    def _log_odds(
        self,
        encoded: Encoded,
        words: Sequence[range],
        contexts: Sequence[Sequence[int]],
        target: Target,
    ) -> NDArray[np.float64]:
        """Return how far each word moves the log-odds, [N], in the mean over its contexts."""
        sums, counts = self._in_contexts(encoded, words, contexts, target)
        order = np.argsort(-sums / counts, kind="stable")
        left_out = {round(fraction * len(words)) for fraction in _LEFT_OUT} - {0, len(words)}
        rest = [np.sort(order[first:]).tolist() for first in sorted(left_out)]
        if rest:
            more, times = self._in_contexts(encoded, words, rest, target)
            sums, counts = sums + more, counts + times
        means: NDArray[np.float64] = sums / counts
        return means

    def _in_contexts(
        self,
        encoded: Encoded,
        words: Sequence[range],
        contexts: Sequence[Sequence[int]],
        target: Target,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sum of each word's attributions and the number of its contexts, [N] each."""
        by_token, counts = np.zeros(len(encoded.ids)), np.zeros(len(words))
        added = self._added_by_features(encoded)
        unique = Counter(map(tuple, contexts))  # a clause may be a sentence, and that the text
        tokens = [np.concatenate([words[word] for word in context]) for context in unique]
        times = list(unique.values())
        for batch in _batches([len(indices) for indices in tokens]):
            results = self._integrate(encoded, [tokens[row] for row in batch], added, target)
            for row, values in zip(batch, results, strict=True):
                by_token[tokens[row]] += times[row] * values
        for context in contexts:
            counts[list(context)] += 1
        return np.add.reduceat(by_token, [word.start for word in words]), counts

    def _integrate(
        self,
        encoded: Encoded,
        contexts: Sequence[NDArray[np.intp]],
        added: Array,
        target: Target,
    ) -> list[NDArray[np.float64]]:
        """Return the attributions of the tokens of each context, given by their indices."""
        lengths = np.array([len(context) for context in contexts])
        change = np.zeros((len(contexts), lengths.max(), len(self._neutral)), dtype=np.float32)
        for row, context in zip(change, contexts, strict=True):
            row[: len(context)] = self._network.embedding[encoded.ids[context]] - self._neutral
        wide = np.stack([added[context].sum(axis=0) for context in contexts])
        moved = np.zeros(change.shape[:2])
        by_wide = np.zeros(wide.shape)
        for points, weights in _path(change.shape[0] * change.shape[1]):
            by_x, by_logits = self._gradients(points, change, wide, lengths, target)
            moved += np.einsum("p,pbte,bte->bt", weights, by_x, change, optimize=True)
            by_wide += np.einsum("p,pbu->bu", weights, by_logits)
        return [
            values[: len(context)] + added[context] @ gradient
            for context, values, gradient in zip(contexts, moved, by_wide, strict=True)
        ]

    def _gradients(
        self,
        points: NDArray[np.float32],
        change: Array,
        wide: Array,
        lengths: NDArray[np.intp],
        target: Target,
    ) -> tuple[Array, Array]:
        """Return the gradients of the log-odds at each point: [points, B, T, E], [points, B, U]."""
        x = self._neutral + points[:, None, None, None] * change
        from_wide = (points[:, None, None] * wide).reshape(-1, wide.shape[1])
        by_x, by_logits = self._network.gradients(
            x.reshape(-1, *change.shape[1:]),
            np.tile(lengths, len(points)),
            lambda logits: target.gradient(logits + from_wide),
        )
        return by_x.reshape(x.shape), by_logits.reshape(len(points), *wide.shape)

    def _added_by_features(self, encoded: Encoded) -> Array:
        """Return what the features of each token add to the logits, [T, U]."""
        added = np.zeros((len(encoded.ids), len(self._network.bias)), dtype=np.float32)
        if self._wide is not None and encoded.features is not None:
            owners = np.repeat(np.arange(len(encoded.ids)), encoded.features.counts)
            np.add.at(added, owners, self._wide[encoded.features.ids])
        return added


def balanced(values: NDArray[np.float64], change: float) -> NDArray[np.float64]:
    """Return the values, made to add up to `change`.

    The values of several contexts need not add up. So the values on one side of 0 grow and those on
    the other side shrink, each side by its own factor. The order on each side stays. If that is not
    enough, all values are multiplied by one factor. If it were negative, their sizes are scaled.
    """
    size = float(np.abs(values).sum())
    if not size:
        return np.full(len(values), change / len(values))
    tilt = np.clip((change - values.sum()) / size, -_MOST_MOVED, _MOST_MOVED)
    tilted: NDArray[np.float64] = values + tilt * np.abs(values)
    factor = change / total if (total := float(tilted.sum())) else 0.0
    return tilted * factor if factor > 0 else np.abs(values) * (change / size)


def _neutral_embedding(bundle: Bundle) -> Array:
    """Return the mean embedding of the function words, the comma and the full stop, [E]."""
    table, tokenizer = bundle.weights["embedding.weight"], bundle.tokenizer
    ids = [id_ for id_ in range(len(tokenizer)) if id_ not in (PAD_ID, UNKNOWN_ID)]
    names = FUNCTION_WORDS | {",", "."}
    known = [i for i in ids if tokenizer.token(i).removeprefix(WORD_START).lower() in names]
    chosen = known if len(known) >= _LEAST_KNOWN else ids
    neutral: Array = table[chosen].mean(axis=0) if chosen else np.zeros_like(table[0])
    return neutral


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of contexts of nearly equal length, as indices, the shortest first."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[row] * _STEPS > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    yield batch


def _path(tokens: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Yield points between 0 and 1 with their weights, as many at once as memory allows.

    Args:
        tokens: the tokens of a batch, padding included.
    """
    points, weights = np.polynomial.legendre.leggauss(_STEPS)
    size = max(1, _BATCH_TOKENS // tokens)
    for first in range(0, _STEPS, size):
        chosen = slice(first, first + size)
        yield ((points[chosen] + 1) / 2).astype(np.float32), weights[chosen] / 2
