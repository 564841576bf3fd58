"""Run the stages that have to run, in order, some at the same time.

The order is the standard library's (`graphlib`). Every stage runs in a process of its own. Its
output goes to `logs/` in the run folder. A stage that has finished is recorded at once, so a killed
run forgets nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path

from factory.stages import (
    ROOT,
    RUN,
    Record,
    Stage,
    fingerprint,
    is_done,
    place_of,
    predecessors,
    read_record,
    write_record,
)
from sentiment_lstm.data.registry import DATA_FOLDER_VARIABLE, folder_of
from sentiment_lstm.errors import SentimentError, UsageError
from sentiment_lstm.interrupts import Interrupts
from sentiment_lstm.storage import locked

SECONDS = 0.1
"""Between two looks at the running stages."""


def run(
    stages: Sequence[Stage],
    folder: Path,
    *,
    jobs: int = 2,
    until: str | None = None,
    data: Path | None = None,
) -> list[str]:
    """Run every stage that is not done.

    Args:
        stages: in an order in which each comes after the stages that make its inputs.
        folder: the run folder.
        jobs: how many stages run at the same time.
        until: run this stage and what it needs; default: everything.
        data: the folder of the data sets; default: as `data:NAME` finds them.

    Returns:
        The names of the stages that ran, in the order in which they finished.

    Raises:
        UsageError: no stage is called `until`.
        DataError: a data set is missing.
        SentimentError: a stage failed, or another process runs stages in this folder.
        Interrupted: by SIGINT or SIGTERM; the stages that ran have been stopped.
    """
    wanted = needed(stages, until)
    check_inputs(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), Interrupts(), _processes() as running:
        return _run(wanted, folder.resolve(), jobs, data, running)


def needed(stages: Sequence[Stage], until: str | None) -> list[Stage]:
    """The stage called `until` and the stages that it needs; all if it is None."""
    if until is None:
        return list(stages)
    by_name = {stage.name: stage for stage in stages}
    if until not in by_name:
        raise UsageError(
            f"Expected the name of a stage, found {until!r}; `python -m factory status` lists them."
        )
    before = predecessors(stages)
    names: set[str] = set()
    left = [until]
    while left:
        names.add(name := left.pop())
        left += before[name]
    return [stage for stage in stages if stage.name in names]


def check_inputs(stages: Sequence[Stage]) -> None:
    """Refuse to start without a data set that a stage reads."""
    for name in sorted({name for stage in stages for name in stage.inputs}):
        if name.startswith("data:"):
            folder_of(name.removeprefix("data:"))


def _run(
    stages: Sequence[Stage],
    folder: Path,
    jobs: int,
    data: Path | None,
    running: dict[str, subprocess.Popen[bytes]],
) -> list[str]:
    by_name = {stage.name: stage for stage in stages}
    sorter = TopologicalSorter(predecessors(stages))
    sorter.prepare()
    ready: list[str] = []
    started: dict[str, float] = {}
    made = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=list(by_name).index)
        while ready and len(running) < jobs:
            name = ready.pop(0)
            if is_done(by_name[name], folder):
                sorter.done(name)
                ready = sorted([*ready, *sorter.get_ready()], key=list(by_name).index)
                continue
            started[name] = time.monotonic()
            running[name] = _start(by_name[name], folder, data)
        for name in _finished(running):
            code = running.pop(name).returncode
            _finish(by_name[name], folder, code, time.monotonic() - started[name])
            made.append(name)
            sorter.done(name)
    return made


def _finished(running: Mapping[str, subprocess.Popen[bytes]]) -> list[str]:
    """The names of the processes that have ended; waits for one if any is running."""
    while running:
        if ended := [name for name, process in running.items() if process.poll() is not None]:
            return ended
        time.sleep(SECONDS)
    return []


def _start(stage: Stage, folder: Path, data: Path | None) -> subprocess.Popen[bytes]:
    """Start a stage, or continue an interrupted training of the same fingerprint."""
    mark = fingerprint(stage, folder)
    assert mark is not None, f"an input of {stage.name} is missing"
    record = read_record(stage, folder)
    interrupted = record is not None and not record.finished and record.fingerprint == mark
    if not interrupted:
        _put_aside(stage, folder)
    minutes = record.minutes if record and interrupted else 0.0
    write_record(stage, folder, Record(mark, finished=False, minutes=minutes))
    for name in stage.outputs:
        (folder / name.removeprefix(RUN)).parent.mkdir(parents=True, exist_ok=True)
    log = log_of(stage, folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if data is not None:
        environment[DATA_FOLDER_VARIABLE] = str(data)
    command = stage.command(folder)
    with log.open("ab" if interrupted else "wb") as output:
        output.write(f"python -m {' '.join(command)}\n".encode())
        output.flush()
        print(f"{stage.name} ...", flush=True)
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on
        )


def _finish(stage: Stage, folder: Path, code: int, seconds: float) -> None:
    """Record the end of a stage.

    Raises:
        SentimentError: it failed.
    """
    record = read_record(stage, folder)
    assert record is not None
    minutes = record.minutes + seconds / 60
    write_record(stage, folder, Record(record.fingerprint, finished=code == 0, minutes=minutes))
    if code != 0:
        last = log_of(stage, folder).read_text("utf-8", errors="replace").strip().splitlines()[-3:]
        raise SentimentError(
            f"Expected {stage.name} to end well, found exit code {code}; "
            f"{log_of(stage, folder)} ends with:\n" + "\n".join(last)
        )
    print(f"{stage.name}: {minutes:.1f} minutes", flush=True)


def log_of(stage: Stage, folder: Path) -> Path:
    """The file that holds what the stage printed."""
    return folder / "logs" / f"{stage.name}.log"


def _put_aside(stage: Stage, folder: Path) -> None:
    """Move old outputs to `earlier/N`: nothing is overwritten."""
    for name in stage.outputs:
        old = place_of(name, folder)
        if old is not None and old.exists():
            numbers = range(1, 1 + len(list((folder / "earlier").glob("*"))) + 1)
            places = (folder / "earlier" / str(n) / old.relative_to(folder) for n in numbers)
            free = next(place for place in places if not place.exists())
            free.parent.mkdir(parents=True, exist_ok=True)
            old.rename(free)


@contextmanager
def _processes() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Running processes by name; whatever still runs at the end is stopped."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        yield running
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            process.wait()
