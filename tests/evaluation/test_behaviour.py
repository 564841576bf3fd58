"""Cases are judged and counted correctly for any scores."""

from collections.abc import Sequence

import numpy as np
import pytest

from sentiment_lstm.errors import UsageError
from sentiment_lstm.evaluation.behaviour import (
    fails,
    positive_scorer,
    run_suite,
    verdict,
)
from sentiment_lstm.evaluation.cases import Case, shipped_cases


def scorer(scores: dict[str, float]):
    """Make a function that gives these texts their scores, and 0.5 to other texts."""

    def predict(texts: Sequence[str]) -> np.ndarray:
        return np.array([scores.get(text, 0.5) for text in texts])

    return predict


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.0, "negative"),
        (0.333, "negative"),
        (1 / 3, "neutral"),
        (0.5, "neutral"),
        (2 / 3, "neutral"),
        (0.667, "positive"),
        (1.0, "positive"),
    ],
)
def test_verdict(score, expected):
    assert verdict(score) == expected
    assert [name for name in ("negative", "neutral", "positive") if not fails(name, [score])] == [
        expected
    ]


@pytest.mark.parametrize(
    ("expected", "scores", "failed"),
    [
        ("same", [0.45, 0.55], False),
        ("same", [0.55, 0.45], False),
        ("same", [0.45, 0.56], True),
        ("same", [0.50, 0.56, 0.45], True),  # each is close to the first, but not to each other
        ("up", [0.90, 0.85], False),
        ("up", [0.90, 0.84], True),
        ("up", [0.10, 0.99], False),
        ("down", [0.10, 0.15], False),
        ("down", [0.10, 0.16], True),
        ("down", [0.99, 0.10], False),
    ],
)
def test_pairs_and_groups(expected, scores, failed):
    assert fails(expected, scores) is failed


def test_results_by_capability_and_kind():
    cases = [
        Case("negation", ("not bad",), "positive"),
        Case("facts", ("it is green",), "neutral"),
        Case("negation", ("not good",), "negative"),
        Case("negation", ("good", "not good"), "down"),
        Case("names", ("Ann left", "Bob left", "Cem left"), "same"),
    ]
    scores = {"not bad": 0.2, "not good": 0.1, "good": 0.9, "Ann left": 0.7, "Cem left": 0.3}
    negation, facts, pair, names = run_suite(cases, scorer(scores))
    assert (negation.capability, negation.kind) == ("negation", "verdict")
    assert (negation.cases, negation.failures, negation.failure_rate) == (2, 1, 0.5)
    assert (negation.limit, negation.within_limit) == (0.1, False)
    assert [example.texts for example in negation.examples] == [("not bad",)]
    assert (facts.failures, facts.limit, facts.within_limit) == (0, 0.05, True)
    assert (pair.kind, pair.failures, pair.limit) == ("direction", 0, 0.1)
    assert (names.kind, names.failures, names.limit) == ("invariance", 1, 0.05)
    assert names.examples[0].texts == (
        "Ann left",
        "Cem left",
    )  # the two extreme scores
    assert names.to_dict()["examples"] == [
        {"texts": ["Ann left", "Cem left"], "expected": "same", "scores": [0.7, 0.3]}
    ]


def test_five_examples_are_spread_over_the_failures():
    cases = [Case("plain", (f"text {number}",), "positive") for number in range(50)]
    (result,) = run_suite(cases, scorer({}))
    assert result.failures == 50
    assert [example.texts[0] for example in result.examples] == [
        f"text {n}" for n in (0, 10, 20, 30, 40)
    ]


def test_each_text_is_scored_once():
    seen: list[str] = []

    def predict(texts: Sequence[str]) -> np.ndarray:
        seen.extend(texts)
        return np.full(len(texts), 0.9)

    run_suite([Case("a", ("x",), "positive"), Case("b", ("x", "y"), "up")], predict)
    assert seen == ["x", "y"]


