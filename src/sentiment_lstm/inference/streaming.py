"""A text scored while it is read: one prediction a token, from a state of constant size.

Knows a predictor's tokenizer and runtime, no terminal and no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import UNKNOWN_ID
from sentiment_lstm.text.cleaning import TAG

_SLICE = 4096
"""Characters of a whole text that are cut into tokens at once."""
_BREAK = re.compile(r"[^\S\x85]")
"""White space that only separates: the tokenizer reads U+0085 as three dots."""
_OPEN_TAG = re.compile(TAG.removesuffix(">") + "$")
"""The end of a text that may still become a tag (`text.cleaning`), white space and all."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a token did.

    `text` is the token as it was written, `start` and `end` its span in characters of all that was
    read. `label` is the likeliest class of the text so far, `score` its calibrated probability,
    `probabilities` those of all classes, [C]. `change` is how far the last class's probability
    moved from the token before; 0 for the first one.
    """

    text: str
    start: int
    end: int
    label: str | None
    score: float
    probabilities: NDArray[np.float64]
    change: float


class Reader:
    """Reads one text, piece by piece; what it remembers does not grow with the text.

    Only where there is no white space, the characters since the last one wait.

    Args:
        predictor: of a model of one direction.

    Raises:
        UsageError: the model has two directions: its second needs the end of the text first.
    """

    def __init__(self, predictor: Predictor) -> None:
        if not predictor.runtime.carries:
            raise UsageError(
                "Expected a model of one direction to read a text token by token, found one of "
                "two: name another model."
            )
        self._predictor = predictor
        self._state: Any = None
        self._waiting = ""
        self._characters = 0
        self._last: float | None = None

    def read(self, piece: str) -> Iterator[Step]:
        """Read on; the end of the piece waits until it is clear where its last word ends."""
        self._waiting += piece
        end = _safe_end(self._waiting)
        ready, self._waiting = self._waiting[:end], self._waiting[end:]
        yield from self._steps(ready)

    def finish(self) -> Iterator[Step]:
        """Read what waits: the text ends here. One without tokens is one unknown token."""
        rest, self._waiting = self._waiting, ""
        yield from self._steps(rest)
        if self._last is None:
            yield self._step("", 0, 0, UNKNOWN_ID)

    def _steps(self, text: str) -> Iterator[Step]:
        (encoded,) = self._predictor.tokenizer.encode([text], offsets=True)
        assert encoded.offsets is not None
        before, self._characters = self._characters, self._characters + len(text)
        for id_, (start, end) in zip(encoded.ids.tolist(), encoded.offsets.tolist(), strict=True):
            if end > start:  # a text without tokens has one of no width
                yield self._step(text[start:end], before + start, before + end, id_)

    def _step(self, text: str, start: int, end: int, id_: int) -> Step:
        ids, lengths = np.array([[id_]]), np.array([1])
        logits, self._state = self._predictor.runtime.read(ids, lengths, self._state)
        share = self._predictor.calibrated(logits)[0]
        change = 0.0 if self._last is None else float(share[-1]) - self._last
        self._last = float(share[-1])
        label = self._predictor.label(share)
        return Step(text, start, end, label, float(share.max()), share, change)


def stream(predictor: Predictor, pieces: str | Iterable[str]) -> Iterator[Step]:
    """Score a text token by token; the last step's score is the whole text's.

    Args:
        predictor: of a model of one direction.
        pieces: the text, or its pieces as they come, cut anywhere.

    Raises:
        UsageError: the model has two directions.
    """
    reader = Reader(predictor)
    for piece in _slices(pieces) if isinstance(pieces, str) else pieces:
        yield from reader.read(piece)
    yield from reader.finish()


def _slices(text: str) -> Iterator[str]:
    return (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))


def turning_points(labels: Sequence[str | None]) -> list[int]:
    """Where the running label changed and stayed as it is at the end of a text, or until the next.

    Places of tokens whose label differs from the one before and lasts for at least three tokens,
    or to the end: `turning_points(["a", "a", "b", "b", "b", "a"])` is `[2, 5]`.
    """
    found, settled = [], labels[0] if labels else None
    for place in range(1, len(labels)):
        here = labels[place : place + 3]
        if here[0] != settled and len(set(here)) == 1:
            found.append(place)
            settled = here[0]
    return found


def _safe_end(text: str) -> int:
    """How much of a text can be cut into tokens whatever follows: to white space outside a tag."""
    breaks = [match.start() for match in _BREAK.finditer(text, max(0, len(text) - 10_000))]
    for end in reversed(breaks):
        if not _OPEN_TAG.search(text, max(0, end - 203), end):
            return end
    return 0
