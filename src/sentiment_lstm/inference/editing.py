"""Scores a text while it is edited. After a change, it reads from the last state before it.

Knows a predictor's tokenizer and runtime, no terminal and no files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.inference.streaming import Step, followed, outcomes, require_one_direction
from sentiment_lstm.records import Encoded, Prediction, is_empty

MOST_TOKENS = 50_000
"""A text of more tokens is refused, unless the caller sets another limit."""
CHARACTERS_PER_TOKEN = 20
"""A text of more characters per allowed token is too long. It is not tokenised, because tokens
take 1 kB each while they are made, and those of a very long word take long."""
SPACING = 64
"""A state is kept after this many tokens. Reading them again takes 0.4 ms."""
MOST_STATES = 128
"""With more states, every second one is dropped. So a text of 50,000 tokens keeps one state after
each 512 tokens."""


@dataclass(frozen=True, slots=True)
class EditedStep(Step):
    """A step of a text that is edited.

    `forget`: the mean of the forget gates of the first layer at this token. 0 forgets everything
    before the token, 1 keeps it.
    """

    forget: float = 1.0


class Update(NamedTuple):
    """What changed with a new text.

    `first_changed`: the index of the first step that changed. Steps before it stay as they are.
    `steps`: the steps from this index to the end of the text. They replace all old steps there.
    `prediction`: that of the whole text, as `Predictor.predict` gives it.
    """

    first_changed: int
    steps: list[EditedStep]
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class _Version:
    """A text that has been read.

    `rows`: the probability of each class after each token, [T, C], before the scores of an
    unfamiliar text are lowered. `forget`: the mean forget gate at each token, [T]. `states`: the
    runtime's states by the number of tokens read, a multiple of `spacing`.
    """

    text: str
    encoded: Encoded
    rows: NDArray[np.float64]
    forget: NDArray[np.float32]
    states: Mapping[int, Any]
    spacing: int = SPACING


class EditedText:
    """Reads the versions of one text. Each is read from a state before its first change.

    It keeps a few numbers for each token of the last version, and at most `MOST_STATES` states. So
    its memory has a bound: about 5 MB for a text of `MOST_TOKENS` tokens.

    Args:
        predictor: a predictor whose model has one direction.
        most_tokens: longer texts are refused.

    Raises:
        UsageError: the model is bidirectional. Its second direction starts at the end of the text.
    """

    def __init__(self, predictor: Predictor, most_tokens: int = MOST_TOKENS) -> None:
        require_one_direction(predictor)
        self._predictor, self._most_tokens = predictor, most_tokens
        self._version = self._without_tokens("")

    def update(self, text: str) -> Update:
        """Read a new version of the text.

        The scores equal those of `stream` (to 1e-6). An empty text has no steps. A text without
        tokens, such as a control character, has one step without characters.

        Raises:
            UsageError: the text is not a string, or too long. The previous version then stays.
        """
        encoded = self._tokenised(text)
        same = _same_tokens(self._version.encoded, encoded)
        version = self._read(text, encoded, same)
        known = self._predictor.text_familiarity
        familiarity = None
        if known is not None and len(encoded.ids):
            familiarity = known.after_each(encoded.ids)
        rows = self._predictor.less_certain(version.rows, familiarity)
        first = _first_changed_step(self._version, version, same)
        steps = self._steps(version, rows, first)
        prediction = self._prediction(version, rows, familiarity)
        self._version = version  # only now, so that an error changes nothing
        return Update(first, steps, prediction)

    def _tokenised(self, text: str) -> Encoded:
        if not isinstance(text, str):
            raise UsageError(f"Expected a text, found {type(text).__name__}: give a string.")
        if is_empty(text):  # the tokenizer would give it an unknown token
            return self._without_tokens(text).encoded
        most_characters = CHARACTERS_PER_TOKEN * self._most_tokens
        if len(text) > most_characters:
            raise _too_long("characters", most_characters, len(text))
        (encoded,) = self._predictor.tokenizer.encode([text], offsets=True)
        if len(encoded.ids) > self._most_tokens:
            raise _too_long("tokens", self._most_tokens, len(encoded.ids))
        return encoded

    def _without_tokens(self, text: str) -> _Version:
        no_offsets = np.zeros((0, 2), dtype=np.int32)
        rows = np.zeros((0, len(self._predictor.classes)))
        encoded = Encoded(no_offsets[:, 0], no_offsets)
        return _Version(text, encoded, rows, np.zeros(0, dtype=np.float32), {})

    def _read(self, text: str, encoded: Encoded, same: int) -> _Version:
        """Read the tokens after the first `same` ones, from the last kept state before them."""
        last, tokens = self._version, len(encoded.ids)
        states = {read: state for read, state in last.states.items() if read <= same}
        spacing = last.spacing if states else SPACING
        read = first = tokens if same == tokens else max(states, default=0)
        state = states.get(first)
        rows, forget = [last.rows[:first]], [last.forget[:first]]
        for piece in _tokens_from(encoded, first).pieces(SPACING) if first < tokens else ():
            scored = self._predictor.runtime.read_each(piece, state)
            state, read = scored.state, read + len(piece.ids)
            rows.append(self._predictor.calibrated(scored.logits))
            forget.append(scored.forget)
            if read % spacing == 0:
                states[read] = state
            if len(states) > MOST_STATES:
                spacing *= 2
                states = {read: state for read, state in states.items() if read % spacing == 0}
        return _Version(
            text, encoded, np.concatenate(rows), np.concatenate(forget), states, spacing
        )

    def _steps(self, version: _Version, rows: NDArray[np.float64], first: int) -> list[EditedStep]:
        """Return the steps from an index on. `rows`: the probabilities after each token, [T, C]."""
        before = followed(self._predictor, rows[first - 1]) if first else None
        results = outcomes(self._predictor, rows[first:], before)
        spans, forget = _spans(version.encoded)[first:].tolist(), version.forget[first:].tolist()
        return [
            EditedStep(version.text[start:end], start, end, *result, gate)
            for (start, end), result, gate in zip(spans, results, forget, strict=True)
        ]

    def _prediction(
        self,
        version: _Version,
        rows: NDArray[np.float64],
        familiarity: NDArray[np.float64] | None,
    ) -> Prediction:
        text, encoded = version.text, version.encoded
        if not len(encoded.ids):
            base = (self._predictor.base_probability,) * len(self._predictor.classes)
            return Prediction(None, None, 0, len(text), 1.0, probabilities=base)
        last = None if familiarity is None else familiarity[-1:]
        (prediction,) = self._predictor.predictions([text], [encoded], rows[-1:], last)
        return prediction


def _too_long(units: str, most: int, actual: int) -> UsageError:
    return UsageError(
        f"Expected a text of at most {most:,} {units}, found {actual:,}: give a part of it."
    )


def _spans(encoded: Encoded) -> NDArray[np.int32]:
    assert encoded.offsets is not None
    return encoded.offsets


def _tokens_from(encoded: Encoded, first: int) -> Encoded:
    return encoded.kept(np.arange(len(encoded.ids)) >= first)


def _same_tokens(before: Encoded, after: Encoded) -> int:
    """Return how many tokens at the start are the same, with the same features."""
    common = min(len(before.ids), len(after.ids))
    differs = before.ids[:common] != after.ids[:common]
    if before.features is None or after.features is None:
        return _first(differs)
    counts = after.features.counts[:common]
    same = _first(differs | (before.features.counts[:common] != counts))
    ends = counts[:same].cumsum()
    features = int(ends[-1]) if same else 0
    same_features = _first(before.features.ids[:features] != after.features.ids[:features])
    return int(np.searchsorted(ends, same_features, side="right"))


def _first_changed_step(before: _Version, after: _Version, same: int) -> int:
    """Return the index of the first step whose token, span or characters changed.

    `same`: the number of tokens at the start that are the same.
    """
    spans = _spans(after.encoded)[:same]
    moved = _first((_spans(before.encoded)[:same] != spans).any(axis=1))
    for index, (start, end) in enumerate(spans[:moved].tolist()):
        if before.text[start:end] != after.text[start:end]:
            return index
    return moved


def _first(differs: NDArray[np.bool_]) -> int:
    """Return the index of the first true value; the length if there is none."""
    return int(differs.argmax()) if differs.any() else len(differs)
