"""Tests what a model understands (negation, contrast, irony, names ...), by capability.

Judges test cases with any function from texts to probabilities, and counts failures. A model of two
classes gives a probability of `positive`: below 1/3 the verdict is negative, above 2/3 positive,
else neutral. A model that knows `neutral` gives three probabilities. Its verdict is the likeliest
class. The kinds of test follow Ribeiro et al. (2020), "Beyond Accuracy: Behavioral Testing of NLP
Models with CheckList". Templates, words and capabilities are our own. Knows no model and no layout
of results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.evaluation.cases import Case, Kind
from sentiment_lstm.evaluation.polarity import CLASSES, Poles, find_poles, lean

Predict = Callable[[Sequence[str]], NDArray[np.float64]]
"""Turns N texts into their probabilities of `positive`, [N]; or of `CLASSES`, [N, 3]."""
Score = float | Sequence[float]
"""A text's probability of `positive`, or its probabilities of `CLASSES`."""
_POLES = Poles(0, 2)

MOST_MOVE = 0.1
"""The largest difference between texts that must score the same, in any class's probability."""
TOLERANCE = 0.05
"""How far `polarity.lean` may move against the expected direction."""
LIMIT, STRICT_LIMIT = 0.10, 0.05
"""The fraction of cases that may fail. The strict limit is for neutral texts and invariance."""
_EXAMPLES = 5
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A case that failed, with its scores."""

    texts: tuple[str, ...]
    """The texts of the case; of an invariance case only the two with the largest difference."""
    expected: str
    scores: tuple[float, ...]
    """Probability of `positive` of each text; with three classes `polarity.lean`."""
    probabilities: tuple[tuple[float, ...], ...] = ()
    """Probabilities of `CLASSES` of each text; () for a model of two classes."""

    def to_dict(self) -> dict[str, Any]:
        """Return the case as plain values for JSON; `probabilities` only if there are any."""
        values = {
            "texts": list(self.texts),
            "expected": self.expected,
            "scores": list(self.scores),
        }
        rows = [dict(zip(CLASSES, row, strict=True)) for row in self.probabilities]
        return values | ({"probabilities": rows} if rows else {})


@dataclass(frozen=True, slots=True)
class CapabilityResult:
    """The result of all cases of one capability."""

    capability: str
    kind: Kind
    cases: int
    failures: int
    limit: float
    """The highest failure rate that is acceptable."""
    examples: tuple[FailedCase, ...]
    """At most five failures, spread evenly over all of them."""

    @property
    def failure_rate(self) -> float:
        """Fraction of the cases that failed."""
        return self.failures / self.cases

    @property
    def within_limit(self) -> bool:
        """Whether the failure rate is acceptable."""
        return self.failure_rate <= self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        return {
            "capability": self.capability,
            "kind": self.kind,
            "cases": self.cases,
            "failures": self.failures,
            "failure_rate": self.failure_rate,
            "limit": self.limit,
            "within_limit": self.within_limit,
            "examples": [example.to_dict() for example in self.examples],
        }


def run_suite(cases: Sequence[Case], predict: Predict) -> list[CapabilityResult]:
    """Judge all cases.

    Args:
        cases: test cases of any number of capabilities.
        predict: returns the probability of `positive` of N texts, [N], or the probabilities of
            negative, neutral and positive, [N, 3]. It is called once, and gets each text once.

    Returns:
        A result for each capability, in the order of their first cases. A capability with several
        kinds of case has a result for each kind.

    Raises:
        ValueError: `predict` does not return probabilities for each text.
    """
    texts = list(dict.fromkeys(text for case in cases for text in case.texts))
    score_of = dict(zip(texts, _checked(predict(texts), len(texts)).tolist(), strict=True))
    groups: dict[tuple[str, Kind], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.capability, case.kind), []).append(case)
    return [_result(group, score_of) for group in groups.values()]


def verdict(score: Score) -> str:
    """Name the verdict on a text.

    A probability of `positive` below 1/3 is negative, above 2/3 positive, else neutral. With three
    probabilities, the verdict is the likeliest class. `verdict(1 / 3)` is `"neutral"`, and so is
    `verdict([0.3, 0.4, 0.3])`.
    """
    if not isinstance(score, int | float):
        return CLASSES[int(np.argmax(score))]
    if score < 1 / 3:
        return "negative"
    return "positive" if score > 2 / 3 else "neutral"


def fails(expected: str, scores: Sequence[Score]) -> bool:
    """Whether a case fails. All rules are here.

    For `same verdict`, all verdicts must be equal. For `same`, no probability of a class may move
    far. So a move from neutral to both sides counts, too. For `up` and `down`, `polarity.lean` must
    not move far in the other direction.

    Args:
        expected: a key of `cases.KINDS`.
        scores: of each of its texts, in order.
    """
    if expected == "same verdict":
        return len(set(map(verdict, scores))) > 1
    if expected == "same":
        return bool(_moves(scores).max() > MOST_MOVE + _ROUNDING)
    if expected in ("up", "down"):
        rise = _lean(scores[1]) - _lean(scores[0])
        against = -rise if expected == "up" else rise
        return against > TOLERANCE + _ROUNDING
    return verdict(scores[0]) != expected


def positive_scorer(
    probabilities: Callable[[Sequence[str]], NDArray[np.float64]], classes: Sequence[str]
) -> Predict:
    """Make the `predict` of `run_suite` from a function that returns all probabilities.

    If there is a class `neutral`, it returns the probabilities of negative, neutral and positive.
    Otherwise it returns the probability of `positive`; that of other classes is split evenly.

    Args:
        probabilities: turns N texts into [N, C]; each row sums to 1.
        classes: names of the C classes. Upper and lower case do not matter.

    Raises:
        UsageError: the classes lack `negative` or `positive`.
    """
    negative, positive = find_poles(classes)
    names = [name.casefold() for name in classes]
    neutral = names.index("neutral") if "neutral" in names else None

    def predict(texts: Sequence[str]) -> NDArray[np.float64]:
        rows = probabilities(texts)
        if neutral is not None:
            return rows[:, [negative, neutral, positive]]
        scores: NDArray[np.float64] = (1 + rows[:, positive] - rows[:, negative]) / 2
        return scores

    return predict


def _lean(score: Score) -> float:
    """With two classes, the probability of `positive`; with three, `polarity.lean`."""
    return score if isinstance(score, int | float) else lean(score, _POLES)


def _moves(scores: Sequence[Score]) -> NDArray[np.float64]:
    """How far each probability moves between texts, [1] or [3]."""
    moves: NDArray[np.float64] = np.ptp(np.array(scores).reshape(len(scores), -1), axis=0)
    return moves


def _checked(scores: NDArray[np.float64], texts: int) -> NDArray[np.float64]:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape not in ((texts,), (texts, len(CLASSES))):
        raise ValueError(
            f"Expected probabilities [{texts}] or [{texts}, 3], found {list(scores.shape)}."
        )
    if not ((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)).all():  # false for NaN too
        raise ValueError("Expected probabilities between 0 and 1, found others or NaN.")
    return scores


def _result(cases: Sequence[Case], score_of: dict[str, Score]) -> CapabilityResult:
    failed = [case for case in cases if fails(case.expected, [score_of[t] for t in case.texts])]
    strict = all(case.expected in ("neutral", "same", "same verdict") for case in cases)
    count = min(_EXAMPLES, len(failed))
    shown = [failed[number * len(failed) // count] for number in range(count)]
    return CapabilityResult(
        cases[0].capability,
        cases[0].kind,
        len(cases),
        len(failed),
        STRICT_LIMIT if strict else LIMIT,
        tuple(_failed_case(case, score_of) for case in shown),
    )


def _failed_case(case: Case, score_of: dict[str, Score]) -> FailedCase:
    texts = case.texts
    if case.kind == "invariance":
        texts = _furthest(texts, [score_of[text] for text in texts])
    scores = [score_of[text] for text in texts]
    rows = tuple(tuple(score) for score in scores if not isinstance(score, int | float))
    return FailedCase(texts, case.expected, tuple(map(_lean, scores)), rows)


def _furthest(texts: tuple[str, ...], scores: Sequence[Score]) -> tuple[str, ...]:
    """The two texts that differ most, by the class whose probability moves most."""
    column = np.array(scores).reshape(len(texts), -1)[:, _moves(scores).argmax()]
    ends = {texts[column.argmin()], texts[column.argmax()]}
    return tuple(text for text in texts if text in ends)
