"""Tests what a model understands (negation, contrast, irony, names ...), by capability.

Judges test cases with any function from texts to probabilities, and counts failures. The kinds of
test follow Ribeiro et al. (2020), "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList". Templates, words and capabilities are our own. Knows no model and no layout of results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.evaluation.cases import Case, Kind
from sentiment_lstm.wording import first_names

Predict = Callable[[Sequence[str]], NDArray[np.float64]]
"""Turns N texts into their probabilities of `positive`, [N]."""

MOST_MOVE = 0.1
"""The largest difference of probabilities between texts that must score the same."""
TOLERANCE = 0.05
"""How far a pair with a direction may move against it."""
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
    """Probability of `positive` of each text."""


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
            "examples": [
                {"texts": list(e.texts), "expected": e.expected, "scores": list(e.scores)}
                for e in self.examples
            ],
        }


def run_suite(cases: Sequence[Case], predict: Predict) -> list[CapabilityResult]:
    """Judge all cases.

    Args:
        cases: test cases of any number of capabilities.
        predict: returns the probability of `positive` of N texts, [N]. It is called once, and gets
            each text once.

    Returns:
        A result for each capability, in the order of their first cases. A capability with several
        kinds of case has a result for each kind.

    Raises:
        ValueError: `predict` does not return a probability for each text.
    """
    texts = list(dict.fromkeys(text for case in cases for text in case.texts))
    score_of = dict(zip(texts, _checked(predict(texts), len(texts)).tolist(), strict=True))
    groups: dict[tuple[str, Kind], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.capability, case.kind), []).append(case)
    return [_result(group, score_of) for group in groups.values()]


def verdict(score: float) -> str:
    """Turn a probability of `positive` into a verdict by thirds.

    Below 1/3 it is negative, above 2/3 positive, else neutral: `verdict(1 / 3)` is `"neutral"`.
    """
    if score < 1 / 3:
        return "negative"
    return "positive" if score > 2 / 3 else "neutral"


def fails(expected: str, scores: Sequence[float]) -> bool:
    """Whether a case fails. All rules are here.

    Args:
        expected: a key of `cases.KINDS`.
        scores: the probability of `positive` of each of its texts, in order.
    """
    if expected == "same":
        return max(scores) - min(scores) > MOST_MOVE + _ROUNDING
    if expected in ("up", "down"):
        rise = scores[1] - scores[0]
        against = -rise if expected == "up" else rise
        return against > TOLERANCE + _ROUNDING
    return verdict(scores[0]) != expected


def positive_scorer(
    probabilities: Callable[[Sequence[str]], NDArray[np.float64]], classes: Sequence[str]
) -> Predict:
    """Make the `predict` of `run_suite` from a function that returns all probabilities.

    The probability of other classes is split evenly, so a clearly neutral text scores 0.5. For
    example, (0.1, 0.6, 0.3) for negative, neutral, positive becomes 0.6.

    Args:
        probabilities: turns N texts into [N, C]; each row sums to 1.
        classes: names of the C classes. Upper and lower case do not matter.

    Raises:
        UsageError: the classes lack `negative` or `positive`.
    """
    names = [name.casefold() for name in classes]
    if not {"negative", "positive"} <= set(names):
        raise UsageError(
            "Expected a model with the classes negative and positive, found "
            f"{first_names(classes)}: name another model."
        )
    negative, positive = names.index("negative"), names.index("positive")

    def predict(texts: Sequence[str]) -> NDArray[np.float64]:
        rows = probabilities(texts)
        scores: NDArray[np.float64] = (1 + rows[:, positive] - rows[:, negative]) / 2
        return scores

    return predict


def _checked(scores: NDArray[np.float64], texts: int) -> NDArray[np.float64]:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (texts,):
        raise ValueError(f"Expected probabilities [{texts}], found {list(scores.shape)}.")
    if not ((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)).all():  # false for NaN too
        raise ValueError("Expected probabilities between 0 and 1, found others or NaN.")
    return scores


def _result(cases: Sequence[Case], score_of: dict[str, float]) -> CapabilityResult:
    failed = [case for case in cases if fails(case.expected, [score_of[t] for t in case.texts])]
    strict = all(case.expected in ("neutral", "same") for case in cases)
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


def _failed_case(case: Case, score_of: dict[str, float]) -> FailedCase:
    texts = case.texts
    if case.kind == "invariance":
        ends = (min(texts, key=score_of.__getitem__), max(texts, key=score_of.__getitem__))
        texts = tuple(text for text in texts if text in ends)
    return FailedCase(texts, case.expected, tuple(score_of[text] for text in texts))
