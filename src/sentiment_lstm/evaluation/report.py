"""One page that tells whether to trust a model, from values measured elsewhere.

Knows how measures are put into words and in which order; no model, no source, no file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sentiment_lstm.evaluation import charts
from sentiment_lstm.pages import render

Row = Mapping[str, Any]

_SHOWN = 400
"""Characters of a text that are seen at once; the rest is a click away."""
_MOST = 20_000
"""Characters of a text that the page holds at all."""
_ENOUGH = 20
"""A slice of fewer texts is not called weak."""
_SURE = 0.9
_MEASURES = {
    "accuracy": ("accuracy", "texts whose likeliest class is the true one"),
    "macro_recall": ("macro recall", "accuracy with every class counting the same"),
    "f1": ("F1", ""),
    "roc_auc": ("ROC-AUC", "how often a text of the class scores above one of another"),
    "log_loss": ("log-loss (nats)", "mean of -ln p of the true class; lower is better"),
    "ece": ("calibration error", "mean gap between confidence and accuracy; lower is better"),
}
_PERCENT = ("accuracy", "macro_recall", "ece")


@dataclass(frozen=True, slots=True)
class Training:
    """How a model came about, as far as it is known.

    `history`: the lines of `metrics.jsonl`. `screening`: what was left out of its texts.
    `settings`: by section.
    """

    history: Sequence[Row] = ()
    screening: Row = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All that a page shows of one model."""

    name: str
    measured: Row
    """As `inference.measuring.measure` gives it in full."""
    facts: Mapping[str, str]
    """Of the model: what -> how much."""
    training: Training
    behaviour: Sequence[Row] | str
    """Results by capability as `CapabilityResult.to_dict`, or a sentence why there are none."""
    words: Sequence[Sequence[Row] | None] = ()
    """For each mistake the parts of its text, {text, share, towards}; None: the text is plain."""
    sides: Sequence[str] = ()
    """What those parts speak for: first, second."""


def report_page(report: Report) -> str:
    """Write the page: HTML that needs nothing else.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    measured = report.measured
    answers = _from_all(measured)
    return render(
        "report.html",
        report=report,
        m=measured,
        summary=summary(report),
        numbers=[_number(name, measured) for name in _MEASURES],
        percent=percent,
        reliability=charts.reliability(measured["reliability"], measured["n"]),
        bins=[row for row in measured["reliability"] if row["share"]],
        answers=answers,
        coverage=charts.coverage(answers),
        roc=charts.roc(measured["roc_curve"]) if measured["roc_curve"] else "",
        lengths=charts.lengths(measured["accuracy_by_length"]),
        slices={name: bars(rows) for name, rows in measured["slices"].items()},
        mistakes=_mistakes(report),
        suspects=[_text_of(row, None) for row in measured["label_errors"]["examples"]],
        learning=learning(report.training),
        settings=json.dumps(report.training.settings, indent=2, ensure_ascii=False),
    )


def summary(report: Report) -> list[str]:
    """What the numbers say, in a few sentences."""
    measured = report.measured
    low, high = measured["accuracy_interval"]
    confidence = sum(r["share"] * r["confidence"] for r in measured["reliability"] if r["share"])
    sure = next(row for row in measured["coverage_curve"] if row["threshold"] == _SURE)
    said = [
        f"It is right on {percent(measured['accuracy'])} of {measured['n']:,} texts; over all "
        f"texts of their kind that is likely {percent(low)} to {percent(high)}.",
        f"It states a confidence of {percent(confidence)} on average, and its confidence is off "
        f"by {percent(measured['ece'])} on average.",
    ]
    if sure["accuracy"] is not None:
        said.append(
            f"Where it is at least {_SURE:.0%} sure, which is on {percent(sure['coverage'])} of "
            f"the texts, it is right on {percent(sure['accuracy'])}."
        )
    return [*said, _weakest(measured), *_behaves(report.behaviour)]


def percent(share: float | None) -> str:
    """A share as people read it: `percent(0.9119)` is `"91.2%"`."""
    return "none" if share is None else f"{100 * share:.1f}%"


def learning(training: Training) -> dict[str, str]:
    """Plots of a training's history: caption -> SVG; none where there is no history."""
    updates = [row for row in training.history if "grad_norm" in row]
    epochs = [row for row in training.history if "validation_loss" in row]
    if not updates or not epochs:
        return {}
    found = {}
    for name, unit in (("loss", "loss (nats)"), ("accuracy", "accuracy")):
        validated = [(row["step"], row[f"validation_{name}"]) for row in epochs]
        trained = [(row["step"], row[name]) for row in updates if name in row]
        caption = f"{name.capitalize()} on training batches, and on validation after each epoch."
        curves = {"training": trained} if trained else {}
        found[caption] = charts.updates(curves, {"validation": validated}, unit, caption)
    norms = [(row["step"], row["grad_norm"]) for row in updates if row["grad_norm"]]
    if norms:
        limit = training.settings.get("training", {}).get("clip_norm")
        caption = (
            "Norm of the gradient before it is capped. Peaks are exploding gradients, a fall "
            "towards 0 vanishing ones."
        )
        found[caption] = charts.gradients(norms, limit)
    return found


