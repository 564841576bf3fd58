"""The report on a model: one page that helps to decide whether to trust it.

Gets its values from elsewhere and turns them into words and plots. Knows no model, source or file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sentiment_lstm.evaluation import charts
from sentiment_lstm.evaluation.by_class import NUMBER_MEASURES
from sentiment_lstm.evaluation.report_labels import (
    MEASURES,
    summary_of_labels,
    with_joined_labels,
)
from sentiment_lstm.pages import render
from sentiment_lstm.wording import MOST_SHOWN, first_names

Row = Mapping[str, Any]

_SHOWN = 400
"""Characters of a text that are visible at once. The rest can be unfolded."""
_MOST = 20_000
"""The most characters of a text that the page holds."""
_ENOUGH = 20
"""A slice with fewer texts is never called weak."""
_SURE = 0.9
_MOST_CURVES = 6
_MEASURES = {
    "accuracy": ("accuracy", "fraction of texts whose predicted class is the true one"),
    "mean_absolute_error": (
        "mean absolute error",
        "mean distance between the predicted and the true number",
    ),
    "within_one": ("off by at most one", "fraction of texts"),
    "macro_recall": ("macro recall", "mean over the classes of their accuracy"),
    "f1": ("F1", ""),
    "roc_auc": ("ROC-AUC", "how often a text of the class scores above a text of another class"),
    "log_loss": ("log-loss (nats)", "mean of -ln p of the true class; lower is better"),
    "ece": ("calibration error", "mean gap between confidence and accuracy; lower is better"),
}
_PERCENT = ("accuracy", "within_one", "macro_recall", "ece")


@dataclass(frozen=True, slots=True)
class Training:
    """What is known about a model's training.

    `history`: the lines of `metrics.jsonl`. `screening`: counts of rows that were left out.
    `settings`: by section.
    """

    history: Sequence[Row] = ()
    screening: Row = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page shows about a model."""

    name: str
    measured: Row
    """The result of `measuring.measure` with `in_full`."""
    facts: Mapping[str, str]
    """Facts about the model: name -> value."""
    training: Training
    behaviour: Sequence[Row] | str
    """`CapabilityResult.to_dict` of each capability, or a sentence that says why there is none."""
    words: Sequence[Sequence[Row] | None] = ()
    """For each mistake, the segments of its text (`interpret.explain`); None: no explanation."""
    sides: Sequence[str] = ()
    """What the segments speak for: first, second."""


