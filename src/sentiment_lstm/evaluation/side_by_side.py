"""Compares trained models: their different settings and their results, as a table and as a page.

Knows settings, numbers and sources by name. Opens no model, source or file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sentiment_lstm.evaluation import bootstrap, charts
from sentiment_lstm.evaluation.by_class import NUMBER_MEASURES
from sentiment_lstm.evaluation.report import Row, Training, bars, percent
from sentiment_lstm.pages import render
from sentiment_lstm.provenance import bundle_name, source_name, with_names
from sentiment_lstm.setting_names import flattened

MEASURES = ("accuracy", *bootstrap.MEASURES)
_PREFIX = "measured "
_CURVES = {
    "loss": ("Loss on training batches", "loss (nats)"),
    "validation_loss": ("Loss on validation, after each epoch", "loss (nats)"),
    "validation_accuracy": ("Accuracy on validation, after each epoch", "accuracy"),
    "grad_norm": ("Norm of the gradient before clipping", "gradient norm"),
}
"""The plotted numbers of a history: caption and unit."""


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A file or folder as far as it is known.

    `name`: without a path. `path`: in full. `sha256`: as recorded. The last two may be empty.
    """

    name: str
    path: str = ""
    sha256: str = ""

    def may_be(self, other: KnownSource) -> bool:
        """Whether two sources are the same: by hash, else by path, else by name."""
        if self.sha256 and other.sha256:
            return self.sha256 == other.sha256
        if self.path and other.path:
            return self.path == other.path
        return self.name == other.name


@dataclass(frozen=True, slots=True)
class Run:
    """One of the compared models.

    `training.settings` may hold paths. `sizes`: parameters and stored bytes. `metrics`: the content
    of `metrics.json`. `measured`: the result of `measuring.measure` on the same texts for all
    models, or None. `sources`: what is known about each source and model that the settings name.
    """

    name: str
    training: Training
    sizes: Mapping[str, int]
    metrics: Row
    measured: Row | None = None
    sources: Mapping[str, KnownSource] = field(default_factory=dict)


