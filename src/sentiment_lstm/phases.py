"""Compare two ways to read the training texts: phase 1 (a CSV, read whole) and phase 2 (a stream).

Both phases train the same model for the same number of updates and are scored on the same texts.
"""

from __future__ import annotations

import dataclasses
import io
import json
import multiprocessing
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_lstm import plots
from sentiment_lstm.batching import Position, epoch_batches
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.open import evaluation_split, list_splits
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import SentimentError, TrainingError, UsageError
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.settings import DataSettings, Settings
from sentiment_lstm.storage import as_json, write_atomically
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.display import Display
from sentiment_lstm.training.feed import make_feed
from sentiment_lstm.training.listener import Listener

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TABLE, PLOT, HELD_OUT = "comparison.json", "comparison.png", "evaluation.jsonl"

Row = dict[str, Any]


def compare_phases(
    phase1: str,
    phase2: str,
    settings: Settings,
    steps: int,
    out: Path,
    listener: Listener | None = None,
) -> list[Row]:
    """Train the same model on both phases, each in its own process, and measure both.

    Both phases have the same settings, seed, number of updates and learning rates. Both are scored
    on the same texts: phase 2's test split, else its validation split, else the part that its
    training keeps for validation. The Kaggle CSV also holds IMDb's test reviews, so the scored
    texts are dropped from phase 1 (training and validation). They are dropped from phase 2 too if
    they are a separate split, because IMDb's train and test splits share 123 texts. If phase 2 has
    only the part kept for validation, this part also chooses phase 2's best epoch.

    Args:
        phase1: the Kaggle CSV: its path, a zip of it or `kaggle:OWNER/NAME`.
        phase2: `hf:NAME` or a folder laid out like one.
        settings: the model and how it is trained; source, streaming and steps are set here.
        steps: updates of each phase.
        out: gets `comparison.json`, `comparison.png` and the runs `phase1` and `phase2`.
        listener: gets notes; None: they go to standard error. The phases always show their progress
            on standard error, because they train in other processes.

    Returns:
        A row for each phase: `phase`, `source`, `rows_read`, `training_texts`;
        `first_batch_seconds`, from the first row read to the first batch ready for the model
        (reading, cleaning, vocabulary, encoding; a stream's first rows are read twice, for the
        vocabulary and for training); `rows_per_second` in that time; `reading_peak_mb` after it
        and `peak_mb` after training, the most memory held so far (MB of 10^6 bytes, None if
        unknown); `steps`; `training_seconds` of the whole run, reading included; `training_loss`
        (nats) and `training_accuracy` over the updates; `evaluated_on`, `evaluation_texts`,
        `evaluation_accuracy`, `evaluation_log_loss` (nats).

    Raises:
        UsageError: `out` holds a comparison already, or `steps` is below 1.
        SentimentError: from reading, training and saving.
        TrainingError: a phase's process was killed.
        Interrupted: by SIGINT or SIGTERM; the current phase saves its run first.
    """
    _check(steps, out)
    out.mkdir(parents=True, exist_ok=True)
    listener = listener or Display()
    phases, split = _phases(phase1, phase2, _same_footing(settings, steps), out)
    listener.on_note(f"Both phases are measured on {phase2}, {split}.")
    rows = []
    for phase in phases:
        listener.on_note(f"{phase.name}: {phase.settings.data.source}")
        row = {"phase": phase.name, **_in_own_process(phase)}
        scores = _measured(phase.folder, phase2, split, _reading(settings.data))
        rows.append(row | {"evaluated_on": f"{phase2}, {split}"} | scores)
    write_atomically(out / TABLE, as_json(rows))
    write_atomically(out / PLOT, _plot(rows))
    return rows


@dataclass(frozen=True, slots=True)
class _Phase:
    name: str
    settings: Settings
    folder: Path


def _check(steps: int, out: Path) -> None:
    if steps < 1:
        raise UsageError(f"Expected --steps of at least 1, found {steps}.")
    plots.check()
    in_the_way = [name for name in ("phase1", "phase2", TABLE) if (out / name).exists()]
    if in_the_way:
        raise UsageError(
            f"Expected a folder without runs for the comparison, found {', '.join(in_the_way)} in "
            f"{out}: name another with --out."
        )


def _same_footing(settings: Settings, steps: int) -> Settings:
    """Settings with which every source gives exactly `steps` updates, at the same rates."""
    return settings.updated(
        {"training.max_steps": steps, "training.epochs": steps, "training.patience": 0}
    )


def _phases(phase1: str, phase2: str, settings: Settings, out: Path) -> tuple[list[_Phase], str]:
    """Both phases, and the split of phase 2 on which they are measured."""
    whole = replace(settings.data, source=phase1, streaming=False)
    stream = replace(settings.data, source=phase2, streaming=True)
    split = evaluation_split(phase2)
    if split in list_splits(phase2) and split != stream.split:
        held_out = f"{phase2}:{split}"
        stream = replace(stream, exclude=(*stream.exclude, held_out))
    else:
        split, held_out = "validation", _kept_back(stream, settings.training.seed, out)
    whole = replace(whole, exclude=(*whole.exclude, held_out))
    return [
        _Phase("phase 1: CSV, whole", replace(settings, data=whole), out / "phase1"),
        _Phase("phase 2: stream", replace(settings, data=stream), out / "phase2"),
    ], split


def _kept_back(data: DataSettings, seed: int, out: Path) -> str:
    """Write the validation texts of a training on `data` to a file; returns its path."""
    examples = load_corpus(replace(data, exclude=()), seed, SetAside(None)).validation
    lines = [json.dumps({"text": example.text}) for example in examples]
    write_atomically(out / HELD_OUT, "\n".join(lines).encode())
    return str(out / HELD_OUT)


