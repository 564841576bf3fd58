"""The names of sources: `imdb`, a scheme with a name such as `hf:OWNER/NAME`, or a path."""

from __future__ import annotations

import os
import re
from pathlib import Path

SOURCES = (
    "imdb, grammar:N, data:NAME, kaggle:OWNER/NAME, hf:OWNER/NAME[/CONFIGURATION] or the path of "
    "a file or folder"
)
"""Every kind of source, for help and messages."""
REMOTE = ("kaggle", "hf")
"""Schemes of sources on the network. `hf:` may also name a folder: `hf:/data/films`."""
NEED_NAME = ("data", *REMOTE)
"""Schemes that need a name after the colon."""
_REMOTE_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*(/\w[\w.-]*)?(:[a-z]\w*)?", re.ASCII | re.IGNORECASE)
"""OWNER/NAME or OWNER/NAME/CONFIGURATION, with or without a split."""


def scheme_and_name(source: str) -> tuple[str, str]:
    """Split the name of a source: `hf:OWNER/NAME` -> `("hf", "OWNER/NAME")`.

    `imdb` and `grammar` alone are schemes too. A path has no scheme: `data` -> `("", "data")`.
    """
    if source in ("imdb", "grammar"):
        return source, ""
    scheme, colon, name = source.partition(":")
    return (scheme, name) if colon and scheme in ("grammar", *NEED_NAME) else ("", source)


def is_remote(source: str) -> bool:
    """Whether a source is read over the network: `hf:OWNER/NAME`, but not `hf:/data/films`."""
    scheme, name = scheme_and_name(source)
    return scheme in REMOTE and _REMOTE_NAME.fullmatch(name) is not None


def path_of(source: str) -> Path:
    """The path of a source that is a file or folder: `hf:/data/films` -> `/data/films`."""
    scheme, name = scheme_and_name(source)
    return expanded(name if scheme in REMOTE else source)


def expanded(path: str) -> Path:
    """The path with `~` expanded. Unlike `Path.expanduser`, it accepts an unknown user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111