def side_by_side(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the different settings and all results, as plain values for JSON.

    Returns:
        `runs`: the names of the runs. `settings` (those that differ), `numbers` and `behaviour`
        (failure rates by capability): name -> one value per run, None if a run has none. Numbers
        that were measured now start with "measured". Sources have no paths; if different files have
        one name, a number follows it.
    """
    labels = _labels(runs)
    return {
        "runs": [run.name for run in runs],
        "settings": _rows(runs, lambda run: _formatted_settings(run, labels), differing=True),
        "numbers": _rows(runs, _numbers),
        "behaviour": _rows(runs, _failure_rates),
    }


def same_validation(runs: Sequence[Run]) -> bool:
    """Whether all runs have the same validation texts, so that their numbers are comparable."""
    numbers = _file_numbers(runs)
    splits = [_validation_settings(run, numbers) for run in runs]
    return all(split == splits[0] for split in splits)


def comparison_page(runs: Sequence[Run]) -> str:
    """Return the page: HTML that needs no other file.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    runs = _with_short_names(runs)
    table = side_by_side(runs)
    limits = {c["capability"]: c["limit"] for run in runs for c in _capabilities(run)}
    return render(
        "comparison.html",
        table=table,
        limits=limits,
        percent=percent,
        shown=shown,
        comparable=same_validation(runs),
        accuracy=_accuracy(runs),
        curves=_curves(runs),
    )


def _with_short_names(runs: Sequence[Run]) -> Sequence[Run]:
    """Leave out the folders of runs that are named by a full path, unless names become equal."""
    names = [bundle_name(run.name) if Path(run.name).is_absolute() else run.name for run in runs]
    if len(set(names)) < len({run.name for run in runs}):
        return runs
    return [replace(run, name=name) for run, name in zip(runs, names, strict=True)]


def shown(value: object) -> str:
    """Format a value for a table; None becomes a dash."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _rows(
    runs: Sequence[Run], values: Callable[[Run], Mapping[str, Any]], *, differing: bool = False
) -> dict[str, list[Any]]:
    """Return the runs' values for each name that any run has."""
    columns = [values(run) for run in runs]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = {name: [column.get(name) for column in columns] for name in names}
    same = {name for name, row in rows.items() if all(value == row[0] for value in row)}
    return {name: row for name, row in rows.items() if not (differing and name in same)}


def _file_numbers(runs: Sequence[Run]) -> dict[KnownSource, int]:
    """Number the sources of all runs; those that may be the same file have the same number."""
    groups: list[list[KnownSource]] = []
    for source in dict.fromkeys(source for run in runs for source in run.sources.values()):
        group = next((group for group in groups if all(map(source.may_be, group))), None)
        if group is None:
            groups.append([source])
        else:
            group.append(source)
    return {source: number for number, group in enumerate(groups) for source in group}


def _labels(runs: Sequence[Run]) -> dict[KnownSource, str]:
    """Return each source's name; if several files have it, a number follows: `a.csv (2)`."""
    numbers = _file_numbers(runs)
    labels = {}
    for source, number in numbers.items():
        namesakes = sorted({n for other, n in numbers.items() if other.name == source.name})
        suffix = f" ({namesakes.index(number) + 1})" if len(namesakes) > 1 else ""
        labels[source] = source.name + suffix
    return labels


def _formatted_settings(run: Run, labels: Mapping[KnownSource, str]) -> dict[str, Any]:
    names = {written: labels[source] for written, source in run.sources.items()}
    settings = with_names(run.training.settings, names)
    return {name: _format_setting(value) for name, value in flattened(settings).items()}


def _format_setting(value: Any) -> Any:  # noqa: ANN401
    """Format a setting: maps and lists on one line, further sources by their names."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key}={item}" for key, item in value.items())
        return str(value.get("source", pairs))
    if isinstance(value, list):
        return ", ".join(str(_format_setting(item)) for item in value)
    return value


def _validation_settings(run: Run, numbers: Mapping[KnownSource, int]) -> dict[str, Any]:
    """Return the settings that decide which texts validate, with files by their numbers.

    Class names do not matter.
    """

    def file(written: str) -> int | str:
        return numbers[run.sources[written]] if written in run.sources else written

    settings = run.training.settings
    kept = {name: value for name, value in flattened(settings).items() if _decides_split(name)}
    data = settings.get("data", {})
    labels = data.get("label_map") or {}
    classes = list(dict.fromkeys(labels.values()))
    return kept | {
        "data.source": file(data.get("source", "")),
        "data.exclude": [file(excluded) for excluded in data.get("exclude", ())],
        "data.label_map": {label: classes.index(labels[label]) for label in labels},
        # A single trial leaves out the validation texts, several share all texts.
        "training.trials": max(1, settings.get("training", {}).get("trials", 1)),
    }


def _decides_split(name: str) -> bool:
    return name == "training.seed" or (name.startswith("data.") and name != "data.weight")


def _numbers(run: Run) -> dict[str, float | int]:
    stored = {n: v for n, v in run.metrics.items() if isinstance(v, int | float)}
    measured = run.measured or {}
    names = [*MEASURES, *(name for name in NUMBER_MEASURES if measured.get(name) is not None)]
    if measured.get("multi_label"):
        names += ["micro_f1", "macro_f1"]
    now = {f"{_PREFIX}{name}": measured[name] for name in names if name in measured}
    return {**run.sizes, **stored, **now}


def _capabilities(run: Run) -> Sequence[Row]:
    rows: Sequence[Row] = run.metrics.get("behaviour", ())
    return rows


def _failure_rates(run: Run) -> dict[str, float]:
    return {row["capability"]: row["failure_rate"] for row in _capabilities(run)}


def _accuracy(runs: Sequence[Run]) -> dict[str, Any] | None:
    """Return the runs' accuracies on the same texts, with intervals to draw."""
    rows = [
        {
            "value": run.name,
            "n": run.measured["n"],
            "accuracy": run.measured["accuracy"],
            "interval": run.measured["accuracy_interval"],
        }
        for run in runs
        if run.measured
    ]
    if not rows:
        return None
    first = next(run.measured for run in runs if run.measured)
    return {"title": f"{source_name(first['data'])}, {first['split']}", **bars(rows)}


def _curves(runs: Sequence[Run]) -> dict[str, str]:
    """Plot the histories of all runs together: caption -> SVG."""
    plots = {}
    for key, (caption, unit) in _CURVES.items():
        curves = {run.name: _history(run, key) for run in runs}
        curves = {name: points for name, points in curves.items() if points}
        if curves:
            parts = ({}, curves) if key.startswith("validation") else (curves, {})
            plots[caption] = charts.updates(*parts, unit, caption)
    return plots


def _history(run: Run, key: str) -> list[tuple[float, float]]:
    return [(row["step"], row[key]) for row in run.training.history if key in row]
