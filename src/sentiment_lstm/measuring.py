"""Measures a model on labelled texts. This file knows no file formats and prints nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, tee
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import lengths_of
from sentiment_lstm.data.screening import SetAside, mark_duplicates
from sentiment_lstm.errors import DataError, MissingExtraError, UsageError
from sentiment_lstm.evaluation import bootstrap
from sentiment_lstm.evaluation.bootstrap import label_intervals
from sentiment_lstm.evaluation.by_class import by_class
from sentiment_lstm.evaluation.calibration import THRESHOLDS, coverage_at
from sentiment_lstm.evaluation.label_errors import likely_label_errors
from sentiment_lstm.evaluation.metrics import (
    accuracy_by_value,
    confident_mistakes,
    evaluate,
    right_by_length,
    roc_curve,
)
from sentiment_lstm.evaluation.multi_label import measure_labels, surest_mistakes
from sentiment_lstm.evaluation.out_of_scope import out_of_scope_scores
from sentiment_lstm.evaluation_data import EvaluationData, out_of_scope_texts
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.inference.two_classes import TwoClassPredictor
from sentiment_lstm.records import Example

_logger = logging.getLogger(__name__)
_MISTAKES = 10
_HELD = 100
"""How many of the most confident mistakes are kept with their texts while scoring."""
NO_VALUE = "(none)"
"""The name of the slice of texts whose column is empty."""


@dataclass
class _Measured:
    """The results for N texts of C classes.

    `labels`: class indices, [N]; bool [N, C] if a text may have several labels. `probabilities`:
    [N, C]. `lengths`: tokens of each text, [N]. `ids`: the ids of the rows. `mistakes`: the most
    confident mistakes with their texts, by row number, most confident first. `duplicates`: counts
    by kind.
    """

    labels: Any
    probabilities: NDArray[np.float64]
    lengths: NDArray[np.int64]
    ids: list[str]
    mistakes: dict[int, dict[str, Any]]
    duplicates: Counter[str]


def measure(
    predictor: Predictor,
    texts: EvaluationData,
    set_aside: SetAside,
    abstain_below: float = 0.0,
    slices: Sequence[str] = (),
    *,
    out_of_scope: str | None = None,
    in_full: bool = False,
    polarity: bool = False,
) -> dict[str, Any]:
    """Score every good row and compare the predictions with the labels.

    Args:
        predictor: the model.
        texts: the texts to read.
        set_aside: takes the bad rows.
        abstain_below: in `abstain` and `mistakes`, texts with a lower score count as unanswered.
        slices: columns of the source; each of their values is also measured separately.
        out_of_scope: a source of texts that belong to no class, as `SOURCE` or `SOURCE:SPLIT`.
        in_full: also compute `intervals` and `label_errors`, which takes a few seconds.
        polarity: measure two classes, negative and positive, by polarity. Texts with another label
            are counted in `set_aside`, and left out.

    Returns:
        A dictionary with the fields of `evaluation.metrics.Scores`; those of
        `evaluation.by_class.by_class`; `abstain` (threshold, coverage, accuracy on the answered
        texts); `out_of_scope`: None, or `data` (the source's name) and the fields of
        `evaluation.out_of_scope.out_of_scope_scores`; `data`, `split` (`all` if the source has no
        splits), `classes`, `set_aside` (rows by reason), `duplicates`; `roc_curve` (class ->
        points) and `slices` (column -> rows) in the form of `evaluation.metrics`; and `mistakes`,
        the most confident ones: id, true, predicted, score, text. In full also `intervals`
        (measure -> 95% bounds) and `label_errors`: `found` (their number, None if unknown), `note`
        (why), and `examples` (those among the hundred most confident mistakes).

        If a text may have several labels: `multi_label` (true), the fields of
        `evaluation.multi_label.measure_labels`, `accuracy_by_length`, `slices` (their accuracy is
        the exact match), and of the above `data`, `split`, `classes`, `set_aside`, `duplicates`,
        `mistakes` (true and predicted labels are lists) and `intervals`.

    Raises:
        DataError: a source cannot be read or has no usable row, or lacks a column of `slices`.
        UsageError: `abstain_below` is not in [0, 1); or it, `out_of_scope` or `polarity` is given
            though a text may have several labels; or `polarity` is given and the model lacks the
            class negative or positive.
    """
    known = predictor.classes
    predictor = TwoClassPredictor(predictor) if polarity else predictor
    least = predictor.checked_threshold(abstain_below)
    if predictor.multi_label and out_of_scope:
        raise UsageError(
            "Expected no --out-of-scope for a model of several labels per text, found "
            f"{out_of_scope}: leave it out, because a text may have no label."
        )
    if texts.caution:
        _logger.warning("%s", texts.caution)
    split = texts.split  # before the long scoring, because the hub may fail
    columns = {name: texts.column(name) for name in slices}
    left_out: Counter[str] = Counter()
    examples = _with_an_answer(texts.examples(set_aside, known), left_out)
    if polarity:
        examples = _of_two_classes(examples, predictor.classes, left_out)
    measured = _scored(predictor, examples)
    if measured is None:
        raise DataError(f"Expected labelled texts in {texts.data.source}, found none.")
    if note := set_aside.unknown_labels_note():
        _logger.warning("%s", note)
    shared = {
        "data": texts.data.source,
        "split": split,
        "classes": list(predictor.classes),
        "set_aside": {**set_aside.counts, **left_out},
        "duplicates": dict(measured.duplicates),
    }
    if predictor.thresholds is not None:
        return shared | _of_labels(measured, predictor, columns, in_full=in_full)
    confidence = measured.probabilities.max(axis=1)
    others = _out_of_scope(predictor, out_of_scope, texts, confidence, least)
    return shared | _of_classes(
        measured, predictor.classes, columns, least, others, in_full=in_full
    )


def _of_classes(
    measured: _Measured,
    classes: Sequence[str],
    columns: Mapping[str, Mapping[str, str]],
    abstain_below: float,
    out_of_scope: Mapping[str, Any] | None,
    *,
    in_full: bool,
) -> dict[str, Any]:
    """The results where each text has one class."""
    labels, probabilities = measured.labels, measured.probabilities
    right = probabilities.argmax(axis=1) == labels
    curves = roc_curve(labels, probabilities)
    scores = evaluate(labels, probabilities, measured.lengths)
    confidence = probabilities.max(axis=1)
    return {
        **scores.to_dict(),
        **by_class(scores.confusion, classes),
        "roc_curve": {classes[c]: points for c, points in curves.items()},
        "slices": _slices(measured, columns, right),
        "abstain": coverage_at(abstain_below, confidence, right),
        "out_of_scope": out_of_scope,
        "mistakes": [row for row in measured.mistakes.values() if row["score"] >= abstain_below][
            :_MISTAKES
        ],
        **(_in_full(measured) if in_full else {}),
    }


def _of_labels(
    measured: _Measured,
    predictor: Predictor,
    columns: Mapping[str, Mapping[str, str]],
    *,
    in_full: bool,
) -> dict[str, Any]:
    """The results where a text may have several labels."""
    targets, probabilities = measured.labels, measured.probabilities
    thresholds = predictor.thresholds or ()
    predicted = probabilities >= np.array(thresholds)
    right = (predicted == targets).all(axis=1)
    values = {
        "multi_label": True,
        **measure_labels(targets, probabilities, thresholds, predictor.classes),
        "accuracy_by_length": right_by_length(right, measured.lengths),
        "slices": _slices(measured, columns, right),
        "mistakes": list(measured.mistakes.values())[:_MISTAKES],
    }
    return values | ({"intervals": label_intervals(targets, predicted)} if in_full else {})


def _slices(
    measured: _Measured, columns: Mapping[str, Mapping[str, str]], right: NDArray[np.bool_]
) -> dict[str, Any]:
    return {
        name: accuracy_by_value(right, [values[i] or NO_VALUE for i in measured.ids])
        for name, values in columns.items()
    }


def _out_of_scope(
    predictor: Predictor,
    source: str | None,
    texts: EvaluationData,
    confidence: NDArray[np.float64],
    abstain_below: float,
) -> dict[str, Any] | None:
    """Score the texts of no class, and compare their confidence with that of the other texts."""
    if source is None:
        return None
    predictions = predictor.predict_iter(out_of_scope_texts(source, texts.data))
    scores = np.array([prediction.score for prediction in predictions])
    thresholds = sorted({*THRESHOLDS, abstain_below} - {0.0})
    return {"data": source, **out_of_scope_scores(confidence, scores, thresholds)}


def _scored(predictor: Predictor, examples: Iterable[Example]) -> _Measured | None:
    """Score every text; None if there are no texts."""
    duplicates = Counter({"duplicates": 0, "disagreeing duplicates": 0})
    ahead, behind = tee(example for example, _ in mark_duplicates(examples, duplicates))
    parts: list[tuple[Any, ...]] = []
    ids: list[str] = []
    mistakes: dict[int, dict[str, Any]] = {}
    for texts, encoded, probabilities in predictor.windows(example.text for example in ahead):
        rows = list(islice(behind, len(texts)))
        labels = _labels_of(rows, predictor)
        parts.append((labels, probabilities, lengths_of([text.ids for text in encoded])))
        for i, score in _worst(labels, probabilities, predictor).items():
            mistakes[len(ids) + i] = _mistake(rows[i], probabilities[i], score, predictor)
        ids += [row.id for row in rows]
        worst = sorted(mistakes.items(), key=lambda item: -item[1]["score"])
        mistakes = dict(worst[:_HELD])
    if not parts:
        return None
    labels, probabilities, lengths = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return _Measured(labels, probabilities, lengths, ids, mistakes, duplicates)


def _in_full(measured: _Measured) -> dict[str, Any]:
    return {
        "intervals": bootstrap.intervals(measured.labels, measured.probabilities),
        "label_errors": _label_errors(measured),
    }


def _label_errors(measured: _Measured) -> dict[str, Any]:
    try:
        rows = likely_label_errors(measured.labels, measured.probabilities).tolist()
    except (DataError, MissingExtraError) as error:
        return {"found": None, "note": str(error), "examples": []}
    examples = [measured.mistakes[row] for row in rows if row in measured.mistakes]
    return {"found": len(rows), "note": "", "examples": examples[:_MISTAKES]}


def _with_an_answer(examples: Iterable[Example], left_out: Counter[str]) -> Iterator[Example]:
    """Leave out, and count, texts with a soft label of one half: they have no right answer."""
    for example in examples:
        if example.soft_label == 0.5:
            left_out["half of each class"] += 1
        else:
            yield example


def _of_two_classes(
    examples: Iterable[Example], classes: Sequence[str], left_out: Counter[str]
) -> Iterator[Example]:
    """Leave out, and count, texts with another label."""
    for example in examples:
        if example.label in classes:
            yield example
        else:
            left_out[f"labelled {example.label}"] += 1


def _labels_of(rows: Sequence[Example], predictor: Predictor) -> NDArray[Any]:
    """Class indices, [N]; if a text may have several labels, bool [N, C]."""
    classes = predictor.classes
    if predictor.multi_label:
        return np.array([[name in row.all_labels for name in classes] for row in rows])
    return np.array([classes.index(str(row.label)) for row in rows])


def _worst(
    labels: NDArray[Any], probabilities: NDArray[np.float64], predictor: Predictor
) -> dict[int, float]:
    """The rows of the most confident mistakes, and their confidence."""
    if predictor.thresholds is not None:
        predicted = probabilities >= np.array(predictor.thresholds)
        return surest_mistakes(labels, probabilities, predicted, _HELD)
    rows = confident_mistakes(labels, probabilities, _HELD).tolist()
    return {row: float(probabilities[row].max()) for row in rows}


def _mistake(
    example: Example, probabilities: NDArray[np.float64], score: float, predictor: Predictor
) -> dict[str, Any]:
    predicted = [predictor.classes[c] for c in predictor.chosen(probabilities)]
    multi_label = predictor.multi_label
    return {
        "id": example.id,
        "true": list(example.all_labels) if multi_label else example.label,
        "predicted": predicted if multi_label else predicted[0],
        "score": score,
        "text": example.text,
    }
