"""The number of processor cores, and how many threads to use."""

from __future__ import annotations

import os
from operator import index
from typing import SupportsIndex

from sentiment_lstm.errors import UsageError


def usable_cores() -> int:
    """The number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked_threads(threads: SupportsIndex) -> int:
    """A number of threads as a plain int; it may be one of numpy. 0 means one for each core.

    Raises:
        UsageError: it is not a whole number of at least 0.
    """
    try:
        number = index(threads)
    except TypeError:
        number = -1
    if number < 0:
        raise UsageError(
            f"Expected a whole number of threads of at least 0, found {threads!r:.40}: 0 uses "
            "every core."
        )
    return number


def threads_for(threads: int) -> int:
    """The number of threads that compute: at most one for each core; 0 means one for each core."""
    return min(threads or usable_cores(), usable_cores())
