"""Trackers: listeners that send the numbers of a training to another program."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.training.listener import Listener

TRACKERS = ("mlflow", "tensorboard")
"""Each is the name of a library, of an extra, and of a module of this package."""


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that cannot be used.

    Raises:
        UsageError: there is no tracker of that name.
        MissingExtraError: its library is not installed.
    """
    for name in names:
        if name not in TRACKERS:
            raise UsageError(
                f"Expected a tracker among {', '.join(TRACKERS)}, found {name}: use one of these."
            )
        if find_spec(name) is None:
            raise MissingExtraError(
                f"Expected {name} to track the training, found it is not installed: "
                f"pip install 'sentiment-lstm[{name}]'."
            )


def open_trackers(names: Sequence[str], folder: Path) -> list[Listener]:
    """Open the trackers of these names for the run in a folder.

    Raises: as `check_trackers`.
    """
    check_trackers(names)
    return [import_module(f"{__name__}.{name}").Tracker(folder) for name in names]
