"""Chooses threads, device and precision on this machine, once for a run and its resumptions.

This file knows settings and torch, nothing of models or data.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from dataclasses import replace
from typing import Literal

import torch

from sentiment_lstm.cores import usable_cores
from sentiment_lstm.errors import UsageError
from sentiment_lstm.model.threads import set_threads
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training.ranks import ranks_on_this_machine

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of `mallopt(3)`: free bytes at the end of the heap; most blocks outside the heap."""
_logger = logging.getLogger(__name__)


def resolve_auto(settings: TrainingSettings) -> TrainingSettings:
    """The settings, with values for this machine in place of each `auto` and of 0 threads.

    Raises:
        UsageError: `device` is `cuda` and there is no GPU.
    """
    device = _device(settings.device)
    precision = settings.precision
    if precision == "auto":
        precision = "bfloat16" if _fast_bfloat16(device) else "float32"
    threads = settings.threads or max(1, usable_cores() // ranks_on_this_machine())
    return replace(settings, device=device, precision=precision, threads=threads)


def prepare(settings: TrainingSettings) -> None:
    """Set up torch. Call it before torch's first computation, which starts the threads.

    Numbers below 1e-38 become 0. Gradients of early tokens can be so small, and a CPU computes ten
    times slower with such numbers.
    """
    torch.set_flush_denormal(True)
    if not set_threads(settings.threads):
        _logger.warning(
            "Expected to train on %d threads, found a process that was forked: it trains on one, "
            "because PyTorch's threads do not survive a fork.",
            settings.threads,
        )
    keep_freed_memory(True)


def keep_freed_memory(kept: bool) -> None:
    """Keep the large blocks of memory that torch frees, or return them to the system.

    By default they are returned. The system then fills each page with zeros before it hands the
    page out again, which took a third of the time of a training step. Only glibc can
    keep them. Elsewhere this does nothing.
    """
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None), "mallopt"):
        return
    libc.mallopt(_MMAP_MAX, 0 if kept else 65_536)
    libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1 if kept else 131_072)


def _device(setting: str) -> Literal["cpu", "cuda"]:
    has_gpu = torch.cuda.is_available()
    if setting == "cuda" and not has_gpu:
        raise UsageError(
            "Expected a GPU for training.device=cuda, found none: leave the setting at auto."
        )
    return "cuda" if has_gpu and setting != "cpu" else "cpu"


def _fast_bfloat16(device: str) -> bool:
    """Whether the processor has units for bfloat16 products (on CPUs: AMX)."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))