def _weakest(measured: Row) -> str:
    """Where the model is clearly worse than on the whole: its interval ends below."""
    groups = [(f"{r['tokens']} tokens", r) for r in measured["accuracy_by_length"]]
    for column, rows in measured["slices"].items():
        groups += [(f"{column} {r['value']}", r) for r in rows if r["value"] is not None]
    weak = [
        f"{name} ({percent(row['accuracy'])})"
        for name, row in groups
        if row["n"] >= _ENOUGH and row["interval"][1] < measured["accuracy"]
    ]
    if not weak:
        return "On no length or slice is it clearly worse than on the whole."
    return f"It is clearly worse than on the whole on: {_some(weak)}."


def _behaves(behaviour: Sequence[Row] | str) -> list[str]:
    if isinstance(behaviour, str):
        return []
    over = [row["capability"] for row in behaviour if not row["within_limit"]]
    if not over:
        return [f"It keeps within the limits of all {len(behaviour)} tested capabilities."]
    return [
        f"Of {len(behaviour)} tested capabilities it fails more often than it may at {len(over)}: "
        f"{_some(over)}."
    ]


def _some(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _from_all(measured: Row) -> list[Row]:
    """The curve of coverage from all texts on: of many classes the lowest threshold loses some."""
    rows: list[Row] = measured["coverage_curve"]
    every = {"threshold": 0.0, "coverage": 1.0, "accuracy": measured["accuracy"]}
    return rows if rows[0]["coverage"] == 1.0 else [every, *rows]


def _number(name: str, measured: Row) -> dict[str, str]:
    """A headline: value, interval, what it means."""
    value = measured[name]
    bounds = measured["accuracy_interval"] if name == "accuracy" else measured["intervals"][name]
    label, meaning = _MEASURES[name]
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
    """A slice's rows with the places of their intervals on an axis from `least` to 1."""
    least = min(int(10 * row["interval"][0]) / 10 for row in rows)

    def place(share: float) -> float:
        return 100 * (share - least) / (1 - least) if least < 1 else 100.0

    placed = [
        {
            **row,
            "low": place(row["interval"][0]),
            "width": place(row["interval"][1]) - place(row["interval"][0]),
            "at": place(row["accuracy"]),
        }
        for row in rows
    ]
    return {"least": least, "rows": placed}


def _mistakes(report: Report) -> list[dict[str, Any]]:
    rows = report.measured["mistakes"]
    words = [*report.words, *[None] * (len(rows) - len(report.words))]
    return [_text_of(row, parts) for row, parts in zip(rows, words, strict=True)]


def _text_of(row: Row, parts: Sequence[Row] | None) -> dict[str, Any]:
    """A text with its start and its rest apart, and the number of characters left out."""
    plain = parts or [{"text": row["text"], "share": 0.0, "towards": ""}]
    head, rest = _cut(plain, _SHOWN)
    rest, left_out = _cut(rest, _MOST - _SHOWN)
    characters = sum(len(part["text"]) for part in left_out)
    return {**row, "head": head, "rest": rest, "left_out": characters, "marked": bool(parts)}


def _cut(parts: Sequence[Row], most: int) -> tuple[list[Row], list[Row]]:
    """Parts of a text up to about `most` characters, and those behind; long parts are cut."""
    head: list[Row] = []
    for place, part in enumerate(parts):
        room = most - sum(len(one["text"]) for one in head)
        if len(part["text"]) > room:
            at = part["text"].rfind(" ", 0, room) + 1
            if not at and head:  # a word stays whole
                return head, list(parts[place:])
            at = at or room
            start, end = part["text"][:at], part["text"][at:]
            return [*head, {**part, "text": start}], [{**part, "text": end}, *parts[place + 1 :]]
        head.append(part)
    return head, []
