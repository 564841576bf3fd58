"""The client of the Hugging Face hub: quiet, and with its errors as sentences."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging import CRITICAL, getLogger
from typing import TYPE_CHECKING, Any

from sentiment_lstm import __version__
from sentiment_lstm.data.libraries import first_line, no_telemetry
from sentiment_lstm.errors import HubError, MissingExtraError, SentimentError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LIBRARY = "sentiment-lstm"
"""The name of this library on the hub."""
_WITHOUT_UPLOAD = (
    "no connection to the hub; check the connection, and that HF_HUB_OFFLINE is not set"
)


@contextmanager
def hub_client(token: str | bool | None) -> Iterator[HfApi]:
    """The hub's client. It logs nothing, and its bars are shown only on a terminal.

    Raises:
        MissingExtraError: `huggingface_hub` is missing or too old.
    """
    no_telemetry()
    try:
        import httpx2  # noqa: F401 (needed by version 2 of the client)
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RevisionResolutionError  # noqa: F401 (in version 2)
    except ImportError as error:
        raise MissingExtraError(
            "Expected huggingface_hub 2 for models on the hub, found it missing or older: "
            "pip install 'sentiment-lstm[hub]'."
        ) from error
    logger = getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(CRITICAL)  # it logs each retry; our errors say what matters
    try:
        with _bars_on_terminals():
            yield HfApi(token=token, library_name=LIBRARY, library_version=__version__)
    finally:
        logger.setLevel(level)


@contextmanager
def _bars_on_terminals() -> Iterator[None]:
    from huggingface_hub import constants
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    is_decided = constants.HF_HUB_DISABLE_PROGRESS_BARS is not None  # by the user
    if is_decided or are_progress_bars_disabled() or (sys.stderr and sys.stderr.isatty()):
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


@contextmanager
def errors_as_sentences(
    wanted: str, *, local_files_only: bool = False, uploads: bool = False
) -> Iterator[None]:
    """Raise the client's errors as one sentence.

    Args:
        wanted: what the caller asks for.
        local_files_only: whether only copies in the cache are asked for.
        uploads: whether a model is sent to the hub, so that no cache helps.
    """
    import httpx2
    from huggingface_hub.errors import RevisionResolutionError

    try:
        yield
    except SentimentError:  # an OSError or ValueError too
        raise
    except (OSError, ValueError, RuntimeError, httpx2.HTTPError, RevisionResolutionError) as error:
        absence = _WITHOUT_UPLOAD if uploads else _meaning_of_absence(local_files_only)
        reason = _reason(error, absence)
        raise HubError(f"Expected {wanted}, found {reason}.") from error


def _reason(error: Exception, absence: str) -> str:
    """What the client's error means, and what to do. `absence`: if the hub cannot be reached."""
    import httpx2
    from huggingface_hub import errors

    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # the client wraps the error of an upload
    if isinstance(error, errors.RevisionNotFoundError):
        return "none; name a branch, a tag or the full hash of a commit"
    if isinstance(error, errors.GatedRepoError):
        return "that its owner must grant you access; ask for it on the model's page"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            "none that you may use; check the name, or log in with `hf auth login` if it is private"
        )
    if isinstance(error, errors.HfHubHTTPError):
        return _meaning_of(error)
    absent = (
        errors.LocalEntryNotFoundError, errors.RevisionResolutionError,
        errors.OfflineModeIsEnabled, httpx2.ConnectError, httpx2.TimeoutException,
    )  # fmt: skip
    if isinstance(error, absent):
        return absence
    if isinstance(error, httpx2.TransportError) or "Consistency check failed" in str(error):
        return "that the connection ended early; run it again"
    return f"{type(error).__name__}: {first_line(error)}; check the name and the disk"


def _meaning_of(error: Any) -> str:  # noqa: ANN401 (a class of the client)
    """What an answer of the hub means."""
    status = error.response.status_code
    if status == 401:
        return "that the hub refuses the token; run `hf auth login`, or correct HF_TOKEN"
    if status == 403:
        return "that the token does not permit it; use a token with more permissions"
    if status in (409, 412):
        return "that someone else has just changed the repository; run it again"
    if status == 429 or status >= 500:
        return f"that the hub cannot answer now (status {status}); try again later"
    return f"the answer {status}: {first_line(error)}; check the name"


def _meaning_of_absence(local_files_only: bool) -> str:
    from huggingface_hub import constants

    if local_files_only:
        return "no complete copy in the cache; allow the download, or check cache_dir"
    if constants.is_offline_mode():
        return "no complete copy in the cache while HF_HUB_OFFLINE is set; unset it to download"
    return (
        "no connection to the hub and no complete copy in the cache; check the connection, or "
        "name a folder"
    )