def report_page(report: Report) -> str:
    """Return the page: HTML that needs no other file.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    measured = report.measured
    multi_label = measured.get("multi_label", False)
    measures = MEASURES if multi_label else _MEASURES
    weakest = [row for row in measured["per_class"] if row["n"]][:MOST_SHOWN]
    decisions = measured["n"] * (len(measured["classes"]) if multi_label else 1)
    return render(
        "report.html",
        report=report,
        m=measured,
        multi_label=multi_label,
        decisions=decisions,
        summary=summary(report),
        numbers=[_number(name, measured) for name in measures if _applies(name, measured)],
        many=multi_label or len(measured["classes"]) > MOST_SHOWN,
        weakest=weakest,
        percent=percent,
        reliability=charts.reliability(measured["reliability"], decisions),
        bins=[row for row in measured["reliability"] if row["share"]],
        **({} if multi_label else _answers(measured, weakest)),
        lengths=charts.lengths(measured["accuracy_by_length"]),
        slices={name: bars(rows) for name, rows in measured["slices"].items()},
        mistakes=_mistakes(report),
        suspects=[
            _text_of(row, None) for row in measured.get("label_errors", {}).get("examples", ())
        ],
        learning=learning(report.training),
        settings=json.dumps(report.training.settings, indent=2, ensure_ascii=False),
    )


def _answers(measured: Row, weakest: Sequence[Row]) -> dict[str, Any]:
    """Coverage and ROC curves, which only models with one class per text have."""
    answers = _from_all(measured)
    return {
        "answers": answers,
        "coverage": charts.coverage(answers),
        **_roc(measured, weakest),
    }


def summary(report: Report) -> list[str]:
    """Say what the numbers mean, in a few sentences."""
    measured = report.measured
    if measured.get("multi_label"):
        return [*summary_of_labels(measured), _weakest(measured)]
    low, high = measured["accuracy_interval"]
    confidence = sum(r["share"] * r["confidence"] for r in measured["reliability"] if r["share"])
    sure = next(row for row in measured["coverage_curve"] if row["threshold"] == _SURE)
    sentences = [
        f"The model is right on {percent(measured['accuracy'])} of {measured['n']:,} texts. On all "
        f"texts of this kind, expect {percent(low)} to {percent(high)}.",
        f"Its confidence is {percent(confidence)} on average, and differs from its accuracy by "
        f"{percent(measured['ece'])} on average.",
    ]
    if sure["accuracy"] is not None:
        sentences.append(
            f"Its confidence is at least {_SURE:.0%} on {percent(sure['coverage'])} of the texts. "
            f"On these it is right in {percent(sure['accuracy'])}."
        )
    return [
        *sentences,
        *_confuses(measured),
        *_finds_others(measured),
        _weakest(measured),
        *_behaves(report.behaviour),
    ]


def percent(fraction: float | None) -> str:
    """Format a fraction: `percent(0.9119)` is `"91.2%"`."""
    return "none" if fraction is None else f"{100 * fraction:.1f}%"


def learning(training: Training) -> dict[str, str]:
    """Plot a training's history: caption -> SVG; empty without a history."""
    updates = [row for row in training.history if "grad_norm" in row]
    epochs = [row for row in training.history if "validation_loss" in row]
    if not updates:
        return {}
    plots = {}
    for name, unit in (("loss", "loss (nats)"), ("accuracy", "accuracy")):
        validated = [(row["step"], row[f"validation_{name}"]) for row in epochs]
        trained = [(row["step"], row[name]) for row in updates if name in row]
        after = ", and on validation after each epoch" if validated else ""
        caption = f"{name.capitalize()} on training batches{after}."
        curves = {"training": trained} if trained else {}
        points = {"validation": validated} if validated else {}
        plots[caption] = charts.updates(curves, points, unit, caption)
    norms = [(row["step"], row["grad_norm"]) for row in updates if row["grad_norm"]]
    if norms:
        limit = training.settings.get("training", {}).get("clip_norm")
        caption = (
            "Norm of the gradient before clipping. Peaks are exploding gradients. A fall towards 0 "
            "means vanishing gradients."
        )
        plots[caption] = charts.gradients(norms, limit)
    return plots


def _weakest(measured: Row) -> str:
    """Name the slices whose interval lies below the overall accuracy."""
    groups = [(f"{r['tokens']} tokens", r) for r in measured["accuracy_by_length"]]
    for column, rows in measured["slices"].items():
        groups += [(f"{column} {r['value']}", r) for r in rows if r["value"] is not None]
    weak = [
        f"{name} ({percent(row['accuracy'])})"
        for name, row in groups
        if row["n"] >= _ENOUGH and row["interval"][1] < measured["accuracy"]
    ]
    if not weak:
        return "No length and no slice is clearly worse than the whole."
    return f"These are clearly worse than the whole: {first_names(weak, 5)}."


def _confuses(measured: Row) -> list[str]:
    """Name the most confused pair of many classes."""
    pairs = measured["confused_pairs"]
    if len(measured["classes"]) <= MOST_SHOWN or not pairs:
        return []
    first = pairs[0]
    return [
        f"Its commonest mistake: {first['true']} predicted as {first['predicted']}, "
        f"{first['count']:,} of {first['of']:,} texts."
    ]


def _finds_others(measured: Row) -> list[str]:
    """Say how well the best of the thresholds separates texts of no class from the others."""
    result = measured["out_of_scope"]
    if result is None:
        return []
    row = max(result["curve"], key=lambda row: row["unlabelled"] + row["kept"])
    return [
        f"With --abstain-below {row['threshold']:g}, {percent(row['unlabelled'])} of "
        f"{result['n']:,} texts of no class stay unlabelled, and {percent(row['kept'])} of the "
        "texts of its classes keep a label."
    ]


def _behaves(behaviour: Sequence[Row] | str) -> list[str]:
    if isinstance(behaviour, str):
        return []
    over = [row["capability"] for row in behaviour if not row["within_limit"]]
    if not over:
        return [f"It is within the limits of all {len(behaviour)} tested capabilities."]
    return [
        f"It exceeds the limit of {len(over)} of {len(behaviour)} tested capabilities: "
        f"{first_names(over, 5)}."
    ]


