"""Finds the folder of a saved model by its name: a folder, a shipped model, or one on the hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Unpack

from sentiment_lstm import hub
from sentiment_lstm.bundle import SHIPPED, STARTS, is_bundle
from sentiment_lstm.errors import BundleError, HubError, MissingExtraError, UsageError

QUICKSTART = Path("runs") / "quickstart"
"""Where `quickstart` saves its model: the default if no model ships."""


def find_model(path: str | os.PathLike[str] | None = None, **options: Unpack[hub.Options]) -> Path:
    """Find the folder of a saved model.

    Arguments and errors as `SentimentClassifier.from_pretrained`.
    """
    folder = _default() if path is None else _local_folder(path)
    if folder is None:
        return _downloaded(str(path), **options)
    if options.get("revision"):
        raise UsageError(
            f"Expected a revision only for a model on the hub, found the folder {folder}: leave it "
            "out."
        )
    return folder


def find_start(name: str | os.PathLike[str]) -> Path:
    """The folder of a model to start from: a shipped start such as `english`, or another model.

    It is absolute, so that a run that is resumed in another folder finds it.

    Raises:
        BundleError: there is no such model.
    """
    if shipped := _shipped(name, STARTS):
        return shipped
    return Path(os.path.abspath(find_model(name)))  # noqa: PTH100 - a link keeps its name


def _shipped(name: str | os.PathLike[str], root: Path) -> Path | None:
    """The shipped bundle of this name in `root`. A folder or link of this name goes before it."""
    path = Path(name)
    is_shipped = str(name) == path.name and not path.exists() and is_bundle(root / path)
    return root / path if is_shipped else None


def _downloaded(name: str, **options: Unpack[hub.Options]) -> Path:
    """The folder of a model from the hub. If there is none, the error first names the folder."""
    try:
        return hub.download(name, **options)
    except (HubError, MissingExtraError) as error:
        is_no_folder = "@" in name or options.get("revision")
        if is_no_folder or error.__cause__ is None:  # without a cause, the hub has such a model
            raise
        raise type(error)(
            f"Expected a folder {name}, found none, so the hub was asked: {error}"
        ) from error


def _default() -> Path:
    for folder in (SHIPPED / "default", QUICKSTART):
        if is_bundle(folder):
            return folder
    raise BundleError(
        f"Expected a trained model in {QUICKSTART}, found none: run `sentiment-lstm quickstart`."
    )


def _local_folder(path: str | os.PathLike[str]) -> Path | None:
    """The given folder, or the folder of a shipped model; None for a name on the hub."""
    if not str(path):
        raise BundleError("Expected the folder or name of a model, found an empty one: name one.")
    if shipped := _shipped(path, SHIPPED):
        return shipped
    folder = Path(path)
    return None if hub.is_hub_name(str(path)) and not folder.exists() else folder