def _reading(data: DataSettings) -> dict[str, object]:
    """The settings to read phase 2 for scoring, with the same split as in its training."""
    set_here = {"source", "split", "exclude", "streaming"}
    values = {f"data.{k}": v for k, v in dataclasses.asdict(data).items() if k not in set_here}
    return values | {"data.streaming": True}


def _measured(run: Path, source: str, split: str, options: Mapping[str, object]) -> Row:
    """The part of a row that is known after the run is scored."""
    from sentiment_lstm.api import SentimentClassifier  # not in a phase's memory

    scores = SentimentClassifier.from_pretrained(run).evaluate(source, split, options)
    return {
        "evaluation_texts": scores["n"],
        "evaluation_accuracy": scores["accuracy"],
        "evaluation_log_loss": scores["log_loss"],
    }


def _in_own_process(phase: _Phase) -> Row:
    """Run `train_phase` in a new process, so that its peak memory is measured alone."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(phase.settings, phase.folder, theirs))
    process.start()
    theirs.close()
    try:
        answer: Row | SentimentError = ours.recv()
    except EOFError as error:
        process.join()
        raise TrainingError(
            f"Expected {phase.name} to finish, found it ended with code {process.exitcode}: "
            "free some memory, or use fewer rows or a smaller model."
        ) from error
    except BaseException:  # after an interruption, the phase saves its run and ends
        process.terminate()
        raise
    finally:
        process.join()
    if isinstance(answer, SentimentError):
        raise answer
    return answer


def _answer(settings: Settings, folder: Path, parent: Connection) -> None:
    """Run in the new process: send a row, or an error that a user can fix."""
    try:
        with Interrupts():
            parent.send(train_phase(settings, folder))
    except SentimentError as error:
        parent.send(error)
    except Interrupted as error:
        sys.exit(error.exit_code)


def train_phase(settings: Settings, folder: Path) -> Row:
    """Measure the steps from rows to the first batch, then train a run from the start.

    Returns:
        The part of a row that is known before scoring (`compare_phases`).
    """
    reading = _first_batch(settings)
    from sentiment_lstm.training.run import train  # after reading: it imports torch

    metrics = train(settings, folder)
    return {
        "source": settings.data.source,
        **reading,
        "peak_mb": _peak_mb(),
        "steps": metrics["steps"],
        "training_seconds": metrics["train_seconds"],
        "training_loss": metrics["train_loss"],
        "training_accuracy": metrics["train_accuracy"],
    }


def _first_batch(settings: Settings) -> Row:
    started = time.monotonic()
    data, training = settings.data, settings.training
    corpus = load_corpus(data, training.seed, SetAside(None, data.strict))
    tokenizer = TextTokenizer.learn((example.text for example in corpus.sample), settings.text)
    feed = make_feed(corpus, tokenizer, settings)
    next(epoch_batches(feed.windows(), training.batch_tokens, training.seed, Position()))
    seconds = time.monotonic() - started
    rows = corpus.screening["rows read"]
    assert isinstance(rows, int)
    return {
        "rows_read": rows,
        "training_texts": len(corpus.sample),
        "first_batch_seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds, 1),
        "reading_peak_mb": _peak_mb(),
    }


def _peak_mb() -> float | None:
    """The most memory that this process has held, in MB.

    On Linux it is in the status file. There, `getrusage` would include the memory of the parent
    process when it started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return round(int(fields["VmHWM"].split()[0]) * 1024 / 1e6, 1)
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


_PANELS: dict[str, tuple[str, str]] = {
    "first_batch_seconds": ("to the first batch", "seconds"),
    "rows_per_second": ("reading, encoding", "rows a second"),
    "reading_peak_mb": ("memory to the first batch", "MB at most"),
    "peak_mb": ("memory with training", "MB at most"),
    "training_accuracy": ("training", "accuracy"),
    "training_loss": ("training", "loss (nats)"),
    "evaluation_accuracy": ("evaluation", "accuracy"),
    "evaluation_log_loss": ("evaluation", "log-loss (nats)"),
}
"""Measure -> title and unit of its panel."""


def _plot(rows: Sequence[Row]) -> bytes:
    """The rows as bar charts in PNG, with a panel for each measure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.5), dpi=120, layout="constrained")
    steps = " and ".join(dict.fromkeys(f"{row['steps']:,}" for row in rows))
    figure.suptitle(
        "    ".join(f"{row['phase']} ({row['training_texts']:,} texts)" for row in rows)
        + f"    {steps} steps each; evaluated on {rows[0]['evaluation_texts']:,} texts",
        fontsize=10,
    )
    for panel, (name, labels) in zip(figure.subplots(2, 4).flat, _PANELS.items(), strict=True):
        _draw(panel, [row[name] for row in rows], *labels)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _draw(panel: Axes, values: Sequence[float | None], title: str, unit: str) -> None:
    heights = [value or 0.0 for value in values]
    names = [f"phase {number}" for number, _ in enumerate(values, start=1)]
    bars = panel.bar(names, heights, width=0.6, color=["#4c72b0", "#dd8452"])
    panel.bar_label(bars, ["unknown" if v is None else f"{v:,.4g}" for v in values], fontsize=9)
    panel.set_title(title, fontsize=10)
    panel.set_ylabel(unit, fontsize=9)
    panel.margins(y=0.15)
    panel.spines[["top", "right"]].set_visible(False)
