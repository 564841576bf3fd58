"""The CPU threads on which PyTorch computes. They do not survive a fork of the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import torch

_is_forked = Event()


def _use_one_thread() -> None:
    """A forked child that used PyTorch's threads would wait for ever."""
    _is_forked.set()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_use_one_thread)


def set_threads(threads: int) -> bool:
    """Let torch compute on a number of threads, except in a forked process, which keeps to one.

    Returns:
        Whether torch now uses this number.
    """
    if not _is_forked.is_set():
        torch.set_num_threads(threads)
    return torch.get_num_threads() == threads


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread inside the block. Restore the number of threads after it.

    Small matrix products are faster on one thread, because threads wait for each other.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
