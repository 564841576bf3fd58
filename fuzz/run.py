"""Run the targets: `python fuzz/run.py --minutes 10`.

Each target runs in a process of its own, first on the files of its corpus, then on new files. A
file that fails is written to `fuzz/failures/TARGET`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT.parent))
MOST_SECONDS = 20
"""A file that takes longer is a failure."""
MOST_MEGABYTES = 300
"""So is a file that makes memory grow by more."""


class TookTooLongError(BaseException):
    """A file took too long. It passes `except Exception`."""


def run_target(name: str, seconds: float, *, engine: str = "hypothesis") -> dict[str, int]:
    """Run a target on its corpus, and on new files until the time is over.

    Args:
        name: a key of `targets.TARGETS`.
        seconds: the time for new files.
        engine: `hypothesis`, or `atheris`, which looks for files that reach new code.

    Returns:
        `executions`: the number of files; `megabytes`: the most that memory grew for a file.

    Raises:
        AssertionError: a check failed, or memory grew by too much.
        TookTooLongError: a file took too long.
    """
    from fuzz import checks
    from fuzz.targets import TARGETS

    target, counts = TARGETS[name], {"executions": 0, "megabytes": 0}
    signal.signal(signal.SIGALRM, _stop)

    def check(data: bytes) -> None:
        counts["executions"] += 1
        before = _reset_peak()
        signal.alarm(MOST_SECONDS)
        try:
            target.check(data)
            growth = _megabytes("VmHWM") - before
            counts["megabytes"] = max(counts["megabytes"], growth)
            assert growth < MOST_MEGABYTES, f"memory grew by {growth} MB"
        except BaseException:
            folder = ROOT / "failures" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "last").write_bytes(data)
            raise
        finally:
            signal.alarm(0)

    try:
        for file in sorted((ROOT / "corpus" / name).glob("*")):
            check(file.read_bytes())
        if engine == "atheris":
            _run_atheris(target.files, check, seconds, counts)
        else:
            _run_hypothesis(target.files, check, seconds)
    finally:
        shutil.rmtree(checks.FOLDER, ignore_errors=True)
    return counts


def _run_hypothesis(files: Any, check: Any, seconds: float) -> None:  # noqa: ANN401
    from hypothesis import HealthCheck, Phase, given, seed, settings

    started, number = time.monotonic(), time.time_ns()
    while time.monotonic() - started < seconds:
        number += 1

        @seed(number)
        @settings(
            max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )  # fmt: skip
        @given(files)
        def run(data: bytes) -> None:
            if time.monotonic() - started < seconds:
                check(data)

        run()


def _run_atheris(files: Any, check: Any, seconds: float, counts: dict[str, int]) -> None:  # noqa: ANN401
    """The same with atheris. It never returns: it prints `counts` and ends the process."""
    import atheris
    from hypothesis import HealthCheck, given, settings

    from fuzz import checks

    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(files)
    def run(data: bytes) -> None:
        check(data)

    atheris.instrument_all()
    end = time.monotonic() + seconds

    def one_input(data: bytes) -> None:
        if time.monotonic() > end:
            shutil.rmtree(checks.FOLDER, ignore_errors=True)
            print(json.dumps(counts), flush=True)
            os._exit(0)
        run.hypothesis.fuzz_one_input(data)

    atheris.Setup(["fuzz", "-rss_limit_mb=4096"], one_input)
    atheris.Fuzz()


def _reset_peak() -> int:
    """Let the peak of this process's memory start again, and return its memory in MB."""
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/clear_refs").write_text("5")
    return _megabytes("VmRSS")


def _megabytes(field: str) -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) // 1024
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise TookTooLongError(f"over {MOST_SECONDS} s")


def main() -> None:
    """Run every target, or those that `--target` names, and print what they did."""
    from fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="for all targets together")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="repeatable")
    parser.add_argument("--engine", choices=["hypothesis", "atheris"], default="hypothesis")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.target or list(TARGETS)
    seconds = 60 * options.minutes / len(names)
    if options.inside:
        print(json.dumps(run_target(names[0], seconds, engine=options.engine)))
        return
    failed = False
    for name in names:
        call = [sys.executable, __file__, "--inside", "--target", name, "--engine", options.engine]
        ended = subprocess.run(
            [*call, "--minutes", str(seconds / 60)], capture_output=True, text=True, check=False
        )
        failed |= ended.returncode != 0
        result = ended.stdout.strip().splitlines()[-1:] or ["no result"]
        print(f"{name:10} {'ok' if ended.returncode == 0 else 'FAILED'} {result[0]}", flush=True)
        if ended.returncode:
            print(ended.stderr[-2_000:], flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
