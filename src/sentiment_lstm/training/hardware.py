"""What this machine has, settled once a run: threads, device, precision; resuming needs the same.

Knows settings and torch, nothing of models or data.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import replace
from typing import Literal

import torch

from sentiment_lstm.cores import usable_cores
from sentiment_lstm.errors import UsageError
from sentiment_lstm.settings import TrainingSettings

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Names of `mallopt(3)`: bytes freed at the heap's end, and blocks outside it, before they go."""


def settled(settings: TrainingSettings) -> TrainingSettings:
    """The settings with every `auto` replaced by what this machine offers.

    Raises:
        UsageError: a GPU was asked for and there is none.
    """
    device = _device(settings.device)
    precision = settings.precision
    if precision == "auto":
        precision = "bfloat16" if _fast_bfloat16(device) else "float32"
    threads = settings.threads or usable_cores()
    return replace(settings, device=device, precision=precision, threads=threads)


def prepare(settings: TrainingSettings) -> None:
    """Set up torch, before its first computation starts the threads.

    Numbers below 1e-38 become zero: gradients of early tokens fade that far, and a CPU computes
    with them ten times slower than with others.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(settings.threads)
    keep_freed_memory(True)


def keep_freed_memory(kept: bool) -> None:
    """Whether large blocks that torch frees stay with the process; where glibc is, else nothing.

    By default they go back to the system, which hands them out again zeroed, page by page: for the
    blocks of a training step (tens of MB) that took a third of its time.
    """
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None), "mallopt"):
        return
    libc.mallopt(_MMAP_MAX, 0 if kept else 65_536)
    libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1 if kept else 131_072)


def _device(wanted: str) -> Literal["cpu", "cuda"]:
    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise UsageError(
            "Expected a GPU for training.device=cuda, found none: leave the setting at auto."
        )
    return "cuda" if found and wanted != "cpu" else "cpu"


def _fast_bfloat16(device: str) -> bool:
    """Whether the processor has units for products of bfloat16 (on CPUs: AMX)."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))
