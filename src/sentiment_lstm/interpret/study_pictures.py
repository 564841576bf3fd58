"""The pictures of `inspect --gradients`, drawn from the numbers of a study. Knows no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.interpret.pictures import (
    Picture,
    any_script_figure,
    make_picture,
    without_zeros,
)
from sentiment_lstm.plots import FIRST, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_STYLES = ((FIRST, "-"), (FIRST, ":"), (SECOND, "--"), (SECOND, "-"))
"""Colour and dashes of the networks of a study, in their order."""
_FAINTEST = 1e-40
"""The lower end of the axis. Single precision holds no smaller gradient."""
_WINDOW = 20
"""Updates that a point of a curve summarises."""


def draw_study(values: Mapping[str, Any]) -> list[Picture]:
    """Draw all pictures of a gradient study, from its numbers as `--json` prints them.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    unclipped = [run for run in values["runs"] if run["clip_norm"] is None]
    clipped = [run for run in values["runs"] if run["clip_norm"] is not None]
    return [
        _draw_distance(clipped),
        _draw_updates(unclipped, clipped, "gradient_norm"),
        _draw_updates(unclipped, clipped, "loss"),
    ]


def _draw_distance(runs: Sequence[Mapping[str, Any]]) -> Picture:
    with any_script_figure(4.6, 6.2) as canvas:
        rows = canvas.subplots(2, 1, sharex=True, sharey=True)
        for axes, key in zip(rows, ("start", "end"), strict=True):
            _plot_networks(axes, [(run["name"], np.array(run[key])) for run in runs])
            axes.set(yscale="log", ylabel="norm of the gradient")
            axes.set_ylim(bottom=_FAINTEST)
            axes.set_title({"start": "before training", "end": "after training"}[key])
        rows[-1].set_xlabel("tokens before the end")
        canvas.legend(*rows[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        caption = (
            "How strongly the loss depends on the embedding of a token, by its distance from the "
            "end. Mean over texts; trained with clipping."
        )
        return make_picture(canvas, "distance", "Gradient by distance in time", caption)


def _draw_updates(
    unclipped: Sequence[Mapping[str, Any]], clipped: Sequence[Mapping[str, Any]], key: str
) -> Picture:
    label, title, caption = {
        "loss": ("loss (nats)", "Loss by step", f"Means of {_WINDOW} updates."),
        "gradient_norm": (
            "norm of the gradient",
            "Gradient norm by step",
            f"The norm over all parameters before clipping: the largest of {_WINDOW} updates.",
        ),
    }[key]
    with any_script_figure(4.6, 6.2) as canvas:
        rows = canvas.subplots(2, 1, sharex=True, sharey=True)
        for axes, runs, name in zip(rows, (unclipped, clipped), ("without", "with"), strict=True):
            _plot_networks(axes, [(run["name"], _smooth(run[key], key)) for run in runs])
            axes.set(ylabel=label, title=f"{name} clipping")
            if key == "gradient_norm":
                axes.set_yscale("log")
        rows[-1].set_xlabel("update")
        canvas.legend(*rows[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        return make_picture(canvas, key, title, caption)


def _plot_networks(axes: Axes, curves: Sequence[tuple[str, NDArray[np.float64]]]) -> None:
    for (name, curve), (colour, style) in zip(curves, _STYLES, strict=True):
        axes.plot(without_zeros(curve), color=colour, linestyle=style, label=name)


def _smooth(values: Sequence[float], key: str) -> NDArray[np.float64]:
    """At each update the mean of the last values, or the largest of them for gradient norms."""
    reduce = np.max if key == "gradient_norm" else np.mean
    ends = range(1, len(values) + 1)
    return np.array([reduce(values[max(0, end - _WINDOW) : end]) for end in ends])