def _roc(measured: Row, weakest: Sequence[Row]) -> dict[str, str]:
    """Plot the ROC curves; of many classes only those of the weakest."""
    curves: Mapping[str, Any] = measured["roc_curve"]
    caption = "True against false positives for each threshold. The dotted line is guessing."
    if len(measured["classes"]) > 2:
        caption = (
            "The closer a curve is to the upper left, the better the model separates the class "
            "from the rest. The dotted line is guessing."
        )
    if len(measured["classes"]) > MOST_SHOWN:
        names = [row["class"] for row in weakest if row["class"] in curves][:_MOST_CURVES]
        curves = {name: curves[name] for name in names}
        caption = f"The {len(names)} weakest classes. {caption}"
    return {"roc": charts.roc(curves) if curves else "", "roc_caption": caption}


def _applies(name: str, measured: Row) -> bool:
    return name not in NUMBER_MEASURES or measured[name] is not None


def _from_all(measured: Row) -> list[Row]:
    """Start the coverage curve at all texts. With many classes, 0.5 already leaves out some."""
    rows: list[Row] = measured["coverage_curve"]
    all_texts = {"threshold": 0.0, "coverage": 1.0, "accuracy": measured["accuracy"]}
    return rows if rows[0]["coverage"] == 1.0 else [all_texts, *rows]


def _number(name: str, measured: Row) -> dict[str, str]:
    """Return a headline number: value, interval, meaning."""
    value = measured[name]
    intervals = {**measured["intervals"], "accuracy": measured["accuracy_interval"]}
    bounds = intervals.get(name)
    label, meaning = (MEASURES if measured.get("multi_label") else _MEASURES)[name]
    if name == "f1":
        two = len(measured["classes"]) == 2
        meaning = f"of the class {measured['classes'][1]}" if two else "mean over the classes"
    return {
        "label": label,
        "value": "undefined" if value is None else _shown(name, value),
        "interval": "" if not bounds else " to ".join(_shown(name, bound) for bound in bounds),
        "meaning": meaning,
    }


def _shown(name: str, value: float) -> str:
    return percent(value) if name in _PERCENT else f"{value:.3f}"


def bars(rows: Sequence[Row]) -> dict[str, Any]:
    """Add to a slice's rows where their intervals are on an axis from `least` to 1, in percent."""
    least = min(int(10 * row["interval"][0]) / 10 for row in rows)

    def percent_of_axis(fraction: float) -> float:
        return 100 * (fraction - least) / (1 - least) if least < 1 else 100.0

    placed = [
        {
            **row,
            "low": percent_of_axis(row["interval"][0]),
            "width": percent_of_axis(row["interval"][1]) - percent_of_axis(row["interval"][0]),
            "at": percent_of_axis(row["accuracy"]),
        }
        for row in rows
    ]
    return {"least": least, "rows": placed}


def _mistakes(report: Report) -> list[dict[str, Any]]:
    rows = report.measured["mistakes"]
    if report.measured.get("multi_label"):
        rows = [with_joined_labels(row) for row in rows]
    words = [*report.words, *[None] * (len(rows) - len(report.words))]
    return [_text_of(row, parts) for row, parts in zip(rows, words, strict=True)]


def _text_of(row: Row, parts: Sequence[Row] | None) -> dict[str, Any]:
    """Split a text into a visible and a folded part, and count the characters left out."""
    plain = parts or [{"text": row["text"], "strength": 0.0, "towards": ""}]
    head, rest = _cut(plain, _SHOWN)
    rest, left_out = _cut(rest, _MOST - _SHOWN)
    characters = sum(len(part["text"]) for part in left_out)
    return {**row, "head": head, "rest": rest, "left_out": characters, "marked": bool(parts)}


def _cut(parts: Sequence[Row], most: int) -> tuple[list[Row], list[Row]]:
    """Split the segments of a text after about `most` characters, within a segment if needed."""
    head: list[Row] = []
    for index, part in enumerate(parts):
        room = most - sum(len(earlier["text"]) for earlier in head)
        if len(part["text"]) > room:
            cut = part["text"].rfind(" ", 0, room) + 1
            if not cut and head:  # do not split a word
                return head, list(parts[index:])
            cut = cut or room
            start, end = part["text"][:cut], part["text"][cut:]
            return [*head, {**part, "text": start}], [{**part, "text": end}, *parts[index + 1 :]]
        head.append(part)
    return head, []
