"""Several trained models on one page: what differs between them, and what came of it.

Knows settings and numbers by name; no model, no source, no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentiment_lstm.evaluation import bootstrap, charts
from sentiment_lstm.evaluation.report import Row, Training, bars, percent
from sentiment_lstm.pages import render
from sentiment_lstm.setting_names import flattened

MEASURES = ("accuracy", *bootstrap.MEASURES)
_PREFIX = "measured "
_CURVES = {
    "loss": ("Loss on training batches", "loss (nats)"),
    "validation_loss": ("Loss on validation, after each epoch", "loss (nats)"),
    "validation_accuracy": ("Accuracy on validation, after each epoch", "accuracy"),
    "grad_norm": ("Norm of the gradient before it is capped", "gradient norm"),
}
"""Numbers of a history that are drawn: what they are, and their unit."""


@dataclass(frozen=True, slots=True)
class Run:
    """One of the models.

    `sizes`: parameters and stored bytes. `metrics`: the content of `metrics.json`. `measured`: as
    `inference.measuring.measure` gives it, on the same texts for all; None: on none.
    """

    name: str
    training: Training
    sizes: Mapping[str, int]
    metrics: Row
    measured: Row | None = None


def side_by_side(runs: Sequence[Run]) -> dict[str, Any]:
    """What differs and what was measured, as JSON holds it.

    Returns:
        `runs`, their names; `settings` (those that differ, by name), `numbers` (by name; measured
        ones are named so) and `behaviour` (failure rate by capability, where it is stored): a value
        a run each, None where a run has none.
    """
    return {
        "runs": [run.name for run in runs],
        "settings": _rows(runs, lambda run: _flat(run.training.settings), differing=True),
        "numbers": _rows(runs, _numbers),
        "behaviour": _rows(runs, _failure_rates),
    }


def same_validation(runs: Sequence[Run]) -> bool:
    """Whether all runs kept the same texts for validation, so that their numbers compare."""
    kept = [_deciding(run.training.settings) for run in runs]
    return all(one == kept[0] for one in kept)


def comparison_page(runs: Sequence[Run]) -> str:
    """Write the page: HTML that needs nothing else.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
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


def shown(value: object) -> str:
    """A value as a table has it; a dash where there is none."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _rows(
    runs: Sequence[Run], values: Callable[[Run], Mapping[str, Any]], *, differing: bool = False
) -> dict[str, list[Any]]:
    """A row a name that any run has: the runs' values."""
    every = [values(run) for run in runs]
    names = list(dict.fromkeys(name for one in every for name in one))
    rows = {name: [one.get(name) for one in every] for name in names}
    same = {name for name, row in rows.items() if all(value == row[0] for value in row)}
    return {name: row for name, row in rows.items() if not (differing and name in same)}


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in flattened(settings).items()}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A setting as a table has it: maps and lists in a line, further sources by their names."""
    if isinstance(value, Mapping):
        return (
            str(value["source"])
            if "source" in value
            else ", ".join(f"{key}={one}" for key, one in value.items())
        )
    return ", ".join(str(_plain(one)) for one in value) if isinstance(value, list) else value


def _deciding(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide which texts validate; what classes are called does not."""
    found = {name: value for name, value in flattened(settings).items() if _decides(name)}
    labels = settings.get("data", {}).get("label_map") or {}
    classes = list(dict.fromkeys(labels.values()))
    return found | {"data.label_map": {label: classes.index(labels[label]) for label in labels}}


def _decides(name: str) -> bool:
    return name == "training.seed" or (name.startswith("data.") and name != "data.weight")


def _numbers(run: Run) -> dict[str, float | int]:
    stored = {n: v for n, v in run.metrics.items() if isinstance(v, int | float)}
    measured = run.measured or {}
    told = {f"{_PREFIX}{name}": measured[name] for name in MEASURES if name in measured}
    return {**run.sizes, **stored, **told}


def _capabilities(run: Run) -> Sequence[Row]:
    found: Sequence[Row] = run.metrics.get("behaviour", ())
    return found


def _failure_rates(run: Run) -> dict[str, float]:
    return {row["capability"]: row["failure_rate"] for row in _capabilities(run)}


def _accuracy(runs: Sequence[Run]) -> dict[str, Any] | None:
    """The runs' accuracies on the same texts, with intervals to draw."""
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
    return {"title": f"{first['data']}, {first['split']}", **bars(rows)}


def _curves(runs: Sequence[Run]) -> dict[str, str]:
    """Histories over each other: what is drawn -> SVG."""
    found = {}
    for key, (caption, unit) in _CURVES.items():
        curves = {run.name: _history(run, key) for run in runs}
        curves = {name: points for name, points in curves.items() if points}
        if curves:
            parts = ({}, curves) if key.startswith("validation") else (curves, {})
            found[caption] = charts.updates(*parts, unit, caption)
    return found


def _history(run: Run, key: str) -> list[tuple[float, float]]:
    return [(row["step"], row[key]) for row in run.training.history if key in row]
