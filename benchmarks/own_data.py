"""Compares `train` on labelled texts of many kinds with a linear model and with fastText.

    python benchmarks/own_data.py --out runs/own_data [--quick] [--dev] [--tasks NAME ...]

Ours is the plain command `train --data train.csv`. The linear model counts words, pairs of words
and characters; cross-validation chooses its C. FastText is autotuned for as long as ours took.
Besides whole data sets there are cuts with few labels. All figures are means over three seeds; "±"
is half their range. "Better rival" is the accuracy of ours minus that of the better other system,
with a paired bootstrap interval over the texts.

The ablations are ours without one part: without the wide path, without the LSTM (the calibrated
wide path alone; its LSTM gets one update and no weight), and without character n-grams. The seconds
of "without the LSTM" are therefore those of the wide path.

In `goemotions` a text may have several labels. Accuracy then means that a text gets exactly its
labels. The linear model is one for each label, with 0.5 and with chosen thresholds; fastText's loss
is one-vs-all.

`--quick` takes one seed, no autotuning, no ablations and no task with several labels per text;
it ends in under 30 minutes on two cores.
`--dev` measures on a fixed fifth of each training split, to make choices without the test split.
`--extra '--set training.epochs=20'` also runs `train` with these arguments; it may be repeated.

The folder gets `results.jsonl` (a line for each training), `table.md`, `accuracy.png` and the logs
of our trainings. A second call goes on where the first was stopped. Use a new folder after a change
of the program.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from own_data_systems import (
    AUTOTUNED,
    FASTTEXT,
    LINEAR,
    LINEAR_THRESHOLDS,
    OURS,
    Measurement,
    System,
    empty_folder,
    fasttext,
    linear,
    linear_with_thresholds,
    ours,
)
from own_data_table import Results, as_markdown, plot
from own_data_tasks import TASKS, Task, describe, make_problem

from sentiment_lstm.errors import SentimentError, run_script
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.storage import locked, write_atomically

ABLATIONS = (
    ours(f"{OURS} without the wide path", "--set model.wide_features=0"),
    ours(f"{OURS} without the LSTM", "--set training.max_steps=1", without="LSTM"),
    ours(f"{OURS} without n-grams", without="n-grams"),
)
"""Ours without one of its parts."""
SEEDS = 3
RIVALS = (LINEAR, LINEAR_THRESHOLDS, FASTTEXT, AUTOTUNED)
RESULTS, TABLE, PLOT, LOGS, WORK = "results.jsonl", "table.md", "accuracy.png", "logs", "work"
KINDS = ("ours", "ablations", "linear", "fasttext")

Key = tuple[str, str, int]
"""Task, system, seed."""


def systems(options: argparse.Namespace) -> list[System]:
    """The systems of this call. Ours comes first, because fastText needs its seconds."""
    several = any(task.multi_label for task in TASKS if task.name in options.tasks)
    extras = [ours(f"{OURS} {extra}", extra) for extra in options.extra]
    kinds = {
        "ours": [ours(OURS), *extras],
        "ablations": list(ABLATIONS),
        "linear": [linear(), *([linear_with_thresholds()] if several else [])],
        "fasttext": [fasttext(autotuned=not options.quick)],
    }
    return [system for kind in KINDS if kind in options.systems for system in kinds[kind]]


def trainings(
    tasks: Sequence[Task], chosen: Sequence[System], seeds: int
) -> Iterator[tuple[Task, System, int]]:
    """All trainings, seed by seed. If nothing depends on the seed, the first seed is enough."""
    for seed in range(seeds):
        for task in tasks:
            for system in chosen:
                fits = task.multi_label or not system.only_several
                if fits and (seed == 0 or system.is_seeded or task.is_cut):
                    yield task, system, seed


class Record:
    """The finished trainings, kept in a file of JSON lines."""

    def __init__(self, path: Path, part: str) -> None:
        """Read the file, if there is one; `part` is `test` or `dev`."""
        self.path, self.part = path, part
        self.lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.finished: dict[Key, Measurement] = {}
        for row in map(json.loads, self.lines):
            key = row.pop("task"), row.pop("system"), row.pop("seed")
            if row.pop("part") == part:
                self.finished[key] = Measurement(**row)

    def add(self, key: Key, measurement: Measurement) -> None:
        """Keep a finished training; the file is written anew, so no line is ever cut off."""
        self.finished[key] = measurement
        names = dict(zip(("task", "system", "seed"), key, strict=True))
        self.lines.append(json.dumps({"part": self.part, **names, **asdict(measurement)}))
        write_atomically(self.path, "".join(f"{line}\n" for line in self.lines).encode())

    def results(self) -> Results:
        """The measurements by task and system."""
        by_system: defaultdict[tuple[str, str], dict[int, Measurement]] = defaultdict(dict)
        for (task, system, seed), measurement in self.finished.items():
            by_system[task, system][seed] = measurement
        return by_system


def run_all(record: Record, options: argparse.Namespace) -> int:
    """Run the trainings that are not finished; returns how many failed."""
    tasks = [task for task in TASKS if task.name in options.tasks]
    failed = 0
    for task, system, seed in trainings(tasks, systems(options), options.seeds):
        key = task.name, system.name, seed
        if key not in record.finished:
            try:
                record.add(key, train_once(record, task, system, seed, options))
            except SentimentError as error:
                failed += 1
                say(f"{task.name}, {system.name}, seed {seed}: {error}")
    return failed


def train_once(
    record: Record, task: Task, system: System, seed: int, options: argparse.Namespace
) -> Measurement:
    """Run a system on a task, and say its figures.

    Raises:
        SentimentError: the training failed, or ours has not yet been measured and must be first.
    """
    reference = record.finished.get((task.name, OURS, seed))
    if system.waits and reference is None:
        raise SentimentError("Expected the seconds that ours took, found none; run ours first.")
    name = f"{record.part}-{task.name}-{system.name}-{seed}".replace(" ", "_").replace("/", "_")
    folder = empty_folder(options.out / WORK / name)
    problem = make_problem(task, seed, options.dev, folder / "data")
    say(f"{describe(problem)}; {system.name}, seed {seed} ...")
    try:
        measurement = system.measure(problem, folder, reference.seconds if reference else 0.0)
    finally:
        keep_log(folder / "train.log", options.out / LOGS / f"{name}.log")
    shutil.rmtree(folder)
    say(
        f"    accuracy {measurement.accuracy:.1%}, macro F1 {measurement.macro_f1:.1%}, log-loss "
        f"{measurement.log_loss:.3f}; {measurement.seconds:.0f} s, {measurement.megabytes:.1f} MB"
    )
    return measurement


def keep_log(log: Path, place: Path) -> None:
    if log.exists():
        place.parent.mkdir(exist_ok=True)
        log.replace(place)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def write_report(record: Record, options: argparse.Namespace) -> None:
    """Write the table and the plot of what is finished, and print the table."""
    tasks = [task.name for task in TASKS if task.name in options.tasks]
    names = [system.name for system in systems(options)]
    table = as_markdown(record.results(), tasks, names, RIVALS)
    write_atomically(options.out / TABLE, table.encode())
    write_atomically(options.out / PLOT, plot(record.results(), tasks, names))
    print(table)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [task.name for task in TASKS]
    parser.add_argument("--out", type=Path, required=True, help="the folder for all results")
    parser.add_argument("--quick", action="store_true", help="one seed, no autotuning")
    parser.add_argument("--dev", action="store_true", help="measure on a fifth of the train split")
    parser.add_argument("--tasks", nargs="+", choices=names, metavar="NAME")
    parser.add_argument("--systems", nargs="+", choices=KINDS, metavar="NAME", help=str(KINDS))
    parser.add_argument("--seeds", type=int, help=f"the number of seeds; default {SEEDS}")
    parser.add_argument("--extra", action="append", default=[], help="more arguments of `train`")
    options = parser.parse_args(arguments)
    quick = [task.name for task in TASKS if not task.multi_label]
    options.tasks = options.tasks or (quick if options.quick else names)
    options.seeds = options.seeds or (1 if options.quick else SEEDS)
    plain = [kind for kind in KINDS if kind != "ablations"]
    options.systems = options.systems or (plain if options.quick or options.dev else KINDS)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, then write the table; returns 1 if a training failed."""
    options = read_options(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with locked(options.out):
        record = Record(options.out / RESULTS, "dev" if options.dev else "test")
        try:
            with Interrupts():  # so that a training in a process of its own ends as well
                failed = run_all(record, options)
        except Interrupted as error:
            say("Stopped; the same call goes on.")
            return error.exit_code
        shutil.rmtree(options.out / WORK, ignore_errors=True)
        write_report(record, options)
    return 1 if failed else 0


if __name__ == "__main__":
    run_script(main)
