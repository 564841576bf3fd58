"""Compares a training by two processes with one: one thread each, the same texts.

    python benchmarks/ranks.py [--data imdb] [--preset quick] [--batches 600] [--json FILE]

The trainings take turns, three of each. For each it gives the tokens a second of all processes
during the updates, the seconds of the whole command, the CPU seconds of all processes for a million
tokens (of the whole command too: every process reads the texts and fits the wide path), the bytes
that a process gives to the others at an update, and the final accuracy on the validation texts.
Both numbers of processes read the same number of batches, so two make half as many updates. Medians
count.

Processes that wait for each other need free cores: beside other work, two gain less.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import as_json, write_atomically
from sentiment_lstm.training.metrics_log import read_metrics

RANKS = (1, 2)
SPEED_BAR = 1.7
"""Tokens a second of two processes against one."""
_WARM_UP = 10
"""Updates that do not count for the speed."""


def count_bytes(path: Path, arguments: Sequence[str]) -> None:
    """Run the command line as one of the processes. Rank 0 writes how many bytes it has given."""
    import torch.distributed as dist

    from sentiment_lstm.cli import main
    from sentiment_lstm.training.ranks import rank

    sent, reduce = [0], dist.all_reduce

    def counted(tensor: Any, operation: Any) -> None:  # noqa: ANN401
        sent[0] += tensor.numel() * tensor.element_size()
        reduce(tensor, operation)

    dist.all_reduce = counted  # type: ignore[assignment]
    sys.argv = ["sentiment-lstm", *arguments]
    try:
        main()
    finally:
        if not rank():
            path.write_text(str(sent[0]), encoding="utf-8")


def train(ranks: int, arguments: Sequence[str], folder: Path) -> dict[str, float]:
    """Train once with a number of processes."""
    call = [sys.executable, __file__, "--worker", str(folder / "bytes"), "--", *arguments]
    before, start = _cpu_seconds(), time.monotonic()
    _run_all(ranks, [*call, "--out", str(folder / "run")])
    seconds, cpu = time.monotonic() - start, _cpu_seconds() - before
    lines = read_metrics(folder / "run")
    updates = [line for line in lines if "tokens_per_second" in line]
    timed = updates[_WARM_UP:]
    metrics = json.loads((folder / "run" / "metrics.json").read_bytes())
    tokens = sum(line["tokens"] for line in updates)
    return {
        "tokens/s": sum(line["tokens"] for line in timed)
        / sum(line["tokens"] / line["tokens_per_second"] for line in timed),
        "seconds": seconds,
        "CPU s per 1M tokens": cpu / tokens * 1e6,
        "bytes an update": int((folder / "bytes").read_text(encoding="utf-8")) / len(updates),
        "bytes of all weights": 4 * metrics["parameters"],
        "updates": len(updates),
        "accuracy": metrics["validation_accuracy"],
    }


def _run_all(ranks: int, call: Sequence[str]) -> None:
    """Run a command as each of the ranks, with the variables that torchrun sets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    same = {"WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks, "MASTER_PORT": port}
    processes = []
    for rank in range(ranks):
        own = {**same, "RANK": rank, "LOCAL_RANK": rank}
        variables = {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
        variables |= {name: str(value) for name, value in own.items()}
        processes.append(
            subprocess.Popen(
                call, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        )
    for process in processes:
        output, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(output.decode())


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(arguments: Sequence[str], rounds: int) -> dict[int, dict[str, float]]:
    """The medians of each number of processes."""
    trainings: dict[int, list[dict[str, float]]] = {ranks: [] for ranks in RANKS}
    for number in range(rounds):
        for ranks, results in trainings.items():
            with tempfile.TemporaryDirectory() as name:
                seeded = [*arguments, "--seed", str(number)]
                results.append(train(ranks, seeded, Path(name)))
                print(ranks, {k: round(v, 4) for k, v in results[-1].items()}, file=sys.stderr)
    return {
        ranks: {name: statistics.median(r[name] for r in results) for name in results[0]}
        for ranks, results in trainings.items()
    }


def show(results: dict[int, dict[str, float]]) -> None:
    table = Table("measure", *(f"{ranks} process(es)" for ranks in RANKS))
    for name in results[1]:
        values = [results[ranks][name] for ranks in RANKS]
        table.add_row(name, *(f"{v:.4f}" if v < 1 else f"{v:,.1f}" for v in values))
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and show; the exit code says whether the bar is met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="imdb", help="a source of labelled texts")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--batches", type=int, default=600, help="to train on; 0: as the preset")
    parser.add_argument("--rounds", type=int, default=3, help="each with a seed of its own")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        count_bytes(options.worker, options.rest)
        return 0
    call = ["train", "--data", options.data, "--preset", options.preset, "--threads", "1"]
    if options.batches:
        call += ["--set", f"training.max_steps={options.batches}"]
    results = measure(call, options.rounds)
    show(results)
    if options.json:
        write_atomically(options.json, as_json({str(k): v for k, v in results.items()}))
    ratio = results[2]["tokens/s"] / results[1]["tokens/s"]
    met = ratio >= SPEED_BAR
    print(f"two processes: {ratio:.2f} times one (bar {SPEED_BAR}): {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    run_script(main)
