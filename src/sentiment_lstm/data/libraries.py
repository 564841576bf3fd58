"""Imports optional libraries when they are needed, and cuts their errors to one line."""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from typing import Any

from sentiment_lstm.errors import MissingExtraError

_FILES_OR_TRAIN = "'sentiment-lstm[files]', or 'sentiment-lstm[train]' to train as well"
_PARQUET = "to read and write parquet files"


def pyarrow() -> Any:  # noqa: ANN401
    """The library that reads and writes parquet, with `pyarrow.parquet`.

    Raises:
        MissingExtraError: it is not installed.
    """
    library = import_library("pyarrow", _PARQUET, _FILES_OR_TRAIN)
    import_library("pyarrow.parquet", _PARQUET, _FILES_OR_TRAIN)
    return library


def zstandard() -> Any:  # noqa: ANN401
    """The library that reads and writes zst.

    Raises:
        MissingExtraError: it is not installed.
    """
    return import_library("zstandard", "to read and write zst files", "'sentiment-lstm[files]'")


def openpyxl() -> Any:  # noqa: ANN401
    """The library that reads xlsx workbooks, without its warnings about styles and extensions.

    Raises:
        MissingExtraError: it is not installed.
    """
    library = import_library("openpyxl", "to read and write xlsx files", _FILES_OR_TRAIN)
    warnings.filterwarnings("ignore", module="openpyxl")
    return library


def no_telemetry() -> None:
    """Tell the Hugging Face libraries to send no usage data; the user's own choice wins.

    They read this when they are first imported.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def missing_extra(what: str) -> MissingExtraError:
    """The error for a source whose packages are not installed."""
    return MissingExtraError(
        f"Expected the packages that read {what}, found them missing; "
        "install them with: pip install 'sentiment-lstm[train]'."
    )


def first_line(error: BaseException) -> str:
    """The first line of a library's message, short enough for a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")


def import_library(name: str, purpose: str, extras: str) -> Any:  # noqa: ANN401
    """Import a library.

    Args:
        name: the module, such as `pyarrow.parquet`.
        purpose: what it is needed for, such as "to score tables".
        extras: what to install with pip.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {name.partition('.')[0]} {purpose}, found it is not installed: "
            f"pip install {extras}."
        ) from error
