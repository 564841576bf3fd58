"""What a model understands: negation, contrast, irony, names and more, capability by capability.

Judges cases over any function from texts to probabilities, and counts failures. The kinds of test
follow Ribeiro et al. (2020), "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList";
templates, words and capabilities are our own. Knows no model and no layout of results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import UsageError
from sentiment_lstm.evaluation.cases import Case, Kind

Predict = Callable[[Sequence[str]], NDArray[np.float64]]
"""From N texts to their probabilities of `positive`, [N]."""

MOST_MOVE = 0.1
"""Texts that say the same must not lie further apart than this: the whole rule of invariance."""
TOLERANCE = 0.05
"""A pair with a direction may move this far against it."""
LIMIT, STRICT_LIMIT = 0.10, 0.05
"""The share of cases that may fail; strict: neutral statements and invariance."""
_EXAMPLES = 5
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Example:
    """A case that failed, with its scores."""

    texts: tuple[str, ...]
    """Of an invariance case the two texts that lie furthest apart, in their order."""
    expected: str
    scores: tuple[float, ...]
    """Probability of `positive` of each text."""


@dataclass(frozen=True, slots=True)
class CapabilityResult:
    """How a model did on the cases of one capability."""

    capability: str
    kind: Kind
    cases: int
    failures: int
    limit: float
    """The failure rate that is still well."""
    examples: tuple[Example, ...]
    """Some of the failures, at most five, taken evenly from all of them."""

    @property
    def failure_rate(self) -> float:
        """Share of the cases that failed."""
        return self.failures / self.cases

    @property
    def within_limit(self) -> bool:
        """Whether no more failed than may."""
        return self.failure_rate <= self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON can hold it."""
        return {
            "capability": self.capability,
            "kind": self.kind,
            "cases": self.cases,
            "failures": self.failures,
            "failure_rate": self.failure_rate,
            "limit": self.limit,
            "within_limit": self.within_limit,
            "examples": [
                {"texts": list(one.texts), "expected": one.expected, "scores": list(one.scores)}
                for one in self.examples
            ],
        }


def run_suite(cases: Sequence[Case], predict: Predict) -> list[CapabilityResult]:
    """Judge every case.

    Args:
        cases: of any number of capabilities.
        predict: gives N texts' probabilities of `positive`, [N]; called once, with each text once.

    Returns:
        A result for each capability, in the order of their first cases; a capability whose cases
        are of several kinds has one for each kind.

    Raises:
        ValueError: `predict` gives anything but a probability for each text.
    """
    texts = list(dict.fromkeys(text for case in cases for text in case.texts))
    score_of = dict(zip(texts, _checked(predict(texts), len(texts)).tolist(), strict=True))
    groups: dict[tuple[str, Kind], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.capability, case.kind), []).append(case)
    return [_result(group, score_of) for group in groups.values()]


def verdict(score: float) -> str:
    """What a probability of `positive` says: below 1/3 negative, above 2/3 positive, else neutral.

    `verdict(0.5)` is `"neutral"`, and so is `verdict(1 / 3)`.
    """
    if score < 1 / 3:
        return "negative"
    return "positive" if score > 2 / 3 else "neutral"


def fails(expected: str, scores: Sequence[float]) -> bool:
    """Whether a case fails: the one place where the rules stand.

    Args:
        expected: a key of `cases.KINDS`.
        scores: probabilities of `positive` of its texts, in their order.
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
    """Make what `run_suite` calls from what gives probabilities of all classes.

    Half of what is neither negative nor positive counts, so a model with a class of its own for
    neutral texts gives them 0.5: shares (0.1, 0.6, 0.3) of negative, neutral, positive make 0.6.

    Args:
        probabilities: from N texts to [N, C], each row adding up to 1.
        classes: names of the C classes, in any case.

    Raises:
        UsageError: `negative` or `positive` is not among the classes.
    """
    names = [name.casefold() for name in classes]
    if not {"negative", "positive"} <= set(names):
        raise UsageError(
            "Expected a model with the classes negative and positive, found "
            f"{', '.join(classes)}: name another model."
        )
    negative, positive = names.index("negative"), names.index("positive")

    def predict(texts: Sequence[str]) -> NDArray[np.float64]:
        shares = probabilities(texts)
        scores: NDArray[np.float64] = (1 + shares[:, positive] - shares[:, negative]) / 2
        return scores

    return predict


def _checked(scores: NDArray[np.float64], texts: int) -> NDArray[np.float64]:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (texts,):
        raise ValueError(f"Expected probabilities [{texts}], found {list(scores.shape)}.")
    if not ((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)).all():  # NaN is neither
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
        tuple(_example(case, score_of) for case in shown),
    )


def _example(case: Case, score_of: dict[str, float]) -> Example:
    texts = case.texts
    if case.kind == "invariance":
        ends = (min(texts, key=score_of.__getitem__), max(texts, key=score_of.__getitem__))
        texts = tuple(text for text in texts if text in ends)
    return Example(texts, case.expected, tuple(score_of[text] for text in texts))
