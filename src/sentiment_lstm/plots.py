"""The common style of all plots. This file knows matplotlib, but no model and no measure.

On a page, axes and letters have the colour of the surrounding text. The two colours of lines are
visible on light and dark pages.
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
from sentiment_lstm.wording import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST, SECOND = "#d9622b", "#3b82d0"
"""The colours of the first and the second class, or of two other lines. Lines also differ in style
or marker, for readers who do not see colours."""
_INK = "#010203"
"""The colour of axes and letters. It is unusual, so that `svg` can find and replace it."""
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@contextmanager
def figure(width: float = 4.6, height: float = 3.0) -> Iterator[Figure]:
    """Give an empty figure; sizes are in inches. A phone is about 4.6 inches wide.

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
        # A browser can show letters that matplotlib's font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield Figure(figsize=(width, height), layout="constrained")


def check() -> None:
    """Fail early if matplotlib is missing.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with figure():
        pass


def svg(canvas: Figure, title: str) -> str:
    """Return a figure as an SVG element for a page. Call it inside `with figure()`.

    Args:
        canvas: the figure.
        title: what the figure shows; screen readers read it aloud.
    """
    file = io.StringIO()
    canvas.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA)
    markup = file.getvalue()
    markup = markup[markup.index("<svg") :].replace(_INK, "currentColor")
    label = f'<svg role="img" aria-label="{escape(title, quote=True)}" '
    return _with_unique_ids(markup.replace("<svg ", label, 1))


def picture(canvas: Figure, kind: Literal["png", "svg"]) -> bytes:
    """Return a figure on white as the content of a file. Call it inside `with figure()`."""
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    canvas.savefig(file, format=kind, dpi=150, metadata=metadata)
    data = file.getvalue()
    return printable(data.decode(), keep="\n\t").encode() if kind == "svg" else data


def _with_unique_ids(markup: str) -> str:
    """The element, with ids that are unique on a page."""
    prefix = f"p{sha1(markup.encode()).hexdigest()[:8]}-"
    markup = re.sub(r'\bid="', f'id="{prefix}', markup)
    markup = re.sub(r'(xlink:href="#)(?=[^"])', rf"\1{prefix}", markup)
    return markup.replace("url(#", f"url(#{prefix}")
