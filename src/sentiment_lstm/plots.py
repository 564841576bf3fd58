"""Plots as every page and picture of ours draws them. Knows matplotlib, no model and no measure.

On a page, axes and letters take the colour of the text around them, light or dark; the two colours
of lines are seen on either.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from sentiment_lstm.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST, SECOND = "#d9622b", "#3b82d0"
"""Colours of the first and the second class, or of any two things: also told apart by eye alone
where lines differ in style or marks."""
_INK = "#010203"
"""What axes and letters are drawn in, so that it can be found again."""
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@contextmanager
def figure(width: float = 4.6, height: float = 3.0) -> Iterator[Figure]:
    """Give a figure of that many inches to draw on; 4.6 are as wide as a phone.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Expected matplotlib to draw with, found none: pip install 'sentiment-lstm[report]'."
        ) from error
    names = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    style: dict[Any, Any] = {
        **dict.fromkeys(names, _INK),
        "svg.fonttype": "none",
        "svg.hashsalt": "sentiment-lstm",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "axes.titlesize": 11,
    }
    with rc_context(style), warnings.catch_warnings():
        # Letters that matplotlib's font lacks, the browser's has.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield Figure(figsize=(width, height), layout="constrained")


def check() -> None:
    """Tell at once whether there is something to draw with.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with figure():
        pass


def svg(drawn: Figure, title: str) -> str:
    """Return a figure as an element to stand within a page, inside `with figure()`.

    Args:
        drawn: the figure.
        title: what it shows, for those who do not see it.
    """
    file = io.StringIO()
    drawn.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA)
    markup = file.getvalue()
    markup = markup[markup.index("<svg") :].replace(_INK, "currentColor")
    label = f'<svg role="img" aria-label="{escape(title, quote=True)}" '
    return _renamed(markup.replace("<svg ", label, 1))


def picture(drawn: Figure, kind: Literal["png", "svg"]) -> bytes:
    """Return a figure as the content of a file of its own, on white, inside `with figure()`."""
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    drawn.savefig(file, format=kind, dpi=150, metadata=metadata)
    return file.getvalue()


def _renamed(markup: str) -> str:
    """The same element with names of its own: a page holds many, and a name must be one's."""
    mark = f"p{sha1(markup.encode()).hexdigest()[:8]}-"
    markup = re.sub(r'\bid="', f'id="{mark}', markup)
    markup = re.sub(r'(xlink:href="#)(?=[^"])', rf"\1{mark}", markup)
    return markup.replace("url(#", f"url(#{mark}")
