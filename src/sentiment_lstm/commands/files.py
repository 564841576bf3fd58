"""`predict --input FILE --output FILE` at a terminal: pipes, progress and the closing sentence.

It also scores folders (`--engine ray`).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_lstm.commands.output import ignore_further_output, log, print_line, say
from sentiment_lstm.errors import UsageError
from sentiment_lstm.staging import make_private_folder, staging

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import Bundle
    from sentiment_lstm.scoring.files import Outcome, Progress

_PIPE_KIND = ".jsonl"
"""The file type if input and output are both pipes."""


def predict_file(
    classifier: SentimentClassifier,
    source: str,
    out: str,
    options: Mapping[str, Any],
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score a file. `-` is a pipe, whose content is kept in a temporary file."""
    from sentiment_lstm.bundle import fingerprint
    from sentiment_lstm.scoring.files import Job, score_file

    with ExitStack() as stack:
        folder = stack.enter_context(_folder_of_pipes()) if "-" in (source, out) else Path()
        input_file = _keep_standard_input(folder, out) if source == "-" else Path(source)
        target = folder / f"out{_printed_kind(input_file)}" if out == "-" else Path(out)
        printed_bad = Path(f"{input_file.name}.bad.jsonl")
        if out == "-" and printed_bad.exists() and not overwrite:
            raise UsageError(
                f"Expected no file {printed_bad}, found one: it may belong to another output. Move "
                "it away, or give --overwrite."
            )
        job = Job(input_file, target, fingerprint(classifier.bundle), **options)
        with _progress() as progress:
            outcome = score_file(classifier.predictor, job, progress, overwrite=overwrite)
        bad = target.with_name(f"{target.name}.bad.jsonl")
        if out == "-":
            _print(target)
            if outcome.set_aside:
                bad = _copy(bad, printed_bad)
    _report(outcome, out, bad, as_json=as_json)


def _printed_kind(source: Path) -> str:
    """The file type of the printed rows: the type of the input, or csv if it is a workbook."""
    from sentiment_lstm.data.formats import WORKBOOK, Format
    from sentiment_lstm.scoring.original import check_regular

    check_regular(source)
    kind = Format.of_file(source).kind
    return ".csv" if kind == WORKBOOK else kind


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
    """Score every file of a folder with Ray."""
    from sentiment_lstm.bundle import fingerprint
    from sentiment_lstm.evaluation.polarity import find_poles
    from sentiment_lstm.scoring.cluster import score_folder
    from sentiment_lstm.scoring.files import Job

    job = Job(Path(source), Path(out), fingerprint(bundle), **options)
    if job.polarity:
        find_poles(bundle.config.classes, several=bundle.config.multi_label)
    outcomes = score_folder(bundle, job, workers=workers, overwrite=overwrite).values()
    rows = sum(outcome.rows for outcome in outcomes)
    done = sum(outcome.was_complete for outcome in outcomes)
    set_aside = sum((Counter(outcome.set_aside) for outcome in outcomes), Counter[str]())
    already = f", {done} of them complete already" if done else ""
    beside = f"; {set_aside.total():,} set aside in *.bad.jsonl" if set_aside else ""
    say(f"Scored {rows:,} rows of {len(outcomes)} files into {out}{already}{beside}.")
    if as_json:
        values = {"rows": rows, "files": len(outcomes), "set_aside": set_aside, "already": done}
        print_line(json.dumps(values))


def _report(outcome: Outcome, out: str, bad: Path, *, as_json: bool) -> None:
    reasons = ", ".join(f"{number} {reason}" for reason, number in outcome.set_aside.items())
    set_aside = f"; set aside in {bad}: {reasons}" if reasons else ""
    if outcome.was_complete:
        say(f"{out} is complete already: {outcome.rows:,} rows{set_aside}.")
    else:
        say(f"Scored {outcome.rows:,} rows into {out}{set_aside}.")
    if as_json and out != "-":
        values = {
            "rows": outcome.rows,
            "set_aside": outcome.set_aside,
            "already": outcome.was_complete,
        }
        print_line(json.dumps(values))


@contextmanager
def _folder_of_pipes() -> Iterator[Path]:
    """A private folder for the content of pipes. Folders that killed processes left are deleted."""
    target = Path(tempfile.gettempdir()) / "predict"
    with staging(target, make_private_folder) as staged:
        yield staged.path


def _copy(file: Path, target: Path) -> Path:
    from sentiment_lstm.storage import open_atomically

    with file.open("rb") as source, open_atomically(target) as copy:
        shutil.copyfileobj(source, copy)
    return target


def _print(path: Path) -> None:
    """Print a file's bytes. A reader that stops early, such as `head`, is not an error."""
    with path.open("rb") as file:
        try:
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.flush()
        except BrokenPipeError:
            ignore_further_output()


def _keep_standard_input(folder: Path, out: str) -> Path:
    """Write standard input to a plain file of the same type as the output."""
    if sys.stdin is None:
        raise UsageError("Expected rows on standard input, found it closed: name a file.")
    from sentiment_lstm.data.formats import Format

    kind = _PIPE_KIND if out == "-" else Format.of_name(Path(out).name).kind
    path = folder / f"standard-input{kind}"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar with rows per second and the time left; on a terminal only."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.fields[rows]:,} rows, {task.fields[speed]:,.0f}/s"))
    bar = Progress(*columns, TimeRemainingColumn(), console=log, disable=not log.is_terminal)
    with bar:
        task = bar.add_task("", total=1.0, rows=0, speed=0.0)

        def update(rows: int, fraction: float) -> None:
            elapsed = bar.tasks[task].elapsed or 1.0
            bar.update(task, completed=fraction, rows=rows, speed=rows / elapsed)

        yield update
