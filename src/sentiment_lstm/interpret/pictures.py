"""The pictures of `inspect TEXT`: gates, memory and reach.

Draws what `inside` and `reach` measured. Knows no model and no files.
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
from sentiment_lstm.interpret.inspection import Inside, most_moved, movement
from sentiment_lstm.plots import FIRST, SECOND, figure, picture, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sentiment_lstm.interpret.reach import Reach

_UNITS = 32
"""Rows of a heat map: more cannot be told apart on a phone."""
_NAMED = 60
"""Texts of at most that many tokens have them written below the axis."""
_LONGEST = 14
"""Characters of a token that are shown there."""
_POINTS = 72
"""Points of an inch: a page shows one as a pixel or a little more."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in its three forms.

    `name`: of its files, without ending. `title` and `caption`: what it shows, and how to read it.
    `markup`: an element to stand in a page; `width` its natural width there, in pixels. `png` and
    `svg`: files of their own.
    """

    name: str
    title: str
    caption: str
    markup: str
    width: int
    png: bytes
    svg: bytes

    def files(self) -> dict[str, bytes]:
        """Its files by name."""
        return {f"{self.name}.png": self.png, f"{self.name}.svg": self.svg}


def text_pictures(inside: Inside, reached: Reach | None) -> list[Picture]:
    """All pictures of a text: its reading, the gates of each layer, memory, reach.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    found = [_reading(inside), _forgetting(inside), _half_lives(inside)]
    if reached is not None:
        found.append(_reached(reached))
    return found + [_gates(inside, number) for number in range(len(inside.layers))]


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """A figure whose letters may be of any script: what the font lacks shows as a box."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        with figure(width, height) as drawn:
            yield drawn


def done(drawn: Figure, name: str, title: str, caption: str) -> Picture:
    """The three forms of a figure, inside `with drawing()`."""
    forms = svg(drawn, title), picture(drawn, "png"), picture(drawn, "svg")
    width = round(drawn.get_figwidth() * _POINTS)
    return Picture(name, title, caption, forms[0], width, forms[1], forms[2])


def _width(inside: Inside) -> float:
    """Inches that a picture over the tokens needs."""
    tokens = len(inside.ids)
    return max(4.6, 1.4 + 0.21 * tokens) if tokens <= _NAMED else 9.2


def _over_tokens(axes: Axes, inside: Inside) -> None:
    """Name the tokens below an axis where there is room, else count them."""
    tokens = len(inside.ids)
    axes.set_xlim(-0.5, tokens - 0.5)
    if tokens > _NAMED:
        axes.set_xlabel("token")
        return
    names = [_shown(step.text) for step in inside.steps]
    axes.set_xticks(range(tokens), names, rotation=90, fontsize=9, parse_math=False)


def _shown(token: str) -> str:
    printable = "".join(c if c.isprintable() else "\ufffd" for c in token)
    return printable if len(printable) <= _LONGEST else f"{printable[: _LONGEST - 1]}…"


def _mark(inside: Inside) -> str:
    """A line of a few points needs marks: one of a single point shows nothing else."""
    return "." if len(inside.ids) <= _NAMED else ""


def _lines(axes: Axes, rows: Sequence[NDArray[Any]], names: Sequence[str], mark: str) -> None:
    """A line a layer; the two colours first, and each its own dashes."""
    styles = ("-", "--", "-.", ":")
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        colour = (SECOND, FIRST)[number % 2]
        axes.plot(row, color=colour, linestyle=styles[number % 4], marker=mark, label=name)
    if len(rows) > 1:
        axes.legend(fontsize=9)


def _layer_names(inside: Inside) -> list[str]:
    return [f"layer {number}" for number in range(1, len(inside.layers) + 1)]


def _reading(inside: Inside) -> Picture:
    with drawing(_width(inside), 4.2) as drawn:
        top, below = drawn.subplots(2, 1, sharex=True)
        shares = np.array([step.probabilities[-1] for step in inside.steps])
        top.axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
        _lines(top, [shares], ["score"], _mark(inside))
        top.set(ylim=(-0.03, 1.03), ylabel="probability", title="running score of the last class")
        moved = [movement(layer) for layer in inside.layers]
        _lines(below, moved, _layer_names(inside), _mark(inside))
        below.set(ylabel="norm", title="movement of the hidden state")
        below.set_ylim(bottom=0)
        _over_tokens(below, inside)
        caption = (
            "Above, the last class's probability after each token. Below, how far the hidden state "
            "moved there: the norm of h(t) - h(t-1)."
        )
        return done(drawn, "reading", "Score and hidden state, token by token", caption)


_LIVES = (0.25, 0.5, 1, 2, 4, 8)
"""Half-lives that the axis beside a forget gate names: above, ticks would touch."""


def _forgetting(inside: Inside) -> Picture:
    with drawing(_width(inside), 3.2) as drawn:
        axes = drawn.subplots()
        means = [layer.forget.mean(axis=1) for layer in inside.layers]
        for number, layer in enumerate(inside.layers):
            low, high = np.quantile(layer.forget, [0.1, 0.9], axis=1)
            colour = (SECOND, FIRST)[number % 2]
            axes.fill_between(range(len(low)), low, high, color=colour, alpha=0.15, linewidth=0)
        _lines(axes, means, _layer_names(inside), _mark(inside))
        axes.set(ylim=(0, 1), ylabel="forget gate", title="mean forget gate; band: 80% of units")
        _over_tokens(axes, inside)
        lives = axes.twinx()
        lives.spines["right"].set_visible(True)
        lives.set(ylim=(0, 1), ylabel="half-life (tokens)")
        lives.set_yticks([0.5 ** (1 / life) for life in _LIVES], [f"{life:g}" for life in _LIVES])
        caption = (
            "The share of its memory that a unit keeps at each token, mean over the units. The "
            "axis on the right says after how many such tokens half of a memory is left."
        )
        return done(drawn, "forget", "The forget gate, token by token", caption)


def _half_lives(inside: Inside) -> Picture:
    with drawing(4.6, 3.0) as drawn:
        axes = drawn.subplots()
        edges = np.geomspace(0.1, 1000, 41).tolist()
        for number, layer in enumerate(inside.layers):
            lives = np.clip(layer.half_life(), 0.1001, 999)
            colour, name = (SECOND, FIRST)[number % 2], f"layer {number + 1}"
            dashes = "-" if number % 2 == 0 else "--"
            axes.hist(lives, edges, histtype="step", color=colour, linestyle=dashes, label=name)
        axes.set(xscale="log", xlabel="half-life (tokens)", ylabel="units")
        axes.set_xticks([0.1, 1, 10, 100, 1000], ["0.1", "1", "10", "100", "1000"])
        axes.set_title("how long units remember")
        if len(inside.layers) > 1:
            axes.legend(fontsize=9)
        caption = (
            "Half-lives of all units over this text, by the product of their forget gates. "
            "Those above 1,000 tokens stand at the right end."
        )
        return done(drawn, "half_lives", "Half-lives of the units", caption)


def _reached(reached: Reach) -> Picture:
    places = np.arange(len(reached.score))
    with drawing(4.6 if len(places) <= _NAMED else 9.2, 3.4) as drawn:
        axes = drawn.subplots()
        mark = "." if len(places) <= _NAMED else ""
        lines = (
            (reached.score, SECOND, "-", "the score"),
            (reached.memory, FIRST, "--", "the last state"),
        )
        for norms, colour, style, name in lines:
            axes.plot(
                places, seen(norms), style, color=colour, marker=mark, linewidth=1, label=name
            )
        axes.set(xlabel="tokens before the end", ylabel="norm of the gradient", yscale="log")
        _name_powers(axes)
        drawn.suptitle("gradient by distance from the end", fontsize=11)
        drawn.legend(loc="outside lower center", ncols=2, fontsize=9)
        caption = (
            "How strongly the score and the last hidden state depend on each token's embedding. "
            "The state reaches back through the LSTM alone; the score also through the pooling."
        )
        return done(drawn, "reach", "How far back the gradient reaches", caption)


def _name_powers(axes: Axes) -> None:
    """Whole powers of ten on the axis, two at least, and nothing between them."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = np.log10(axes.get_ylim())
    axes.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_formatter(NullFormatter())


