"""The few exceptions a user meets.

Every message is one sentence that says what was expected, what was found and what to do. The
command line prints it without a traceback and exits with `exit_code`.
"""


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
