"""Imports the libraries of tables when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sentiment_lstm.errors import MissingExtraError


def library(name: str, extra: str = "frames") -> Any:  # noqa: ANN401
    """Import a library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {name.partition('.')[0]} to score tables, found it is not installed: "
            f"pip install 'sentiment-lstm[{extra}]'."
        ) from error