@pytest.mark.parametrize("scores", [[0.5, 0.5], [np.nan], [1.2], [[0.5, 0.5]]])
def test_values_that_are_no_probabilities_are_refused(scores):
    with pytest.raises(ValueError, match="Expected probabilities"):
        run_suite([Case("a", ("x",), "positive")], lambda _: np.array(scores))


def test_a_model_that_knows_neutral_gives_three_probabilities():
    probabilities = np.array([[0.6, 0.1, 0.3], [1.0, 0.0, 0.0]])
    predict = positive_scorer(lambda _: probabilities, ["Neutral", "negative", "positive"])
    np.testing.assert_array_equal(predict(["a", "b"]), [[0.1, 0.6, 0.3], [0.0, 1.0, 0.0]])


def test_a_model_of_two_classes_gives_the_probability_of_positive():
    predict = positive_scorer(lambda _: np.array([[0.8, 0.2]]), ["Positive", "Negative"])
    np.testing.assert_allclose(predict(["a"]), [0.8])


def test_another_class_than_neutral_is_split_evenly():
    probabilities = np.array([[0.1, 0.6, 0.3]])
    predict = positive_scorer(lambda _: probabilities, ["negative", "mixed", "positive"])
    np.testing.assert_allclose(predict(["a"]), [0.6])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.4, 0.3, 0.3], "negative"),  # by thirds it would be neutral
        ([0.3, 0.4, 0.3], "neutral"),
        ([0.05, 0.45, 0.5], "positive"),
        ([0.0, 0.5, 0.5], "neutral"),  # the first of two likeliest classes
    ],
)
def test_with_three_classes_the_likeliest_is_the_verdict(scores, expected):
    assert verdict(scores) == expected
    assert not fails(expected, [scores])


@pytest.mark.parametrize(
    ("expected", "scores", "failed"),
    [
        ("same", [[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]], False),
        ("same", [[0.5, 0.3, 0.2], [0.4, 0.41, 0.19]], True),
        ("same", [[0.4, 0.2, 0.4], [0.1, 0.8, 0.1]], True),  # polarity and lean stay the same
        ("same", [[0.5, 0.3, 0.2], [0.45, 0.4, 0.15], [0.4, 0.35, 0.25]], False),
        ("up", [[0.0, 0.1, 0.9], [0.0, 0.2, 0.8]], False),  # a lean of 0.95, then 0.9
        ("up", [[0.0, 0.1, 0.9], [0.0, 0.21, 0.79]], True),
        ("up", [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]], False),  # from negative to neutral
        ("down", [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]], True),
    ],
)
def test_pairs_and_groups_of_three_classes(expected, scores, failed):
    assert fails(expected, scores) is failed


def test_failures_of_three_classes_show_all_probabilities():
    rows = {"a": [0.4, 0.2, 0.4], "b": [0.25, 0.5, 0.25], "c": [0.1, 0.8, 0.1]}
    cases = [Case("names", ("a", "b", "c"), "same"), Case("facts", ("a",), "neutral")]
    same, facts = run_suite(cases, lambda texts: np.array([rows[text] for text in texts]))
    assert same.to_dict()["examples"] == [
        {
            "texts": ["a", "c"],
            "expected": "same",
            "scores": [0.5, 0.5],
            "probabilities": [
                {"negative": 0.4, "neutral": 0.2, "positive": 0.4},
                {"negative": 0.1, "neutral": 0.8, "positive": 0.1},
            ],
        }
    ]
    assert (facts.failures, facts.examples[0].scores) == (1, (0.5,))


def test_other_classes_are_refused_before_anything_is_scored():
    def probabilities(texts: Sequence[str]) -> np.ndarray:
        raise AssertionError(texts)

    with pytest.raises(UsageError, match=r"^Expected .* found bad, good: .*\.$"):
        positive_scorer(probabilities, ["bad", "good"])


def test_a_model_without_an_opinion_passes_only_the_cases_that_expect_none():
    """Such a model fails every verdict that is not neutral."""
    cases = shipped_cases()
    judging = {case.capability for case in cases if case.expected in ("positive", "negative")}
    for result in run_suite(cases, scorer({})):
        assert result.failure_rate == (result.capability in judging), result.capability
