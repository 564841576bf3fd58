"""The plots of a report: functions from plain numbers to an SVG element.

Curves differ by marks or line style as well as by colour. Fractions are shown in percent. Knows no
model and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import plots
from sentiment_lstm.plots import FIRST, SECOND

Row = Mapping[str, Any]
Steps = Mapping[str, Sequence[tuple[float, float]]]
"""Curves over the updates: name -> points (step, value)."""

_COLOURS = (SECOND, FIRST, "#3f9c5a", "#9a6bc4", "#a08420", "#808790")
_STYLES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)))
_MARKS = ("o", "s", "^", "D", "v", "P")
_MOST_POINTS = 150
"""A curve with more points is drawn through means of neighbouring points."""
_NAME = 28
_GUIDE = "#808790"
"""The colour of lines that only help to read."""


def reliability(rows: Sequence[Row], n: int) -> str:
    """Plot accuracy against confidence, and below it the number of texts.

    Args:
        rows: as `calibration.reliability_bins` returns them.
        n: the number of texts.
    """
    filled = [row for row in rows if row["share"]]
    least = min(row["above"] for row in filled)
    with plots.figure(height=3.8) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot([100 * least, 100], [100 * least, 100], ":", color=_GUIDE, label="ideal")
        points = np.array([(row["confidence"], row["accuracy"]) for row in filled]) * 100
        above.plot(points[:, 0], points[:, 1], "o-", color=SECOND, label="this model")
        above.legend(loc="upper left")
        above.set(ylabel="right (%)", ylim=(-3, 103))
        width = 100 * (rows[0]["up_to"] - rows[0]["above"])
        counts = [round(row["share"] * n) for row in filled]
        left = [100 * row["above"] for row in filled]
        below.bar(left, counts, width, align="edge", color=SECOND, edgecolor="none", alpha=0.6)
        below.set(xlabel="confidence (%)", ylabel="texts")
        return plots.svg(figure, "Reliability diagram: confidence against accuracy")


def coverage(rows: Sequence[Row]) -> str:
    """Plot the accuracy of the answered texts against their fraction, one point per threshold.

    Args:
        rows: as `calibration.coverage_curve` returns them; at least one has answered texts.
    """
    known = [row for row in rows if row["accuracy"] is not None]
    with plots.figure() as figure:
        axes = figure.subplots()
        points = np.array([(row["coverage"], row["accuracy"]) for row in known]) * 100
        axes.plot(points[:, 0], points[:, 1], "o-", color=SECOND)
        seen: set[tuple[float, float]] = set()
        for row, (x, y) in zip(known, points.tolist(), strict=True):
            if (x, y) not in seen:  # only the first threshold with these texts
                axes.annotate(f"{row['threshold']:g}", (x, y), (0, 6), textcoords="offset points")
            seen.add((x, y))
        axes.margins(0.1, 0.2)
        axes.set(xlabel="texts answered (%)", ylabel="right among them (%)")
        return plots.svg(figure, "Accuracy against coverage")


def roc(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """ROC curves, one or one a class.

    Args:
        curves: class -> (false positive rate, true positive rate).
    """
    with plots.figure(height=3.4) as figure:
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], ":", color=_GUIDE, label="by chance")
        for (name, points), look in zip(curves.items(), _looks(), strict=False):
            xy = np.array(points) * 100
            axes.plot(xy[:, 0], xy[:, 1], label=_legend_name(name), **look)
        axes.legend(loc="lower right")
        axes.set(xlabel="false positives (%)", ylabel="true positives (%)", aspect="equal")
        return plots.svg(figure, "ROC curve: true against false positives")


def lengths(rows: Sequence[Row]) -> str:
    """Plot accuracy by text length, with intervals.

    Args:
        rows: as `metrics.accuracy_by_length` returns them.
    """
    filled = [row for row in rows if row["n"]]
    with plots.figure() as figure:
        axes = figure.subplots()
        values = np.array([row["accuracy"] for row in filled]) * 100
        ends = np.array([row["interval"] for row in filled]).T * 100
        names = [row["tokens"] for row in filled]
        reach = np.abs(ends - values)
        axes.errorbar(names, values, yerr=reach, fmt="o", color=SECOND, capsize=4)
        axes.margins(x=0.15)
        axes.set(xlabel="length (tokens)", ylabel="right (%)")
        return plots.svg(figure, "Accuracy by length of text")


def updates(curves: Steps, epochs: Steps, unit: str, title: str) -> str:
    """Plot curves over the updates of a training.

    Args:
        curves: a point per update, drawn as lines, smoothed if there are many.
        epochs: a point per epoch, drawn with marks.
        unit: the label of the value axis.
        title: the plot's description for screen readers.
    """
    with plots.figure() as figure:
        axes = figure.subplots()
        looks = _looks()
        for (name, points), look in zip(curves.items(), looks, strict=False):
            steps, values = _smooth(points, np.mean)
            axes.plot(steps, values, label=_legend_name(name), alpha=0.9, **look)
        for (name, points), look, mark in zip(epochs.items(), looks, cycle(_MARKS), strict=False):
            steps, values = np.array(points).T
            axes.plot(steps, values, label=_legend_name(name), marker=mark, **look)
        names = [*curves, *epochs]
        columns = 2 if sum(map(len, names)) <= _NAME else 1
        figure.legend(loc="outside upper center", ncols=columns)
        axes.set(xlabel="update", ylabel=unit)
        return plots.svg(figure, title)


def gradients(points: Sequence[tuple[float, float]], limit: float | None) -> str:
    """Plot the gradient norm by update: median and maximum of neighbouring updates, and the cap.

    Args:
        points: pairs (step, norm before clipping).
        limit: norms above this are clipped; None if nothing is clipped.
    """
    with plots.figure() as figure:
        from matplotlib.ticker import LogLocator

        axes = figure.subplots()
        for name, how, style in (("highest", np.max, ":"), ("median", np.median, "-")):
            steps, values = _smooth(points, how)
            axes.plot(steps, values, style, color=SECOND, label=name)
        if limit:
            axes.axhline(limit, linestyle="--", color=FIRST, label=f"capped at {limit:g}")
        axes.set_yscale("log", subs=[])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        figure.legend(loc="outside upper center", ncols=3)
        axes.set(xlabel="update", ylabel="gradient norm")
        return plots.svg(figure, "Norm of the gradient by update")


def _smooth(
    points: Sequence[tuple[float, float]], how: Callable[..., Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most `_MOST_POINTS` points; `how`, such as a mean, joins neighbouring values."""
    every = np.array(points, dtype=np.float64)
    groups = np.array_split(every, min(len(every), _MOST_POINTS))
    return (
        np.array([group[:, 0].mean() for group in groups]),
        np.array([how(group[:, 1]) for group in groups]),
    )


def _looks() -> Any:  # noqa: ANN401
    """Yield pairs of colour and line style. The first twelve are different."""
    pairs = zip(cycle(_COLOURS), cycle(_STYLES), strict=False)
    return ({"color": colour, "linestyle": style} for colour, style in pairs)


def _legend_name(name: str) -> str:
    """Shorten and escape a name. In matplotlib, `$` starts a formula and `_` hides a curve."""
    half = (_NAME - 3) // 2  # long names are often paths, which differ at their ends
    short = name if len(name) <= _NAME else f"{name[:half]}...{name[-half:]}"
    short = " ".join(short.split()).replace("$", r"\$")
    return f" {short}" if short.startswith("_") else short
