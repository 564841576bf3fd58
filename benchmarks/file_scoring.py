"""Scores a file of a million rows: speed, memory, and the output of a run that is killed thrice.

`python benchmarks/file_scoring.py` writes a csv of generated sentences and scores it twice: once
without interruption, and once with three `kill -9` at random moments, resumed after each. It
compares both outputs byte by byte. It prints JSON: rows a second and peak memory of the first run,
and the moments of the kills.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from memory import finish

from sentiment_lstm.data.grammar import sentences
from sentiment_lstm.errors import run_script

KILLS = 3


def write(path: Path, rows: int) -> None:
    """Write a csv with an id, a sentence and its family in each row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "family"])
        for number, (text, _, family) in enumerate(islice(sentences(seed=1), rows)):
            writer.writerow([number, text, family])


def start(source: Path, out: Path, model: str | None) -> subprocess.Popen[bytes]:
    """Start the command on a file."""
    call = [sys.executable, "-c", "from sentiment_lstm.cli import main; main()", "predict"]
    call += ["--input", str(source), "--output", str(out), *(["--model", model] if model else [])]
    return subprocess.Popen(call)


def run_killed(
    source: Path, out: Path, model: str | None, seconds: float
) -> tuple[list[float], float]:
    """Run, kill at random moments, then let it end; the moments and the last run, in seconds."""
    moments = []
    for _ in range(KILLS):
        process = start(source, out, model)
        moments.append(round(random.uniform(0.1, 0.3) * seconds, 1))
        time.sleep(moments[-1])
        if process.poll() is not None:
            raise RuntimeError("the command was faster than the killer: give it more rows")
        process.send_signal(signal.SIGKILL)
        process.wait()
    begun = time.monotonic()
    finish(start(source, out, model))
    return moments, time.monotonic() - begun


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--model", help="default: the shipped one")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        source, whole, resumed = (Path(folder) / f"{n}.csv" for n in ("in", "whole", "resumed"))
        write(source, options.rows)
        begun = time.monotonic()
        peak = round(finish(start(source, whole, options.model)))
        seconds = time.monotonic() - begun
        moments, last = run_killed(source, resumed, options.model, seconds)
        same = whole.read_bytes() == resumed.read_bytes()
    figures = {
        "rows": options.rows,
        "rows_a_second": round(options.rows / seconds),
        "peak_mb": peak,
        "seconds": round(seconds, 1),
        "killed_after_seconds": moments,
        "last_run_seconds": round(last, 1),
        "identical": same,
    }
    print(json.dumps(figures, indent=2))
    return 0 if same else 1


if __name__ == "__main__":
    run_script(main)
