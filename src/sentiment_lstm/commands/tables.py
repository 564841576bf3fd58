"""Prints results as tables on standard output. This file does not use a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich import table as rich_table
from rich.console import Console, OverflowMethod
from rich.text import Text

from sentiment_lstm.commands.output import ResultConsole
from sentiment_lstm.evaluation.behaviour import CapabilityResult
from sentiment_lstm.evaluation.polarity import CLASSES, Poles, polarity_of
from sentiment_lstm.evaluation.side_by_side import shown as setting
from sentiment_lstm.inference.streaming import Step, turning_points
from sentiment_lstm.interpret.explain import Attribution, Explanation, segments
from sentiment_lstm.records import Prediction
from sentiment_lstm.text.familiarity_scores import UNFAMILIAR_BELOW
from sentiment_lstm.wording import MOST_SHOWN, printable

_MOVED = 0.1
"""The running number is shown after a token that changes it by at least this much."""


class Grid(NamedTuple):
    """A table of strings for a terminal or a page. Its first column names the rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Table(rich_table.Table):
    """A table of strings. They are made printable, and are never interpreted as markup.

    A cell may have several lines.
    """

    def __init__(
        self, *head: str, title: str | None = None, overflow: OverflowMethod = "ellipsis"
    ) -> None:
        super().__init__(title=None if title is None else Text(printable(title)))
        for name in head:
            self.add_column(Text(printable(name)), overflow=overflow)

    def add_row(self, *cells: str) -> None:  # type: ignore[override]
        """Add a row of strings."""
        super().add_row(*map(safe_text, cells))


def show(table: Table) -> None:
    """Print a table with the width of the terminal, or with 120 characters elsewhere."""
    console = ResultConsole()
    if not console.is_terminal:
        console.width = 120
    console.print(table)


def predictions(
    texts: Iterable[str], predicted: Iterable[Prediction], poles: Poles | None = None
) -> None:
    """Print a row per text: labels (a dash without any), scores, unknown tokens, text.

    If the model gives no label, the score is the highest probability. An empty text has neither.
    With `poles`, the class indices of negative and positive, there is a column `polarity`. If a
    text is unfamiliar, a column `note` says so.
    """
    rows = list(zip(texts, predicted, strict=True))
    notes = [_note(prediction) for _, prediction in rows]
    polar, noted = ["polarity"] if poles else [], ["note"] if any(notes) else []
    table = Table("label", "score", *polar, "unknown", *noted, "text")
    for (text, prediction), note in zip(rows, notes, strict=True):
        start = text if len(text) <= 200 else f"{text[:197]}..."
        label = "\n".join(map(printable, prediction.labels)) or "-"
        scores = prediction.scores or (prediction.score,)
        score = "\n".join(f"{score:.3f}" for score in scores if score is not None)
        label = label if score else ""
        of_two = [f"{polarity_of(prediction.probabilities, poles):.3f}"] if poles else []
        written = [note] if noted else []
        table.add_row(label, score, *of_two, f"{prediction.unknown:.0%}", *written, start)
    show(table)


def _note(prediction: Prediction) -> str:
    familiarity = prediction.familiarity
    return "unfamiliar" if familiarity is not None and familiarity < UNFAMILIAR_BELOW else ""


