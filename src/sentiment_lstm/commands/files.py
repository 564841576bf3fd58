"""`predict --input FILE --output FILE` at a terminal: progress, pipes, what to say at the end."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_lstm.commands.output import log, print_line, say

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.inference.files import Progress

_PIPE_KIND = ".jsonl"
"""What comes through a pipe, unless the file at the other end is of another kind."""


def predict_file(
    classifier: SentimentClassifier,
    source: str,
    out: str,
    options: Mapping[str, Any],
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score a file; `-` for either end is a pipe, which is kept in a temporary file."""
    from sentiment_lstm.bundle import fingerprint
    from sentiment_lstm.inference.files import Job, score_file

    with tempfile.TemporaryDirectory() as folder:
        given = _piped(Path(folder), out) if source == "-" else Path(source)
        target = Path(folder) / f"out{_ending(given.name)}" if out == "-" else Path(out)
        job = Job(given, target, fingerprint(classifier.bundle), **options)
        with _progress() as progress:
            found = score_file(classifier.predictor, job, progress, overwrite=overwrite)
        if out == "-":
            with target.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
    bad = "".join(f", set aside: {number} {reason}" for reason, number in found.set_aside.items())
    if found.already:
        say(f"{out} is complete already: {found.rows:,} rows{bad}.")
    else:
        say(f"Scored {found.rows:,} rows into {out}{bad}.")
    if as_json and out != "-":
        values = {"rows": found.rows, "set_aside": found.set_aside, "already": found.already}
        print_line(json.dumps(values))


def _piped(folder: Path, out: str) -> Path:
    """Standard input as a file."""
    path = folder / f"standard-input{_ending(out)}"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _ending(name: str) -> str:
    """The kind of the file at the other end, unpacked."""
    kinds = [s for s in Path(name).suffixes if s in (".csv", ".tsv", ".jsonl", ".parquet")]
    return kinds[-1] if kinds else _PIPE_KIND


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with rows a second and the time left, where there is a terminal to see it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.fields[rows]:,} rows, {task.fields[speed]:,.0f}/s"))
    bar = Progress(*columns, TimeRemainingColumn(), console=log, disable=not log.is_terminal)
    with bar:
        task = bar.add_task("", total=1.0, rows=0, speed=0.0)

        def told(rows: int, share: float) -> None:
            elapsed = bar.tasks[task].elapsed or 1.0
            bar.update(task, completed=share, rows=rows, speed=rows / elapsed)

        yield told
