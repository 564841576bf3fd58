"""Errors of the service. Each has a status, a type and one sentence, as in Text Embeddings
Inference.
"""

from __future__ import annotations

from typing import Literal

from sentiment_lstm.errors import BundleError, MissingExtraError, SentimentError

ErrorType = Literal[
    "Backend",
    "Empty",
    "NotFound",
    "Overloaded",
    "Tokenizer",
    "Unauthorized",
    "Unhealthy",
    "Validation",
]
"""The values of `error_type`. All but NotFound and Unauthorized are those of Text Embeddings
Inference."""


class Refused(Exception):  # noqa: N818
    """A request that gets an error instead of an answer.

    Args:
        status: the HTTP status.
        error_type: the kind of error, for programs.
        message: one sentence, for people.
        retry_after: seconds after which the client may try again; None: it should not try again.
    """

    def __init__(
        self, status: int, error_type: ErrorType, message: str, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, str]:
        """The body of the answer, as JSON values."""
        return {"error": self.message, "error_type": self.error_type}


def refused(error: Exception) -> Refused:
    """Turn any error into the one that the client gets.

    The text of an unexpected error stays in the log, because it may hold a path or a text.
    """
    if isinstance(error, Refused):
        return error
    if isinstance(error, BundleError | MissingExtraError):
        return Refused(424, "Backend", "Expected a model that can score, found a damaged one.")
    if isinstance(error, SentimentError):
        return Refused(422, "Validation", str(error))
    return Refused(424, "Backend", "Expected the model to answer, found an error: see the log.")


def overloaded(waiting: int) -> Refused:
    """Return the error for a request when too many are in progress."""
    return Refused(
        429,
        "Overloaded",
        f"Expected fewer requests at the same time, found {waiting}: try again later.",
        retry_after=1,
    )


def too_many_texts(most: int, number: int) -> Refused:
    """Return the error for a request that holds more texts than are allowed."""
    return Refused(
        413,
        "Validation",
        f"Expected at most {most} texts in a request, found {number}: send several requests.",
    )


def too_late(seconds: float) -> Refused:
    """Return the error for a request that has waited too long in the queue."""
    return Refused(
        503,
        "Overloaded",
        f"Expected an answer within {seconds:g} s, found a longer queue: try again later.",
        retry_after=1,
    )
