"""The few exceptions a user meets.

Every message is one sentence that says what was expected, what was found and what to do. The
command line prints it without a traceback and exits with `exit_code`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


class SentimentError(Exception):
    """Base of all errors that a user can mend. Exit code 1."""

    exit_code = 1


class UsageError(SentimentError):
    """An option, preset or setting that does not exist or does not fit. Exit code 2."""

    exit_code = 2


class DataError(SentimentError):
    """A source of reviews that is missing, unreadable or of no use for the task."""


class BundleError(SentimentError):
    """A saved model that is incomplete, damaged or from a newer version."""


class TrainingError(SentimentError):
    """A training that cannot go on: a loss that is not finite, a run that does not fit its data."""


class MissingExtraError(SentimentError):
    """A command needs an optional dependency; the message names the extra to install."""


def run_script(main: Callable[[], int]) -> NoReturn:
    """Run a script to its exit code; what its user can mend is told in one sentence."""
    try:
        sys.exit(main())
    except SentimentError as error:
        _stop(str(error), error.exit_code)
    except OSError as error:
        _stop(f"Expected files that can be read and written, found: {error}.", 1)


def _stop(sentence: str, exit_code: int) -> NoReturn:
    print(f"Error: {sentence}", file=sys.stderr)
    sys.exit(exit_code)
