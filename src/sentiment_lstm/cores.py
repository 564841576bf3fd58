"""The number of processor cores, and whether other processes use them."""

from __future__ import annotations

import os
import time
from pathlib import Path

_LOAD = Path("/proc/loadavg")
_SAMPLES, _PAUSE = 3, 0.002
"""How often the load is read, and the seconds between. A process that runs only for a moment does
not count."""


def usable_cores() -> int:
    """The number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def others_are_busy() -> bool:
    """Whether other threads of the machine run all the time, so that a core is not free.

    Only Linux tells. Elsewhere the answer is no.
    """
    for sample in range(_SAMPLES):
        if sample:
            time.sleep(_PAUSE)
        if _running_threads() <= 1:  # this thread is one of them
            return False
    return True


def _running_threads() -> int:
    """The threads of the machine that run or could run; 0: unknown."""
    try:
        return int(_LOAD.read_text(encoding="ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return 0
