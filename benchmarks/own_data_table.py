"""The table and the plot of `own_data.py`: means over seeds, and how sure a difference is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from own_data_systems import LINEAR_THRESHOLDS, OURS, Measurement

from sentiment_lstm import plots

Results = Mapping[tuple[str, str], Mapping[int, Measurement]]
"""Task and system -> measurements by seed."""
RESAMPLES = 2_000
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLOURS = (plots.FIRST, plots.SECOND, "#808790", "#3f9c5a", "#9a6bc4", "#a08420")


@dataclass(frozen=True)
class Difference:
    """The accuracy of ours minus a rival's, in points, with its 95% interval."""

    rival: str
    points: float
    low: float
    high: float

    def __str__(self) -> str:
        """Such as "+1.2 [+0.3, +2.1] over linear"."""
        return f"{self.points:+.1f} [{self.low:+.1f}, {self.high:+.1f}] over {self.rival}"


def difference(ours: NDArray[np.float64], rival: NDArray[np.float64], name: str) -> Difference:
    """Compare two systems by a paired bootstrap over the texts.

    Args:
        ours: the fraction of seeds for which a text is right, [N].
        rival: the same of the other system, on the same texts, [N].
        name: the other system.
    """
    gains = 100 * (ours - rival)
    rng = np.random.default_rng(0)
    means = [gains[rng.integers(len(gains), size=len(gains))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    return Difference(name, float(gains.mean()), low, high)


def over_best_rival(
    results: Results, task: str, rivals: Sequence[str], system: str = OURS
) -> Difference | None:
    """Compare a system of ours with the more accurate of the measured rivals; None without any."""
    measured = [name for name in rivals if (task, name) in results]
    if not measured or (task, system) not in results:
        return None
    best = max(measured, key=lambda name: _rights(results[task, name]).mean())
    return difference(_rights(results[task, system]), _rights(results[task, best]), best)


def as_markdown(
    results: Results, tasks: Sequence[str], systems: Sequence[str], rivals: Sequence[str]
) -> str:
    """The table: a row for each task and system, then the means over all tasks."""
    lines = [
        "| task | system | accuracy % | macro F1 % | log-loss | seconds | MB | better rival |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task in tasks:
        for system in systems:
            if (task, system) in results:
                compared = (
                    None if system in rivals else over_best_rival(results, task, rivals, system)
                )
                row = [task, system, *_cells(results[task, system]), str(compared or "")]
                lines.append(f"| {' | '.join(row)} |")
    return "\n".join([*lines, "", *_means(results, tasks, systems), ""])


def plot(results: Results, tasks: Sequence[str], systems: Sequence[str]) -> bytes:
    """Draw the accuracies, a line for each task, as a PNG file."""
    with plots.figure(7, 1.4 + 0.36 * len(tasks)) as figure:
        axes = figure.subplots()
        for number, system in enumerate(systems):
            rows = [row for row, task in enumerate(tasks) if (task, system) in results]
            accuracies = [_mean(results[tasks[row], system], "accuracy") * 100 for row in rows]
            colour, mark = (kinds[number % len(kinds)] for kinds in (_COLOURS, _MARKS))
            axes.plot(accuracies, rows, mark, color=colour, label=system, alpha=0.85)
        axes.set_yticks(range(len(tasks)), tasks)
        axes.invert_yaxis()
        axes.grid(axis="y", alpha=0.3)
        axes.set_xlabel("accuracy (%)")
        figure.legend(loc="outside upper center", ncols=3)
        return plots.picture(figure, "png")


def _rights(measurements: Mapping[int, Measurement]) -> NDArray[np.float64]:
    """The fraction of seeds for which each text is right, [N]."""
    rights = [[int(digit) for digit in m.right] for m in measurements.values()]
    means: NDArray[np.float64] = np.mean(rights, axis=0)
    return means


def _mean(measurements: Mapping[int, Measurement], name: str) -> float:
    return float(np.mean([getattr(m, name) for m in measurements.values()]))


def _cells(measurements: Mapping[int, Measurement]) -> list[str]:
    """Means, with half the range over the seeds behind "±"."""

    def cell(name: str, factor: float, digits: int) -> str:
        values = np.array([getattr(m, name) for m in measurements.values()]) * factor
        spread = f" ± {np.ptp(values) / 2:.{digits}f}" if len(values) > 1 else ""
        return f"{values.mean():.{digits}f}{spread}"

    return [
        cell("accuracy", 100, 1),
        cell("macro_f1", 100, 1),
        cell("log_loss", 1, 3),
        f"{_mean(measurements, 'seconds'):.0f}",
        f"{_mean(measurements, 'megabytes'):.1f}",
    ]


def _means(results: Results, tasks: Sequence[str], systems: Sequence[str]) -> list[str]:
    """Lines of mean accuracies over the tasks on which every measured system has a figure.

    A system that is only for texts of several labels has none on most tasks: it is left out.
    """
    systems = [name for name in systems if name != LINEAR_THRESHOLDS]
    measured = [name for name in systems if any((task, name) in results for task in tasks)]
    common = [task for task in tasks if all((task, name) in results for name in measured)]
    if not common:
        return []
    figures = {
        name: np.mean([_mean(results[task, name], "accuracy") for task in common]) * 100
        for name in measured
    }
    line = ", ".join(f"{name} {value:.1f}" for name, value in figures.items())
    return [f"Mean accuracy over {len(common)} tasks: {line}."]