def reading(
    steps: Iterable[Step], number_of: Callable[[Step], float], *, several: bool = False
) -> None:
    """Print a text while it is read, coloured by a running number.

    The number is printed after the first token, and after a token that changes it by at least 0.1.
    The last lines give the label and the words where it changed. If a text may have
    several labels, the labels are printed after each token that changes them.

    Args:
        steps: the steps of the text.
        number_of: from 0 (red) to 1 (green).
        several: whether a text may have several labels.
    """
    console, end, last = ResultConsole(), 0, 0.0
    read: list[Step] = []
    for step in steps:
        number = number_of(step)
        gap = " " if read and step.start > end else ""
        mark = ""
        if several and step.names != (read[-1].names if read else ""):
            mark = f" ({_with_scores(step, 2)})"
        elif not several and (not read or abs(number - last) >= _MOVED):
            mark = f" {number:.2f}"
        console.print(
            safe_text(gap),
            safe_text(step.text, _shade(number)),
            Text(printable(mark), "dim"),
            sep="",
            end="",
        )
        end, last = step.end, number
        read.append(step)
    console.print()
    _print_line(console, _with_scores(read[-1], 3))
    for index in turning_points([step.names for step in read]):
        step = read[index]
        _print_line(console, f"turned {step.names} at {step.text!r}, character {step.start}")


def _print_line(console: Console, line: str) -> None:
    console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


def _with_scores(step: Step, digits: int) -> str:
    """Return the labels, each with its probability; without labels, the highest probability."""
    if step.score is None:
        return "no label, the text is empty"
    pairs = zip(step.labels, step.scores, strict=True)
    labels = ", ".join(f"{label} {score:.{digits}f}" for label, score in pairs)
    return labels or f"no label, highest probability {step.score:.{digits}f}"


