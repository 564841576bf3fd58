"""`predict --input FILE --output FILE` at a terminal: progress, pipes, what to say at the end; and
what to say of folders (`--engine ray`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_lstm.commands.output import log, print_line, say
from sentiment_lstm.errors import UsageError

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import Bundle
    from sentiment_lstm.scoring.files import Outcome, Progress

_PIPE_KIND = ".jsonl"
"""What comes through a pipe whose other end is one too."""


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
    from sentiment_lstm.data.tables import Format
    from sentiment_lstm.scoring.files import Job, score_file

    with tempfile.TemporaryDirectory() as folder:
        given = _piped(Path(folder), out) if source == "-" else Path(source)
        target = Path(folder) / f"out{Format.of(given.name).kind}" if out == "-" else Path(out)
        job = Job(given, target, fingerprint(classifier.bundle), **options)
        with _progress() as progress:
            found = score_file(classifier.predictor, job, progress, overwrite=overwrite)
        bad = target.with_name(f"{target.name}.bad.jsonl")
        if out == "-":
            _print(target)
            if found.set_aside:
                bad = Path(shutil.move(bad, f"{given.name}.bad.jsonl"))
    _tell(found, out, bad, as_json=as_json)


def predict_folder(
    bundle: Bundle,
    source: str,
    out: str,
    options: Mapping[str, Any],
    *,
    workers: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score every file of a folder over Ray."""
    from sentiment_lstm.bundle import fingerprint
    from sentiment_lstm.scoring.cluster import score_folder
    from sentiment_lstm.scoring.files import Job

    job = Job(Path(source), Path(out), fingerprint(bundle), **options)
    shards = score_folder(bundle, job, workers=workers, overwrite=overwrite).values()
    rows, done = sum(one.rows for one in shards), sum(one.already for one in shards)
    aside = sum((Counter(one.set_aside) for one in shards), Counter[str]())
    already = f", {done} of them complete already" if done else ""
    beside = f"; {aside.total():,} set aside in *.bad.jsonl" if aside else ""
    say(f"Scored {rows:,} rows of {len(shards)} files into {out}{already}{beside}.")
    if as_json:
        values = {"rows": rows, "files": len(shards), "set_aside": aside, "already": done}
        print_line(json.dumps(values))


def _tell(found: Outcome, out: str, bad: Path, *, as_json: bool) -> None:
    reasons = ", ".join(f"{number} {reason}" for reason, number in found.set_aside.items())
    aside = f"; set aside in {bad}: {reasons}" if reasons else ""
    if found.already:
        say(f"{out} is complete already: {found.rows:,} rows{aside}.")
    else:
        say(f"Scored {found.rows:,} rows into {out}{aside}.")
    if as_json and out != "-":
        values = {"rows": found.rows, "set_aside": found.set_aside, "already": found.already}
        print_line(json.dumps(values))


def _print(path: Path) -> None:
    """A file's bytes to standard output; a reader that has seen enough ends it in peace."""
    with path.open("rb") as file:
        try:
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _piped(folder: Path, out: str) -> Path:
    """Standard input as a file, of the kind that the output is."""
    if sys.stdin is None:
        raise UsageError("Expected rows on standard input, found it closed: name a file.")
    from sentiment_lstm.data.tables import Format

    path = folder / f"standard-input{_PIPE_KIND if out == '-' else Format.of(out).kind}"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


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
