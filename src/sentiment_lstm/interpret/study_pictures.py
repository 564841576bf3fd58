"""The pictures of `inspect --gradients`, from the numbers of a study by name. Knows no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.interpret.pictures import Picture, done, drawing, seen
from sentiment_lstm.plots import FIRST, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_LOOKS = ((FIRST, "-"), (FIRST, ":"), (SECOND, "--"), (SECOND, "-"))
"""Of the networks of a study, in their order."""
_FAINTEST = 1e-40
"""A gradient below it is drawn no more: it is lost in single precision."""


def study_pictures(values: Mapping[str, Any]) -> list[Picture]:
    """All pictures of a study of gradients, from its numbers as `--json` prints them.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    free = [run for run in values["runs"] if run["clip_norm"] is None]
    clipped = [run for run in values["runs"] if run["clip_norm"] is not None]
    return [
        _by_distance(clipped),
        _by_step(free, clipped, "gradient_norm"),
        _by_step(free, clipped, "loss"),
    ]


def _by_distance(runs: Sequence[Mapping[str, Any]]) -> Picture:
    with drawing(4.6, 6.2) as drawn:
        pair = drawn.subplots(2, 1, sharex=True, sharey=True)
        for axes, name in zip(pair, ("start", "end"), strict=True):
            _compare(axes, [(run["name"], np.array(run[name])) for run in runs])
            axes.set(yscale="log", ylabel="norm of the gradient")
            axes.set_ylim(bottom=_FAINTEST)
            axes.set_title({"start": "before training", "end": "after training"}[name])
        pair[-1].set_xlabel("tokens before the end")
        drawn.legend(*pair[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        caption = (
            "How strongly the loss depends on the embedding of a token, by its distance from the "
            "end; mean over texts. Trained with clipping."
        )
        return done(drawn, "distance", "Gradient by distance in time", caption)


def _by_step(
    free: Sequence[Mapping[str, Any]], clipped: Sequence[Mapping[str, Any]], key: str
) -> Picture:
    words = {
        "loss": ("loss (nats)", "Loss by step", "Means of 20 updates."),
        "gradient_norm": (
            "norm of the gradient",
            "Gradient norm by step",
            "The norm over all parameters, before it is clipped; the largest of 20 updates.",
        ),
    }
    label, title, caption = words[key]
    with drawing(4.6, 6.2) as drawn:
        pair = drawn.subplots(2, 1, sharex=True, sharey=True)
        for axes, runs, name in zip(pair, (free, clipped), ("without", "with"), strict=True):
            _compare(axes, [(run["name"], _smooth(run[key], key)) for run in runs])
            axes.set(ylabel=label, title=f"{name} clipping")
            if key == "gradient_norm":
                axes.set_yscale("log")
        pair[-1].set_xlabel("update")
        drawn.legend(*pair[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        return done(drawn, key, title, caption)


def _compare(axes: Axes, rows: Sequence[tuple[str, NDArray[np.float64]]]) -> None:
    for (name, row), (colour, style) in zip(rows, _LOOKS, strict=True):
        axes.plot(seen(row), color=colour, linestyle=style, label=name)


def _smooth(values: Sequence[float], key: str) -> NDArray[np.float64]:
    """The mean or the largest of the last 20 values, at each step."""
    over = np.max if key == "gradient_norm" else np.mean
    return np.array([over(values[max(0, at - 19) : at + 1]) for at in range(len(values))])
