"""The exceptions that users meet.

Every message is one sentence. It says what was expected, what was found and what to do. The command
line prints it without a traceback and exits with `exit_code`.

Each error is also one of Python's own (`ValueError`, `OSError`, `ImportError`), so a program that
catches those needs no name of this package.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sentiment_lstm.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


class SentimentError(Exception):
    """Base of all errors that a user can fix. Exit code 1."""

    exit_code = 1


class UsageError(SentimentError, ValueError):
    """An option, preset or setting that does not exist or does not fit. Exit code 2."""

    exit_code = 2


class DataError(SentimentError, ValueError):
    """A source of texts that is missing, cannot be read or does not fit the task."""


class BundleError(SentimentError, OSError):
    """A saved model that is missing, incomplete, damaged or from a newer version."""


class HubError(BundleError):
    """A model that the Hugging Face hub does not give or does not take."""


class TrainingError(SentimentError):
    """A training that cannot go on: the loss is not finite, or the run does not fit its data."""


class MissingExtraError(SentimentError, ImportError):
    """A command needs an optional dependency; the message names the extra to install."""


class StorageError(SentimentError, OSError):
    """A path that cannot be written to, or a folder that another process is using."""


def run_script(main: Callable[[], int]) -> NoReturn:
    """Run a script and exit with its code; print an error that a user can fix as one sentence."""
    try:
        sys.exit(main())
    except SentimentError as error:
        _stop(str(error), error.exit_code)
    except OSError as error:
        _stop(f"Expected files that can be read and written, found: {error}.", 1)


def _stop(sentence: str, exit_code: int) -> NoReturn:
    print(f"Error: {printable(sentence)}", file=sys.stderr)
    sys.exit(exit_code)
