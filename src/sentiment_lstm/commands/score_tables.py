"""Prints the results of `evaluate` as tables on standard output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sentiment_lstm.commands.tables import Table, format_number, show
from sentiment_lstm.wording import MOST_SHOWN

_OF_PROBABILITIES = {
    "roc_auc": "ROC-AUC",
    "log_loss": "log-loss (nats)",
    "ece": "calibration error",
}
_OF_TWO_CLASSES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "macro_recall": "macro recall",
    **_OF_PROBABILITIES,
}
_OF_MANY_CLASSES = {
    "precision": "macro precision",
    "macro_recall": "macro recall",
    "f1": "macro F1",
    **_OF_PROBABILITIES,
}
_OF_LABELS = {
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "micro_precision": "micro precision",
    "micro_recall": "micro recall",
    "labels_per_text": "labels per text",
    "predicted_per_text": "predicted labels per text",
    "log_loss": "log-loss (nats)",
    "ece": "calibration error",
}
"""Measures where a text may have several labels."""
_OF_NUMBERS = {
    "mean_absolute_error": "mean absolute error",
    "within_one": "off by at most one",
}
"""Measures of classes that are numbers. Other classes have none."""
_WIDTH = 90
"""The most characters that the names of a table's columns may have together."""


def scores(values: Mapping[str, Any]) -> None:
    """Print the results of `evaluate`: measures, coverage, classes, lengths, worst mistakes."""
    _measures(values)
    if values.get("multi_label"):
        _weakest_classes(values)
        _lengths(values)
        _slices(values)
        _mistakes(values)
        return
    _coverage(values)
    _out_of_scope(values)
    if len(values["classes"]) > MOST_SHOWN:
        _confused_pairs(values)
        _weakest_classes(values)
    else:
        _confusion(values)
    _lengths(values)
    _slices(values)
    _mistakes(values)


def _measures(values: Mapping[str, Any]) -> None:
    title = f"{values['data']}, {values['split']}"
    table = Table("measure", "value", title=f"{title}: {values['n']:,} texts")
    for label, number in _numbers(values):
        table.add_row(label, number)
    for reason, count in values["set_aside"].items():
        table.add_row(f"set aside: {reason}", f"{count:,}")
    show(table)


def _numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the measures, accuracy first."""
    low, high = values["accuracy_interval"]
    accuracy = f"{values['accuracy']:.4f}  (95%: {low:.4f} to {high:.4f})"
    if values.get("multi_label"):
        for name, label in _OF_LABELS.items():
            yield label, f"{values[name]:.4f}"
        yield "all labels right", accuracy
        return
    yield "accuracy", accuracy
    for name, label in _OF_NUMBERS.items():
        if values[name] is not None:
            yield label, f"{values[name]:.4f}"
    names = _OF_TWO_CLASSES if len(values["classes"]) == 2 else _OF_MANY_CLASSES
    for name, label in names.items():
        yield label, "undefined" if values[name] is None else f"{values[name]:.4f}"


def _coverage(values: Mapping[str, Any]) -> None:
    """Print a column per threshold. The user's threshold comes first."""
    asked = [values["abstain"]] if values["abstain"]["threshold"] else []
    usual = [row for row in values["coverage_curve"] if row not in asked]
    rows = [*asked, *usual]
    table = Table("abstaining below", *(f"{row['threshold']:g}" for row in rows))
    for name in ("coverage", "accuracy"):
        fractions = [row[name] for row in rows]
        table.add_row(name, *("-" if f is None else f"{f:.1%}" for f in fractions))
    show(table)


def _out_of_scope(values: Mapping[str, Any]) -> None:
    """Print how many texts that belong to no class stay unlabelled: a column per threshold."""
    result = values["out_of_scope"]
    if result is None:
        return
    title = f"{result['data']}: {result['n']:,} texts of no class, ROC-AUC {result['roc_auc']:.4f}"
    curve = result["curve"]
    table = Table("abstaining below", *(f"{row['threshold']:g}" for row in curve), title=title)
    table.add_row("texts of no class: unlabelled", *(f"{row['unlabelled']:.1%}" for row in curve))
    table.add_row("texts of the classes: labelled", *(f"{row['kept']:.1%}" for row in curve))
    show(table)


def _confusion(values: Mapping[str, Any]) -> None:
    """Print the matrix. If the names of the classes are too long for columns, number them."""
    names = list(values["classes"])
    columns = names
    if sum(map(len, names)) > _WIDTH:
        columns = [str(number) for number in range(1, len(names) + 1)]
        names = [f"{number} {name}" for number, name in zip(columns, names, strict=True)]
    table = Table("true \\ predicted", *columns)
    for name, row in zip(names, values["confusion"], strict=True):
        table.add_row(name, *(f"{n:,}" for n in row))
    show(table)


def _confused_pairs(values: Mapping[str, Any]) -> None:
    pairs: Sequence[Mapping[str, Any]] = values["confused_pairs"]
    if not pairs:
        return
    table = Table("true", "predicted", "texts", title="the most confused classes")
    for row in pairs:
        texts = f"{row['count']:,} of {row['of']:,}"
        table.add_row(row["true"], row["predicted"], texts)
    show(table)


def _weakest_classes(values: Mapping[str, Any]) -> None:
    rows = values["per_class"]
    weakest = [row for row in rows if row["n"]][:MOST_SHOWN]
    title = f"the {len(weakest)} weakest of {len(rows):,} classes (--json lists all)"
    if len(weakest) == len(rows):
        title = "all classes, the weakest first"
    of_labels = ["threshold", "ece"] if values.get("multi_label") else []
    heads = ["threshold", "calibration error"] if of_labels else []
    table = Table("class", "F1", "precision", "recall", "texts", "predicted", *heads, title=title)

    def numbers(row: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
        return ("-" if row[name] is None else f"{row[name]:.3f}" for name in names)

    for row in weakest:
        counts = f"{row['n']:,}", f"{row['predicted']:,}"
        measures = numbers(row, ("f1", "precision", "recall"))
        table.add_row(row["class"], *measures, *counts, *numbers(row, of_labels))
    show(table)


def _lengths(values: Mapping[str, Any]) -> None:
    table = Table("tokens", "texts", "accuracy")
    for row in values["accuracy_by_length"]:
        table.add_row(row["tokens"], f"{row['n']:,}", format_number(row["accuracy"]))
    show(table)


def _slices(values: Mapping[str, Any]) -> None:
    for column, rows in values["slices"].items():
        table = Table(column, "texts", "accuracy", "95% interval")
        for row in rows:
            name = f"{row['joined']} other values" if row["value"] is None else row["value"]
            low, high = row["interval"]
            bounds = f"{low:.3f} to {high:.3f}"
            table.add_row(name, f"{row['n']:,}", format_number(row["accuracy"]), bounds)
        show(table)


def _mistakes(values: Mapping[str, Any]) -> None:
    table = Table("true", "predicted", "score", "most confident mistakes")
    for row in values["mistakes"]:
        table.add_row(
            _joined(row["true"]),
            _joined(row["predicted"]),
            f"{row['score']:.3f}",
            row["text"][:160],
        )
    show(table)


def _joined(labels: str | Sequence[str]) -> str:
    """A label, or several with commas; a dash for none."""
    return labels if isinstance(labels, str) else ", ".join(labels) or "-"
