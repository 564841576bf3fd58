"""Measures the peak memory of a training that streams a csv file, for two numbers of rows.

`python benchmarks/stream_memory.py` generates both files in a temporary folder. It trains 50
updates on each with `sentiment-lstm train --streaming`, each in a process of its own. It prints the
peak memory of each process, as the operating system reports it.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from memory import finish

WORDS = 20_000
SENTENCES = 5_000
LIMIT_MB = 1_500


def write_csv(path: Path, rows: int) -> None:
    """Write rows of sentences from a common pool; the last but one decides the label."""
    rng = random.Random(0)
    words = [f"word{n}" for n in range(WORDS)]
    weights = [1 / (n + 10) for n in range(WORDS)]  # word frequencies as in real text
    pool = [" ".join(rng.choices(words, weights, k=rng.randint(5, 30))) for _ in range(SENTENCES)]
    verdicts = ("it is dreadful", "it is superb")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        for row in range(rows):
            text = ". ".join([*rng.choices(pool, k=5), verdicts[row % 2], f"row {row}"])
            writer.writerow((text, ("negative", "positive")[row % 2]))


def peak_megabytes(source: Path, out: Path, steps: int) -> float:
    """Train on the stream; returns the process's peak resident memory in MB."""
    command = [sys.executable, "-c", "from sentiment_lstm.cli import main; main()", "train"]
    command += ["--data", str(source), "--streaming", "--out", str(out)]
    command += ["--set", f"training.max_steps={steps}"]
    return finish(subprocess.Popen(command))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs=2, default=(100_000, 1_000_000))
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            source = Path(folder) / f"{rows}.csv"
            write_csv(source, rows)
            peaks[rows] = peak_megabytes(source, Path(folder) / f"run{rows}", options.steps)
            print(f"{rows:>10,} rows: {peaks[rows]:7,.0f} MB at most")
            source.unlink()
    few, many = (peaks[rows] for rows in options.rows)
    print(f"more rows take {many / few - 1:+.1%}; the limits are {LIMIT_MB:,} MB and +10%")
    if options.json:
        options.json.write_text(json.dumps({"peak_mb": peaks, "steps": options.steps}, indent=2))


if __name__ == "__main__":
    main()
