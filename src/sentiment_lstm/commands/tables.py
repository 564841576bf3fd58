"""Results as tables for people, on standard output. Knows no model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sentiment_lstm.evaluation.behaviour import CapabilityResult
from sentiment_lstm.evaluation.side_by_side import shown as setting
from sentiment_lstm.inference.streaming import Step, turning_points
from sentiment_lstm.interpret.explain import Explanation, segments
from sentiment_lstm.records import Prediction

_MOVED = 0.1
"""A token that moves the running probability this far has it shown."""
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What acts on a terminal, or cannot be written to it."""
_HEADLINES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "macro_recall": "macro recall",
    "roc_auc": "ROC-AUC",
    "log_loss": "log-loss (nats)",
    "ece": "calibration error",
}


class Grid(NamedTuple):
    """A table in words, for a terminal or a page; its first column names the rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def show(table: Table) -> None:
    """Print a table as wide as the terminal; elsewhere 120 characters."""
    console = Console()
    if not console.is_terminal:
        console.width = 120
    console.print(table)


def predictions(texts: Iterable[str], found: Iterable[Prediction]) -> None:
    """A row a text: label (a dash where the model abstains), score, share of unknown words."""
    table = Table("label", "score", "unknown", "text")
    for text, one in zip(texts, found, strict=True):
        shown = text if len(text) <= 200 else f"{text[:197]}..."
        table.add_row(
            _text(one.label or "-"), f"{one.score:.3f}", f"{one.unknown:.0%}", _text(shown)
        )
    show(table)


def reading(steps: Iterable[Step]) -> None:
    """A text as it is read, coloured by the last class's running probability.

    The probability stands behind each token that moved it by a tenth; below, the verdict and where
    it turned.
    """
    console, end = Console(), 0
    seen: list[Step] = []
    for step in steps:
        share = float(step.probabilities[-1])
        gap = " " if seen and step.start > end else ""
        moved = f" {share:.2f}" if not seen or abs(step.change) >= _MOVED else ""
        console.print(
            _text(gap), _text(step.text, _shade(share)), _text(moved, "dim"), sep="", end=""
        )
        end = step.end
        seen.append(step)
    last = seen[-1]
    console.print(f"\n{last.label} {last.score:.3f}", highlight=False, markup=False)
    for place in turning_points([step.label for step in seen]):
        step = seen[place]
        said = f"turned {step.label} at {step.text!r}, character {step.start}"
        console.print(said, highlight=False, markup=False)


def _shade(share: float) -> str:
    """Red at 0, grey at one half, green at 1: light enough for both kinds of terminals."""
    far = round(110 * abs(2 * share - 1))
    red, green = (130, 130 + far // 2) if share > 0.5 else (130 + far, 130 - far // 2)
    return f"rgb({red},{green},{130 - far // 2})"


def explanation(found: Explanation) -> None:
    """A text coloured by what its words speak for, then the words that moved its score furthest."""
    console, shown = Console(), Text()
    for part in segments(found):
        share = {"": 0.5, "first": 0.5 - part["strength"] / 2, "second": 0.5 + part["strength"] / 2}
        style = f"bold {_shade(share[part['towards']])}" if part["towards"] else ""
        shown.append(_text(part["text"], style))
    console.print(shown, soft_wrap=True)
    less = f" less {found.against}" if found.against else ""
    said = f"{found.label}{less} {found.score:.3f}, {found.baseline_score:.3f} without any word"
    error = found.completeness_error
    exact = "" if error is None else f"; the words add up to the difference within {error:.4f}"
    console.print(f"{said}{exact}", highlight=False, markup=False, soft_wrap=True)
    table = Table("word", "moved the score", "speaks for", title=f"by {found.method}")
    for one in found.strongest():
        side = _text(found.sides[found.side(one.attribution)])
        table.add_row(_text(one.text), f"{one.attribution:+.3f}", side)
    show(table)


def _text(found: str, style: str = "") -> Text:
    """A text that does to a terminal what letters do: no control characters, no turned lines."""
    return Text(_UNSAFE.sub("\ufffd", found), style)


def scores(values: Mapping[str, Any]) -> None:
    """What `evaluate` measured: headlines, coverage, confusion, lengths, worst mistakes."""
    title = f"{values['data']}, {values['split']}"
    low, high = values["accuracy_interval"]
    table = Table("measure", "value", title=_text(f"{title}: {values['n']:,} texts"))
    for name, label in _HEADLINES.items():
        number = "undefined" if values[name] is None else f"{values[name]:.4f}"
        interval = f"  (95%: {low:.4f} to {high:.4f})" if name == "accuracy" else ""
        table.add_row(label, number + interval)
    for reason, count in values["set_aside"].items():
        table.add_row(f"set aside: {reason}", f"{count:,}")
    show(table)
    _coverage(values)
    _confusion(values)
    _lengths(values)
    _slices(values)
    _mistakes(values)


def grid(given: Grid) -> None:
    """A table as it was put into words."""
    table = Table(*map(escape, given.head), title=_text(given.title))
    for row in given.rows:
        table.add_row(*map(_text, row))
    show(table)


def counts(values: Mapping[str, Any], title: str) -> None:
    """Nested counts, a row each."""
    table = Table("what", "count", title=_text(title))
    for name, value in values.items():
        if isinstance(value, Mapping):
            for key, number in value.items():
                table.add_row(_text(f"{name}: {key}"), _number(number))
        else:
            table.add_row(name, _number(value))
    show(table)


def phases(rows: Sequence[Mapping[str, Any]]) -> None:
    """Phase 1 and phase 2 side by side: a row a measure, a column a phase."""
    table = Table("measure", *(row["phase"] for row in rows))
    for name in [name for name in rows[0] if name != "phase"]:
        table.add_row(name.replace("_", " "), *(_number(row[name]) for row in rows))
    show(table)


def side_by_side(found: Mapping[str, Any]) -> None:
    """Runs compared: a column a run, a row a setting that differs or a number."""
    table = Table("what", *map(escape, found["runs"]), title="differing settings, then numbers")
    for name in ("settings", "numbers"):
        for what, row in found[name].items():
            named = what if name == "settings" else what.replace("_", " ")
            table.add_row(_text(named), *(_text(setting(value)) for value in row))
        table.add_section()
    for what, row in found["behaviour"].items():
        rates = ("" if rate is None else f"{rate:.1%}" for rate in row)
        table.add_row(_text(f"failing: {what}"), *rates)
    show(table)


def trials(rows: Sequence[Mapping[str, Any]], best: int) -> None:
    """A row a trial of a search: how its settings differ from the first's, and what came of it."""
    title = f"{len(rows)} trials, {best} is the best; settings differ from trial 1's where named"
    table = Table("trial", "settings", "epochs", "log-loss", "accuracy", "seconds", "", title=title)
    first = rows[0]["settings"]
    for row in rows:
        differ = [f"{n.partition('.')[2]} {v}" for n, v in row["settings"].items() if v != first[n]]
        measured = [row["validation_loss"], row["validation_accuracy"]]
        numbers = ["-" if value is None else f"{value:.4f}" for value in measured]
        outcome = "best" if row["trial"] == best else row["outcome"]
        ends = (_number(row["seconds"]), outcome)
        table.add_row(str(row["trial"]), ", ".join(differ), str(row["epochs"]), *numbers, *ends)
    show(table)