def seen(norms: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a logarithm has a place for."""
    return np.where(norms > 0, norms, np.nan)


def _gates(inside: Inside, number: int) -> Picture:
    layer = inside.layers[number]
    units = most_moved(layer, _UNITS)
    with drawing(_width(inside), 8.0) as drawn:
        four = drawn.subplots(4, 1, sharex=True)
        for axes, name in zip(four, ("input", "forget", "output", "cell"), strict=True):
            values = np.tanh(layer.cell) if name == "cell" else getattr(layer, name)
            _heat(axes, values[:, units].T, name)
            _name_units(axes, layer, units)
        _over_tokens(four[-1], inside)
        drawn.supylabel("half-life of the unit (tokens)", fontsize=10)
        title = f"Gates and cell state of layer {number + 1}"
        caption = (
            f"The {len(units)} units whose hidden state moved most in this text, a row each: those "
            "that forget slowest stand at the top. Gates are shares from 0 (shut) to 1 (open); of "
            "the cell state its tanh is shown, which the output gate lets through."
        )
        return done(drawn, f"gates_{number + 1}", title, caption)


def _heat(axes: Axes, values: NDArray[np.float32], name: str) -> None:
    colours, least = ("PuOr", -1) if name == "cell" else ("viridis", 0)
    drawn = axes.imshow(
        values, aspect="auto", interpolation="none", cmap=colours, vmin=least, vmax=1
    )
    axes.set_title("tanh of the cell state" if name == "cell" else f"{name} gate")
    axes.figure.colorbar(drawn, ax=axes, pad=0.02)


def _name_units(axes: Axes, layer: Gates, units: NDArray[np.intp]) -> None:
    lives = layer.half_life()[units]
    rows = np.unique(np.linspace(0, len(units) - 1, 5).round().astype(int))
    axes.set_yticks(rows, [f"{lives[row]:.3g}" for row in rows], fontsize=9)
