"""Scores a text while it is read: one prediction per token, from a state of constant size.

Knows a predictor's tokenizer and runtime, no terminal and no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.inference.runtime import feature_batch
from sentiment_lstm.records import Encoded, is_empty
from sentiment_lstm.text.cleaning import LONGEST_OPEN_TAG, TAG

_SLICE = 4096
"""Characters of a whole text that are tokenised at once."""
_MOST_HELD = 10_000
"""Only breaks in the last characters are tried, so that no piece is searched for long."""
_BREAK = re.compile(r"[^\S\x85]")
"""White space between tokens. U+0085 is not one: the tokenizer reads it as three dots."""
_OPEN_TAG = re.compile(TAG.removesuffix(">") + "$")
"""The end of a text that may still become a tag (`text.cleaning`), white space included."""


@dataclass(frozen=True, slots=True)
class Step:
    """The prediction after a token.

    `text`: the token as written. `start`, `end`: its span, in characters of the whole text.
    `label`: the likeliest class of the text so far. `score`: its calibrated probability.
    `probabilities`: those of all classes, [C]. `change`: the probability of the last class, minus
    the same after the previous token; 0 for the first token. An empty text has one step, without a
    label and with None as score.

    If a text may have several labels, `labels` are those that reach their thresholds, the most
    probable first, and `scores` are their probabilities. `label` is the first of them, None without
    any. `score` is the highest probability of any label, and `change` its change.
    """

    text: str
    start: int
    end: int
    label: str | None
    score: float | None
    probabilities: NDArray[np.float64]
    change: float
    labels: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()

    @property
    def names(self) -> str:
        """The label, or the labels with commas; a dash for none."""
        return ", ".join(self.labels) or "-"


Outcome = tuple[str | None, float, NDArray[np.float64], float, tuple[str, ...], tuple[float, ...]]
"""The fields of a `Step` from `label` on."""


def followed(predictor: Predictor, row: NDArray[np.float64]) -> float:
    """Return the probability whose change a step reports. `row`: that of each class, [C]."""
    return float(row.max() if predictor.multi_label else row[-1])


def outcomes(
    predictor: Predictor, rows: NDArray[np.float64], before: float | None
) -> Iterator[Outcome]:
    """Yield the fields of the step after each of T tokens.

    Args:
        predictor: knows the classes.
        rows: the probability of each class after each token, [T, C].
        before: what `followed` returned before the first of these tokens; None at a text's start.
    """
    for row, chosen in zip(rows, predictor.chosen_in_each(rows), strict=True):
        labels = tuple(predictor.classes[c] for c in chosen)
        values = row.tolist()  # numbers of a list are faster to use
        scores = tuple(values[c] for c in chosen)
        now = followed(predictor, row)
        change = 0.0 if before is None else now - before
        yield labels[0] if labels else None, max(values), row, change, labels, scores
        before = now


def require_one_direction(predictor: Predictor) -> None:
    """Refuse a model that cannot read a text token by token.

    Raises:
        UsageError: the model is bidirectional. Its second direction starts at the end of the text.
    """
    if not predictor.runtime.carries:
        raise UsageError(
            "Expected a model of one direction to read a text token by token, found one of two: "
            "name another model."
        )


class Reader:
    """Reads one text piece by piece, in memory that does not grow with the text.

    It holds back the characters since the last white space, for their word may go on.

    Args:
        predictor: a predictor whose model has one direction.

    Raises:
        UsageError: the model is bidirectional. Its second direction starts at the end of the text.
    """

    def __init__(self, predictor: Predictor) -> None:
        require_one_direction(predictor)
        self._predictor = predictor
        self._state: Any = None
        known = predictor.text_familiarity
        self._familiarity = None if known is None else known.read()
        self._last_word: int | None = None
        self._waiting = ""
        self._characters = 0
        self._last: float | None = None
        self._is_empty = True

    def read(self, piece: str) -> Iterator[Step]:
        """Read the next piece. Its last word waits until its end is known."""
        self._is_empty &= is_empty(piece)
        self._waiting += piece
        end = _safe_end(self._waiting)
        ready, self._waiting = self._waiting[:end], self._waiting[end:]
        yield from self._steps(ready)

    def finish(self) -> Iterator[Step]:
        """End the text and read what is left. A text without tokens is one unknown token."""
        rest, self._waiting = self._waiting, ""
        yield from self._steps(rest)
        if self._is_empty:
            row = np.full(len(self._predictor.classes), self._predictor.base_probability)
            yield Step("", 0, 0, None, None, row, 0.0)
        elif self._last is None:
            yield self._step("", 0, 0, self._predictor.tokenizer.encode([""])[0])

    def _steps(self, text: str) -> Iterator[Step]:
        if not text:
            return
        (encoded,) = self._predictor.tokenizer.encode(
            [text], offsets=True, last_word=self._last_word
        )
        if encoded.features is not None:
            self._last_word = encoded.features.last_word
        assert encoded.offsets is not None
        before, self._characters = self._characters, self._characters + len(text)
        for token, (start, end) in zip(encoded.pieces(1), encoded.offsets.tolist(), strict=True):
            if end > start:  # a text without tokens has one token of width 0
                yield self._step(text[start:end], before + start, before + end, token)

    def _step(self, text: str, start: int, end: int, token: Encoded) -> Step:
        ids, lengths = token.ids[None].astype(np.int64), np.array([1])
        logits, self._state = self._predictor.runtime.read(
            ids, lengths, self._state, feature_batch([token])
        )
        rows = self._less_certain(self._predictor.calibrated(logits), int(token.ids[0]))
        (result,) = outcomes(self._predictor, rows, self._last)
        self._last = followed(self._predictor, rows[0])
        return Step(text, start, end, *result)

    def _less_certain(self, rows: NDArray[np.float64], token: int) -> NDArray[np.float64]:
        """Lower the scores, [1, C], if the text looks unfamiliar so far."""
        if self._familiarity is None:
            return rows
        return self._predictor.less_certain(rows, np.array([self._familiarity.add(token)]))


def stream(predictor: Predictor, pieces: str | Iterable[str]) -> Iterator[Step]:
    """Score a text token by token. The last step's score is that of the whole text.

    Args:
        predictor: a predictor whose model has one direction.
        pieces: the text, or its pieces in order, cut anywhere.

    Raises:
        UsageError: the model is bidirectional, or a piece is not a string.
    """
    reader = Reader(predictor)
    for piece in _slices(pieces) if isinstance(pieces, str) else _checked(pieces):
        yield from reader.read(piece)
    yield from reader.finish()


def _slices(text: str) -> Iterator[str]:
    return (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))


def _checked(pieces: Iterable[str]) -> Iterator[str]:
    # Tables would give the names of their columns.
    is_table = isinstance(pieces, Mapping) or hasattr(pieces, "columns")
    if is_table or not hasattr(pieces, "__iter__"):
        raise UsageError(
            f"Expected a text or its pieces, found {type(pieces).__name__}: give a string, or a "
            "list of strings."
        )
    for index, piece in enumerate(pieces):
        if not isinstance(piece, str):
            raise UsageError(
                f"Expected every piece to be a string, found {type(piece).__name__} at index "
                f"{index}: give a string, or a list of strings."
            )
        yield piece


def turning_points(labels: Sequence[str | None]) -> list[int]:
    """Return the indices of the tokens at which the running label changed for good.

    A new label counts if it lasts for at least three tokens or to the end of the text:
    `turning_points(["a", "a", "b", "b", "b", "a"])` is `[2, 5]`.
    """
    turns, settled = [], labels[0] if labels else None
    for index in range(1, len(labels)):
        window = labels[index : index + 3]
        if window[0] != settled and len(set(window)) == 1:
            turns.append(index)
            settled = window[0]
    return turns


def _safe_end(text: str) -> int:
    """Return how many characters can be tokenised whatever follows: up to space outside a tag."""
    breaks = [match.start() for match in _BREAK.finditer(text, max(0, len(text) - _MOST_HELD))]
    for end in reversed(breaks):
        if not _OPEN_TAG.search(text, max(0, end - LONGEST_OPEN_TAG), end):
            return end
    return 0
