"""The peak memory of a process, as the operating system reports it: shared by the measurements."""

from __future__ import annotations

import os
import resource
import subprocess
import sys


def peak_mb(usage: resource.struct_rusage) -> float:
    """The most memory that a process has held, in MB of 10^6 bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def finish(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process to end; returns its peak memory in MB.

    Raises:
        RuntimeError: it failed.
    """
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the command ended with {process.returncode}")
    return peak_mb(usage)
