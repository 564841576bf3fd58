"""A file of a million rows: memory, speed, and what three kills do to it.

`python benchmarks/file_scoring.py` writes a csv of generated sentences, scores it once in peace and
once with `kill -9` at random moments, each time taken up again, and compares both outputs byte by
byte. Prints JSON: rows a second and peak memory of the peaceful run, moments of the kills.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from sentiment_lstm.data.grammar import sentences
from sentiment_lstm.errors import run_script

KILLS = 3


def write(path: Path, rows: int) -> None:
    """A csv of an id, a text and a family of sentences."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "family"])
        for number, (text, _, family) in enumerate(islice(sentences(seed=1), rows)):
            writer.writerow([number, text, family])


def started(source: Path, out: Path, model: str | None) -> subprocess.Popen[bytes]:
    """The command at work on a file."""
    call = [sys.executable, "-c", "from sentiment_lstm.cli import main; main()", "predict"]
    call += ["--input", str(source), "--output", str(out), *(["--model", model] if model else [])]
    return subprocess.Popen(call)


def finished(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process; its peak memory in MB.

    Raises:
        RuntimeError: it failed.
    """
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the command ended with {process.returncode}")
    return round(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)


def killed(source: Path, out: Path, model: str | None, seconds: float) -> tuple[list[float], float]:
    """Run, kill at random moments, run on to the end; the moments and the last run in seconds."""
    moments = []
    for _ in range(KILLS):
        process = started(source, out, model)
        moments.append(round(random.uniform(0.1, 0.3) * seconds, 1))
        time.sleep(moments[-1])
        if process.poll() is not None:
            raise RuntimeError("the command was faster than the killer: give it more rows")
        process.send_signal(signal.SIGKILL)
        process.wait()
    start = time.monotonic()
    finished(started(source, out, model))
    return moments, time.monotonic() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--model", help="default: the shipped one")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        source, whole, resumed = (Path(folder) / f"{n}.csv" for n in ("in", "whole", "resumed"))
        write(source, options.rows)
        start = time.monotonic()
        peak = finished(started(source, whole, options.model))
        seconds = time.monotonic() - start
        moments, last = killed(source, resumed, options.model, seconds)
        same = whole.read_bytes() == resumed.read_bytes()
    found = {
        "rows": options.rows,
        "rows_a_second": round(options.rows / seconds),
        "peak_mb": peak,
        "seconds": round(seconds, 1),
        "killed_after_seconds": moments,
        "last_run_seconds": round(last, 1),
        "identical": same,
    }
    print(json.dumps(found, indent=2))
    return 0 if same else 1


if __name__ == "__main__":
    run_script(main)
