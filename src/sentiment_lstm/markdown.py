"""Puts strings from outside into Markdown, so that none breaks a line, a table or a code span."""

from __future__ import annotations

import re


def one_line(text: str) -> str:
    """Join the lines of a string."""
    return " ".join(text.split())


def as_code(text: str) -> str:
    """Return a string as code. Its marks are longer than any row of them inside."""
    line = one_line(text)
    rows = re.findall("`+", line)
    if not rows:
        return f"`{line}`"
    marks = "`" * (len(max(rows)) + 1)
    return f"{marks} {line} {marks}"


def as_cell(text: str) -> str:
    """Return a string for a cell of a table."""
    return one_line(text).replace("|", "\\|")


def as_code_cell(text: str) -> str:
    """Return a string as code for a cell of a table."""
    return as_cell(as_code(text))