def _shade(probability: float) -> str:
    """Return red for 0, grey for 0.5 and green for 1, readable on light and dark terminals."""
    tint = round(110 * abs(2 * probability - 1))
    red, green = (130, 130 + tint // 2) if probability > 0.5 else (130 + tint, 130 - tint // 2)
    return f"rgb({red},{green},{130 - tint // 2})"


def explanation(why: Explanation) -> None:
    """Print a text coloured by its words' attributions, then the strongest phrases and words."""
    console, coloured = ResultConsole(), Text()
    for part in segments(why):
        half = part["strength"] / 2
        hue = {"": 0.5, "first": 0.5 - half, "second": 0.5 + half}[part["towards"]]
        coloured.append(safe_text(part["text"], f"bold {_shade(hue)}" if part["towards"] else ""))
    console.print(coloured, soft_wrap=True)
    less = f" less {why.against}" if why.against else ""
    without = (
        "for function words alone" if why.method == "contextual gradients" else "without any word"
    )
    scores = f"{why.label}{less} {why.score:.3f}, {why.baseline_score:.3f} {without}"
    if why.is_empty:
        scores = f"no label, the text is empty; {why.label} {why.baseline_score:.3f} without words"
    error = why.completeness_error
    exact = "" if error is None else f"; the words add up to the difference within {error:.4f}"
    _print_line(console, f"{scores}{exact}")
    if len(why.phrases) > 1:
        _print_attributions("phrase", why.strongest_phrases(), why)
    _print_attributions("word", why.strongest(), why)


def _print_attributions(unit: str, parts: Sequence[Attribution], why: Explanation) -> None:
    if not parts:
        return
    table = Table(unit, "moved the score", "supports", title=f"by {why.method}")
    for part in parts:
        side = why.sides[why.side(part.attribution)]
        table.add_row(part.text, f"{part.attribution:+.3f}", side)
    show(table)


def safe_text(string: str, style: str = "") -> Text:
    """Return a printable text, perhaps of several lines."""
    return Text(printable(string, keep="\n\t"), style)


def grid(values: Grid) -> None:
    """Print a table of strings."""
    table = Table(*values.head, title=values.title)
    for row in values.rows:
        table.add_row(*row)
    show(table)


def counts(values: Mapping[str, Any], title: str) -> None:
    """Print nested counts, one per row. Of more than 20 counts in a group, print 20 and a sum."""
    table = Table("what", "count", title=title)
    for name, value in values.items():
        if isinstance(value, Mapping):
            for key, number in list(value.items())[:MOST_SHOWN]:
                table.add_row(f"{name}: {key}", format_number(number))
            if others := list(value.values())[MOST_SHOWN:]:
                label = f"{name}: {len(others):,} more (--json lists all)"
                table.add_row(label, format_number(sum(others)))
        else:
            table.add_row(name, format_number(value))
    show(table)


def phases(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print phase 1 and phase 2 side by side: a row per measure, a column per phase."""
    table = Table("measure", *(row["phase"] for row in rows))
    for name in [name for name in rows[0] if name != "phase"]:
        table.add_row(name.replace("_", " "), *(format_number(row[name]) for row in rows))
    show(table)


def side_by_side(comparison: Mapping[str, Any]) -> None:
    """Print a comparison of runs: a column per run, a row per different setting or number."""
    title = "differing settings, then numbers"
    table = Table("what", *comparison["runs"], title=title)
    for name in ("settings", "numbers"):
        for what, row in comparison[name].items():
            named = what if name == "settings" else what.replace("_", " ")
            table.add_row(named, *(setting(value) for value in row))
        table.add_section()
    for what, row in comparison["behaviour"].items():
        rates = ("" if rate is None else f"{rate:.1%}" for rate in row)
        table.add_row(f"failing: {what}", *rates)
    show(table)


def trials(rows: Sequence[Mapping[str, Any]], best: int) -> None:
    """Print a row per trial of a search: settings that differ from trial 1, and results."""
    title = (
        f"{len(rows)} trials, {best} is the best; the rows name settings that differ from trial 1"
    )
    table = Table("trial", "settings", "epochs", "log-loss", "accuracy", "seconds", "", title=title)
    first = rows[0]["settings"]
    for row in rows:
        differ = [f"{n.partition('.')[2]} {v}" for n, v in row["settings"].items() if v != first[n]]
        measured = [row["validation_loss"], row["validation_accuracy"]]
        numbers = ["-" if value is None else f"{value:.4f}" for value in measured]
        outcome = "best" if row["trial"] == best else row["outcome"]
        ends = (format_number(row["seconds"]), outcome)
        table.add_row(str(row["trial"]), ", ".join(differ), str(row["epochs"]), *numbers, *ends)
    show(table)


def behaviour(results: Sequence[CapabilityResult]) -> None:
    """Print a row per capability: cases, failures, rate and limit. Then print some failures."""
    table = Table("capability", "kind", "cases", "failures", "rate", "limit", "")
    for result in results:
        numbers = (f"{result.cases:,}", f"{result.failures:,}", f"{result.failure_rate:.1%}")
        outcome = "ok" if result.within_limit else "over"
        limit = f"{result.limit:.0%}"
        table.add_row(result.capability, result.kind, *numbers, limit, outcome)
    show(table)
    _failures(results)


def graphs(checked: Mapping[str, Mapping[str, float]]) -> None:
    """Print each graph's size and the largest differences of a probability in its checks."""
    table = Table("graph", "bytes", "from torch", "alone or in a batch", "whole or in pieces")
    for name, values in checked.items():
        cells = [f"{values[k]:.1e}" if k in values else "" for k in ("torch", "alone", "pieces")]
        table.add_row(name, f"{values['bytes']:,}", *cells)
    show(table)


def format_number(value: object) -> str:
    """Format a value for a table: floats with four digits, integers with commas."""
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str("" if value is None else value)


def _failures(results: Sequence[CapabilityResult]) -> None:
    """Print examples of failures: texts with their probability of `positive`, or of each class."""
    examples = [(result.capability, e) for result in results for e in result.examples]
    of = ", ".join(CLASSES) if any(e.probabilities for _, e in examples) else CLASSES[-1]
    table = Table("capability", "expected", f"failing examples, with their probability of {of}")
    for capability, example in examples:
        rows = example.probabilities or [(score,) for score in example.scores]
        lines = (
            f"{' '.join(f'{probability:.3f}' for probability in row)}  {text[:160]}"
            for row, text in zip(rows, example.texts, strict=True)
        )
        table.add_row(capability, example.expected, "\n".join(lines))
    show(table)
