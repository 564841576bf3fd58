"""The names of sources: `imdb`, a scheme with a name such as `hf:OWNER/NAME`, or a path."""

from __future__ import annotations

SOURCES = (
    "imdb, grammar:N, data:NAME, kaggle:OWNER/NAME, hf:OWNER/NAME[/CONFIGURATION] or the path of "
    "a file or folder"
)
"""Every kind of source, for help and messages."""
REMOTE = ("kaggle", "hf")
"""Schemes of sources that are read over the network."""
NEED_NAME = ("data", *REMOTE)
"""Schemes that mean nothing without a name after the colon."""


def scheme_and_name(source: str) -> tuple[str, str]:
    """Take a source apart: `hf:OWNER/NAME` -> `("hf", "OWNER/NAME")`.

    `imdb` and `grammar` alone are schemes too. A path has none: `data` -> `("", "data")`.
    """
    if source in ("imdb", "grammar"):
        return source, ""
    scheme, colon, name = source.partition(":")
    return (scheme, name) if colon and scheme in ("grammar", *NEED_NAME) else ("", source)
