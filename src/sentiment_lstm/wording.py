"""Puts values into sentences."""

from __future__ import annotations

from collections.abc import Sequence

MOST_SHOWN = 20
"""How many classes tables, pages and cards show. With more, they show the weakest, and no confusion
matrix."""


def first_names(names: Sequence[str], most: int = 10) -> str:
    """List the first names, and count the others.

    `first_names(["a", "b", "c", "d"], 2)` is `"a, b and 2 more"`.
    """
    others = len(names) - most
    more = f" and {others:,} more" if others > 0 else ""
    return ", ".join(names[:most]) + more