def behaviour(results: Sequence[CapabilityResult]) -> None:
    """A row a capability: cases, failures, the rate against its limit; then some failures."""
    table = Table("capability", "kind", "cases", "failures", "rate", "limit", "")
    for one in results:
        numbers = (f"{one.cases:,}", f"{one.failures:,}", f"{one.failure_rate:.1%}")
        said = "ok" if one.within_limit else "over"
        table.add_row(_text(one.capability), one.kind, *numbers, f"{one.limit:.0%}", said)
    show(table)
    _failures(results)


def graphs(found: Mapping[str, Mapping[str, float]]) -> None:
    """Each graph's size, and the largest differences of a probability that its check found."""
    table = Table("graph", "bytes", "from torch", "alone or in a batch", "whole or in pieces")
    for name, values in found.items():
        shown = [f"{values[k]:.1e}" if k in values else "" for k in ("torch", "alone", "pieces")]
        table.add_row(name, f"{values['bytes']:,}", *shown)
    show(table)


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str("" if value is None else value)


def _coverage(values: Mapping[str, Any]) -> None:
    """A column a threshold; the one asked for comes first."""
    asked = [values["abstain"]] if values["abstain"]["threshold"] else []
    usual = [row for row in values["coverage_curve"] if row not in asked]
    rows = [*asked, *usual]
    table = Table("abstaining below", *(f"{row['threshold']:g}" for row in rows))
    for name in ("coverage", "accuracy"):
        shares = [row[name] for row in rows]
        table.add_row(name, *("-" if share is None else f"{share:.1%}" for share in shares))
    show(table)


def _confusion(values: Mapping[str, Any]) -> None:
    classes = values["classes"]
    table = Table("true \\ predicted", *map(escape, classes))
    for name, row in zip(classes, values["confusion"], strict=True):
        table.add_row(_text(name), *(f"{n:,}" for n in row))
    show(table)


def _lengths(values: Mapping[str, Any]) -> None:
    table = Table("tokens", "texts", "accuracy")
    for row in values["accuracy_by_length"]:
        table.add_row(row["tokens"], f"{row['n']:,}", _number(row["accuracy"]))
    show(table)


def _slices(values: Mapping[str, Any]) -> None:
    for column, rows in values["slices"].items():
        table = Table(escape(column), "texts", "accuracy", "95% interval")
        for row in rows:
            name = f"{row['joined']} other values" if row["value"] is None else row["value"]
            low, high = row["interval"]
            bounds = f"{low:.3f} to {high:.3f}"
            table.add_row(_text(name), f"{row['n']:,}", _number(row["accuracy"]), bounds)
        show(table)


def _failures(results: Sequence[CapabilityResult]) -> None:
    """The examples, each text after its probability of `positive`."""
    table = Table("capability", "expected", "failing examples, and how positive they were found")
    for result in results:
        for one in result.examples:
            pairs = zip(one.scores, one.texts, strict=True)
            lines = "\n".join(f"{score:.3f}  {text[:160]}" for score, text in pairs)
            table.add_row(_text(result.capability), one.expected, _text(lines))
    show(table)


def _mistakes(values: Mapping[str, Any]) -> None:
    table = Table("true", "predicted", "score", "most confident mistakes")
    for row in values["mistakes"]:
        table.add_row(
            _text(row["true"]),
            _text(row["predicted"]),
            f"{row['score']:.3f}",
            _text(row["text"][:160]),
        )
    show(table)
