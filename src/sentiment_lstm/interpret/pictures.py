"""The pictures of `inspect TEXT`: running score, gates, half-lives and reach.

This file draws an `Inspection` and a `Reach`. It knows no model and no files.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.interpret.gates import Gates
from sentiment_lstm.interpret.inspection import (
    Inspection,
    measure_state_changes,
    select_active_units,
)
from sentiment_lstm.interpret.word_axis import (
    NAMED,
    figure_width,
    label_strongest,
    label_words,
    line_marker,
)
from sentiment_lstm.plots import FIRST, SECOND, figure, picture, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sentiment_lstm.interpret.reach import Reach

_UNITS = 32
"""Rows of a heat map. On a phone, more rows would be too thin to see."""
_POINTS = 72
"""Points in an inch. A page shows a point as about a pixel."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in three forms.

    `name`: file name without its ending. `title` and `caption`: what the figure shows and how to
    read it. `markup`: an SVG element for a page, and `width`: its natural width there, in pixels.
    `png` and `svg`: contents of files.
    """

    name: str
    title: str
    caption: str
    markup: str
    width: int
    png: bytes
    svg: bytes

    def files(self) -> dict[str, bytes]:
        """The figure's files: name -> content."""
        return {f"{self.name}.png": self.png, f"{self.name}.svg": self.svg}


def draw_text(inspection: Inspection, reach: Reach | None) -> list[Picture]:
    """Draw all pictures of a text: running score, forget gate, half-lives, reach, gates by layer.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    pictures = [_draw_reading(inspection), _draw_forget(inspection), _draw_half_lives(inspection)]
    if reach is not None:
        pictures.append(_draw_reach(reach))
    return pictures + [_draw_gates(inspection, number) for number in range(len(inspection.layers))]


@contextmanager
def any_script_figure(width: float, height: float) -> Iterator[Figure]:
    """Give a figure, in inches, for text in any script. A missing letter is shown as a box."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        with figure(width, height) as canvas:
            yield canvas


def make_picture(canvas: Figure, name: str, title: str, caption: str) -> Picture:
    """Render a figure in its three forms, inside `with any_script_figure()`."""
    forms = svg(canvas, title), picture(canvas, "png"), picture(canvas, "svg")
    width = round(canvas.get_figwidth() * _POINTS)
    return Picture(name, title, caption, forms[0], width, forms[1], forms[2])


def without_zeros(norms: NDArray[np.float64]) -> NDArray[np.float64]:
    """The norms with NaN instead of zeros, which a logarithmic axis cannot show."""
    return np.where(norms > 0, norms, np.nan)


def _words(inspection: Inspection) -> list[str]:
    return [step.text for step in inspection.steps]


def _plot_lines(
    axes: Axes, rows: Sequence[NDArray[Any]], names: Sequence[str], marker: str
) -> None:
    """Plot a line for each layer. Colours alternate, and neighbours differ in their dashes."""
    styles = ("-", "--", "-.", ":")
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        colour = (SECOND, FIRST)[number % 2]
        axes.plot(row, color=colour, linestyle=styles[number % 4], marker=marker, label=name)
    if len(rows) > 1:
        axes.legend(fontsize=9)


def _layer_names(inspection: Inspection) -> list[str]:
    return [f"layer {number}" for number in range(1, len(inspection.layers) + 1)]


def _draw_reading(inspection: Inspection) -> Picture:
    with any_script_figure(figure_width(len(inspection.ids)), 4.2) as canvas:
        top, below = canvas.subplots(2, 1, sharex=True)
        probabilities = np.array([step.probabilities[-1] for step in inspection.steps])
        top.axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
        _plot_lines(top, [probabilities], ["score"], line_marker(len(inspection.ids)))
        top.set(ylim=(-0.03, 1.03), ylabel="probability", title="running score of the last class")
        changes = [measure_state_changes(layer) for layer in inspection.layers]
        _plot_lines(below, changes, _layer_names(inspection), line_marker(len(inspection.ids)))
        below.set(ylabel="norm", title="movement of the hidden state")
        below.set_ylim(bottom=0)
        label_words(below, _words(inspection), "token")
        changes_of_score = np.array([step.change for step in inspection.steps])
        label_strongest(top, _words(inspection), changes_of_score)
        caption = (
            "Above: the probability of the last class after each token. Below: how far the hidden "
            "state moved at that token, the norm of h(t) - h(t-1)."
        )
        if len(inspection.ids) > NAMED:
            caption += " The words on top changed the probability most."
        return make_picture(canvas, "reading", "Score and hidden state, token by token", caption)


_HALF_LIFE_TICKS = (0.25, 0.5, 1, 2, 4, 8)
"""The half-lives on the axis beside a forget gate. Labels of longer half-lives would touch."""


