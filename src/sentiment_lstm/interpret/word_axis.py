"""An axis whose marks are the words or tokens of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 60
"""Up to this many words, the axis names every word."""
_STRONGEST = 20
"""In a longer text, at most this many words are named."""
_FAINT = 0.1
"""A word is not named if its change of the score is below this fraction of the largest change."""
_LONGEST = 14
"""An axis shows at most this many characters of a word."""


def figure_width(words: int) -> float:
    """Return the width in inches of a picture whose axis has this many words."""
    return max(4.6, 1.4 + 0.21 * words) if words <= NAMED else 9.2


def line_marker(words: int) -> str:
    """Return the marker of a line: points in a short text, because one point makes no line."""
    return "." if words <= NAMED else ""


def label_words(axes: Axes, names: Sequence[str], unit: str) -> None:
    """Write the words below the axis of a short text, and their numbers below that of a long one.

    Dollar signs in a word do not start mathematics.

    Args:
        axes: the axes, with one word per unit of x.
        names: the words.
        unit: what a word is called below the axis of a long text.
    """
    axes.set_xlim(-0.5, len(names) - 0.5)
    if len(names) > NAMED:
        axes.set_xlabel(unit)
        return
    shortened = [_shorten(name) for name in names]
    axes.set_xticks(range(len(names)), shortened, rotation=90, fontsize=9, parse_math=False)


def label_strongest(axes: Axes, names: Sequence[str], changes: NDArray[np.float64]) -> None:
    """Above the axis of a long text, write the words that changed the score most.

    Args:
        axes: the axes, with one word per unit of x.
        names: the words.
        changes: the change of the score at each word, [N].
    """
    if len(names) <= NAMED:
        return
    positions = _strongest(changes)
    shortened = [_shorten(names[position]) for position in positions]
    above = axes.secondary_xaxis("top")
    above.set_xticks(positions, shortened, rotation=90, fontsize=9, parse_math=False)


def _strongest(changes: NDArray[np.float64]) -> list[int]:
    """The words with the largest changes of the score, far enough apart to be named."""
    size = np.abs(changes)
    gap = len(changes) / 45  # in words; closer names would touch
    positions: list[int] = []
    for position in np.argsort(-size, kind="stable").tolist():
        if len(positions) == _STRONGEST or size[position] < _FAINT * size.max():
            break
        if all(abs(position - other) >= gap for other in positions):
            positions.append(position)
    return positions


def _shorten(word: str) -> str:
    printable = "".join(c if c.isprintable() else "\ufffd" for c in word)
    return printable if len(printable) <= _LONGEST else f"{printable[: _LONGEST - 1]}…"
