"""Which of several processes (ranks) this is, and how many train together.

The environment variables that `torchrun` sets tell it. Without them, there is one process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.storage import as_json, write_atomically

_COUNT = "ranks.json"
_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def rank() -> int:
    """The number of this process, from 0."""
    return _number("RANK") if _is_launched() else 0


def rank_count() -> int:
    """The number of processes that train together."""
    return _number("WORLD_SIZE") if _is_launched() else 1


def ranks_on_this_machine() -> int:
    """The number of processes that train together on this machine."""
    return _number("LOCAL_WORLD_SIZE") if _is_launched() else 1


def updates_for(batches: int) -> int:
    """The number of updates that all ranks together need for a number of batches."""
    return -(-batches // rank_count())


def require_one_process(option: str) -> None:
    """Refuse an option that several processes do not support. Only the first says so.

    Raises:
        SystemExit: there are several, and this is not the first.
        UsageError: there are several.
    """
    if rank():
        sys.exit(UsageError.exit_code)
    if rank_count() > 1:
        raise UsageError(
            f"Expected one process with {option}, found {rank_count()}: start it without torchrun."
        )


def remember_count(folder: Path) -> None:
    """Record the number of ranks at the beginning of a run. Without a record it is one."""
    if rank_count() > 1:
        write_atomically(folder / _COUNT, as_json({"ranks": rank_count()}))
    else:
        forget_count(folder)


def advice_to_continue(folder: Path) -> str:
    """How to continue a run that these processes have begun."""
    if rank_count() == 1:
        return f"Continue with 'sentiment-lstm train --resume {folder}'."
    return (
        f"Continue with 'train --resume {folder}' in {rank_count()} processes: start "
        f"{rank_count()} with torchrun."
    )


def forget_count(folder: Path) -> None:
    """Delete the number of ranks."""
    (folder / _COUNT).unlink(missing_ok=True)


def require_same_count(folder: Path) -> None:
    """Compare the number of ranks with that at the beginning of a run.

    Raises:
        TrainingError: they differ.
    """
    path = folder / _COUNT
    count = int(json.loads(path.read_bytes())["ranks"]) if path.exists() else 1
    if count != rank_count():
        processes = f"{count} processes" if count > 1 else "1 process"
        advice = f"start {count} with torchrun" if count > 1 else "start it without torchrun"
        raise TrainingError(
            f"Expected {processes}, as when the run in {folder} began, found {rank_count()}: "
            f"{advice}."
        )


def _number(variable: str) -> int:
    value = os.environ.get(variable, "1")
    if not value.isdecimal():
        raise UsageError(
            f"Expected a number in the variable {variable}, found {value!r:.40}: start the "
            "training with torchrun, or delete the variable."
        )
    return int(value)


def _is_launched() -> bool:
    return all(name in os.environ for name in _VARIABLES)
