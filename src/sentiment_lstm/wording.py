"""Puts values into sentences, and makes strings from outside printable."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_SHOWN = 20
"""How many classes tables, pages and cards show. With more, they show the weakest, and no confusion
matrix."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that control a terminal, end a line or turn the direction of a text, and lone
surrogates, which UTF-8 cannot encode."""


def printable(text: str, keep: str = "") -> str:
    r"""Replace characters that control a terminal, end a line or turn a text by U+FFFD.

    `printable("a\x1b[2J")` is `"a\ufffd[2J"`.

    Args:
        text: any string, such as a label or the name of a file.
        keep: characters to leave, such as `"\n"`.
    """
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else "\ufffd", text)


def first_names(names: Sequence[str], most: int = 10) -> str:
    """List the first names, and count the others.

    `first_names(["a", "b", "c", "d"], 2)` is `"a, b and 2 more"`.
    """
    others = len(names) - most
    more = f" and {others:,} more" if others > 0 else ""
    return ", ".join(names[:most]) + more
