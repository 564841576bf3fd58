"""Imports the libraries of tables when they are needed."""

from __future__ import annotations

from typing import Any

from sentiment_lstm.data.libraries import import_library


def library(name: str, extra: str = "frames") -> Any:  # noqa: ANN401
    """Import a library.

    Raises:
        MissingExtraError: it is not installed.
    """
    return import_library(name, "to score tables", f"'sentiment-lstm[{extra}]'")