def _draw_forget(inspection: Inspection) -> Picture:
    with any_script_figure(figure_width(len(inspection.ids)), 3.2) as canvas:
        axes = canvas.subplots()
        means = [layer.forget.mean(axis=1) for layer in inspection.layers]
        for number, layer in enumerate(inspection.layers):
            low, high = np.quantile(layer.forget, [0.1, 0.9], axis=1)
            colour = (SECOND, FIRST)[number % 2]
            axes.fill_between(range(len(low)), low, high, color=colour, alpha=0.15, linewidth=0)
        _plot_lines(axes, means, _layer_names(inspection), line_marker(len(inspection.ids)))
        axes.set(ylim=(0, 1), ylabel="forget gate", title="mean forget gate; band: 80% of units")
        label_words(axes, _words(inspection), "token")
        right = axes.twinx()
        right.spines["right"].set_visible(True)
        right.set(ylim=(0, 1), ylabel="half-life (tokens)")
        gates = [0.5 ** (1 / half_life) for half_life in _HALF_LIFE_TICKS]
        right.set_yticks(gates, [f"{half_life:g}" for half_life in _HALF_LIFE_TICKS])
        caption = (
            "The fraction of its cell state that a unit keeps at each token, mean over the units. "
            "The axis on the right shows the half-life: after how many such tokens half is left."
        )
        return make_picture(canvas, "forget", "The forget gate, token by token", caption)


def _draw_half_lives(inspection: Inspection) -> Picture:
    with any_script_figure(4.6, 3.0) as canvas:
        axes = canvas.subplots()
        edges = np.geomspace(0.1, 1000, 41).tolist()
        for number, layer in enumerate(inspection.layers):
            half_lives = np.clip(layer.half_life(), 0.1001, 999)
            colour, name = (SECOND, FIRST)[number % 2], f"layer {number + 1}"
            dashes = "-" if number % 2 == 0 else "--"
            axes.hist(
                half_lives, edges, histtype="step", color=colour, linestyle=dashes, label=name
            )
        axes.set(xscale="log", xlabel="half-life (tokens)", ylabel="units")
        axes.set_xticks([0.1, 1, 10, 100, 1000], ["0.1", "1", "10", "100", "1000"])
        axes.set_title("how long units remember")
        if len(inspection.layers) > 1:
            axes.legend(fontsize=9)
        caption = (
            "The half-life of each unit over this text, from the product of its forget gates. "
            "Units above 1,000 tokens are counted at the right end."
        )
        return make_picture(canvas, "half_lives", "Half-lives of the units", caption)


def _draw_reach(reach: Reach) -> Picture:
    distances = np.arange(len(reach.score))
    with any_script_figure(4.6 if len(distances) <= NAMED else 9.2, 3.4) as canvas:
        axes = canvas.subplots()
        marker = "." if len(distances) <= NAMED else ""
        lines = (
            (reach.score, SECOND, "-", "the score"),
            (reach.memory, FIRST, "--", "the last state"),
        )
        for norms, colour, style, name in lines:
            visible = without_zeros(norms)
            axes.plot(
                distances, visible, style, color=colour, marker=marker, linewidth=1, label=name
            )
        axes.set(xlabel="tokens before the end", ylabel="norm of the gradient", yscale="log")
        _label_powers(axes)
        canvas.suptitle("gradient by distance from the end", fontsize=11)
        canvas.legend(loc="outside lower center", ncols=2, fontsize=9)
        caption = (
            "How strongly the score and the last hidden state depend on the embedding of each "
            "token. The state reaches back through the LSTM alone, the score also through the "
            "pooling."
        )
        return make_picture(canvas, "reach", "How far back the gradient reaches", caption)


def _label_powers(axes: Axes) -> None:
    """Show at least two whole powers of ten on the y axis, and no labels between them."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = np.log10(axes.get_ylim())
    axes.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_gates(inspection: Inspection, number: int) -> Picture:
    layer = inspection.layers[number]
    units = select_active_units(layer, _UNITS)
    with any_script_figure(figure_width(len(inspection.ids)), 8.0) as canvas:
        rows = canvas.subplots(4, 1, sharex=True)
        for axes, name in zip(rows, ("input", "forget", "output", "cell"), strict=True):
            values = np.tanh(layer.cell) if name == "cell" else getattr(layer, name)
            _draw_heat_map(axes, values[:, units].T, name)
            _label_units(axes, layer, units)
        label_words(rows[-1], _words(inspection), "token")
        canvas.supylabel("half-life of the unit (tokens)", fontsize=10)
        title = f"Gates and cell state of layer {number + 1}"
        caption = (
            f"A row is a unit: the {len(units)} units whose hidden state changed most in this "
            "text, longest half-life at the top. A gate is between 0 (shut) and 1 (open). Of the "
            "cell state the tanh is shown; the output gate lets it through."
        )
        return make_picture(canvas, f"gates_{number + 1}", title, caption)


def _draw_heat_map(axes: Axes, values: NDArray[np.float32], name: str) -> None:
    colours, least = ("PuOr", -1) if name == "cell" else ("viridis", 0)
    image = axes.imshow(
        values, aspect="auto", interpolation="none", cmap=colours, vmin=least, vmax=1
    )
    axes.set_title("tanh of the cell state" if name == "cell" else f"{name} gate")
    axes.figure.colorbar(image, ax=axes, pad=0.02)


def _label_units(axes: Axes, layer: Gates, units: NDArray[np.intp]) -> None:
    half_lives = layer.half_life()[units]
    rows = np.unique(np.linspace(0, len(units) - 1, 5).round().astype(int))
    axes.set_yticks(rows, [f"{half_lives[row]:.3g}" for row in rows], fontsize=9)
