"""The command `sentiment-lstm`: thin commands that compose the package.

Results go to standard output, everything else to standard error. Heavy imports stay inside the
commands that need them, so that help and short predictions start at once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sentiment_lstm import __version__
from sentiment_lstm.errors import SentimentError, UsageError
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.options import (
    Data,
    GroupColumn,
    Json,
    LabelColumn,
    LabelMap,
    Model,
    Seed,
    SetAsideFile,
    Sets,
    Split,
    Streaming,
    Strict,
    TextColumn,
    Threads,
    chosen_settings,
    data_options,
    refuse_others,
)  # fmt: skip

if TYPE_CHECKING:
    from sentiment_lstm.settings import Settings

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Turns labelled texts into a small LSTM that people can trust.",
)  # fmt: skip
log = Console(stderr=True)

SIX_SENTENCES = (
    "I hated this film, it was a total waste of time.",
    "This movie was absolutely amazing and the acting was great.",
    "I really wanted to like this movie but I couldn't.",
    "The cinematography was good but the plot was boring.",
    "It was not bad at all.",
    "Best movie ever? I don't think so.",
)
"""What the study scored its model on: plain, then turns, negation and irony."""


class _Debug:
    """Whether tracebacks are wanted: set by the first option, read when something fails."""

    wanted = False


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sentiment-lstm {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    _Debug.wanted = debug


@app.command()
def train(
    context: typer.Context,
    data: Data = None,
    preset: Annotated[str, typer.Option(help="quick, seed or large.")] = "quick",
    out: Annotated[Path | None, typer.Option(help="The run folder; it becomes a bundle.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    init: Annotated[Path | None, typer.Option(help="Go on from this trained bundle.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in TOML.")] = None,
    set_: Sets = None,
    split: Split = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    label_map: LabelMap = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A source whose texts are dropped from training.")
    ] = None,
    streaming: Streaming = False,
    strict: Strict = False,
    seed: Seed = None,
    threads: Threads = None,
) -> None:
    """Train a model on labelled texts."""
    if resume:
        refuse_others(context, "resume", "beside --resume, for a run keeps its settings")
        _resume(resume)
        return
    if not out:
        raise UsageError("Expected --out FOLDER for the run (or --resume FOLDER), found neither.")
    options = data_options(
        source=data,
        split=split,
        text_column=text_column,
        label_column=label_column,
        group_column=group_column,
        label_map=label_map,
        exclude=exclude,
        streaming=streaming,
        strict=strict,
    )
    options["training.init"] = str(init) if init else None
    options |= {"training.seed": seed, "training.threads": threads}
    _train(chosen_settings(preset, config, options, set_ or []), out)


@app.command()
def quickstart(context: typer.Context, seed: Seed = None, threads: Threads = None) -> None:
    """Train on IMDb, evaluate and score the study's six sentences, in a few minutes."""
    from sentiment_lstm import tables
    from sentiment_lstm.api import QUICKSTART, SentimentClassifier

    if (QUICKSTART / "settings.json").exists():
        refuse_others(context, "", f"for the run that stands in {QUICKSTART}")
        _resume(QUICKSTART)
    else:
        options = {"training.seed": seed, "training.threads": threads}
        _train(chosen_settings("quick", None, options, []), QUICKSTART)
    tables.scores(_measured(str(QUICKSTART), None, None, {}))
    predictor = SentimentClassifier.from_pretrained(QUICKSTART).predictor
    tables.predictions(SIX_SENTENCES, predictor.predict(SIX_SENTENCES))
    _say(
        'Next: sentiment-lstm predict "A text of yours."\n'
        "      sentiment-lstm train --data yours.csv --out runs/yours"
    )


@app.command()
def evaluate(
    model: Model = None,
    data: Data = None,
    split: Split = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_map: LabelMap = None,
    strict: Strict = False,
    set_aside: SetAsideFile = None,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled texts; without --data on its own validation texts."""
    from sentiment_lstm import tables

    options = data_options(
        text_column=text_column, label_column=label_column, label_map=label_map, strict=strict
    )
    values = _measured(model, data, split, options, set_aside)
    if as_json:
        _print(json.dumps(values))
    else:
        tables.scores(values)


@app.command()
def predict(
    texts: Annotated[list[str], typer.Argument(help="Texts, or - for a text a line.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Score texts."""
    from sentiment_lstm import tables
    from sentiment_lstm.api import SentimentClassifier

    predictor = SentimentClassifier.from_pretrained(model).predictor
    given = _lines() if texts == ["-"] else iter(texts)
    if not as_json:
        held = list(given)
        tables.predictions(held, predictor.predict(held))
        return
    given, again = tee(given)
    for text, one in zip(given, predictor.predict_iter(again), strict=True):
        values = {"text": text, "label": one.label, "score": one.score, "unknown": one.unknown}
        _print(json.dumps(values))


@app.command()
def compare(
    phase1: Annotated[str, typer.Option(help="Kaggle's CSV, its zip or kaggle:OWNER/NAME.")] = (
        "kaggle:lakshmi25npathi/imdb-dataset-of-50k-movie-reviews"
    ),
    phase2: Annotated[str, typer.Option(help="hf:NAME or a folder laid out like one.")] = (
        "hf:stanfordnlp/imdb"
    ),
    preset: Annotated[str, typer.Option(help="quick, seed or large.")] = "quick",
    steps: Annotated[int, typer.Option(help="Updates that each phase trains.", min=1)] = 200,
    out: Annotated[Path, typer.Option(help="Folder of runs, comparison.json and plot.")] = Path(
        "runs/compare"
    ),
    set_: Sets = None,
    as_json: Json = False,
) -> None:
    """Phase 1 (a CSV, read whole by pandas) against phase 2 (a data set, streamed)."""
    from sentiment_lstm import tables
    from sentiment_lstm.training.comparison import compare_phases

    settings = chosen_settings(preset, None, {}, set_ or [])
    rows = compare_phases(phase1, phase2, settings, steps, out, log, _measured)
    if as_json:
        _print(json.dumps(rows))
    else:
        tables.phases(rows)


@app.command()
def data(
    source: Annotated[str, typer.Argument(help="imdb, kaggle:OWNER/NAME, hf:NAME or a path.")],
    split: Split = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_map: LabelMap = None,
    strict: Strict = False,
    set_aside: SetAsideFile = None,
    as_json: Json = False,
) -> None:
    """Look at a source: rows, classes, lengths, duplicates and what would be set aside."""
    from sentiment_lstm import tables
    from sentiment_lstm.reviews.screening import SetAside
    from sentiment_lstm.reviews.survey import survey

    options = data_options(
        source=source,
        split=split,
        text_column=text_column,
        label_column=label_column,
        label_map=label_map,
        strict=strict,
    )
    settings = chosen_settings("quick", None, options, [])
    found = survey(settings.data, SetAside(set_aside, strict))
    if as_json:
        _print(json.dumps(found))
    else:
        tables.counts(found, source)


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage, 130 or 143 interrupted."""
    try:
        with Interrupts():
            app(prog_name="sentiment-lstm")
    except Interrupted as error:
        for number in (signal.SIGINT, signal.SIGTERM):  # an impatient second one changes nothing
            signal.signal(number, signal.SIG_IGN)
        _stop(f"Interrupted by {error}.", error.exit_code)
    except SentimentError as error:
        if _Debug.wanted:
            raise
        _stop(f"Error: {error}", error.exit_code)
    except Exception as error:
        if _Debug.wanted:
            raise
        _stop(f"Error: {error!r}; `sentiment-lstm --debug ...` shows where.", 1)


def _train(settings: Settings, folder: Path) -> None:
    from sentiment_lstm.training.run import train

    metrics = train(settings, folder, log)
    _say(
        f"Saved {folder}: validation accuracy {metrics['validation_accuracy']:.4f}, "
        f"log-loss {metrics['validation_loss']:.4f}, {metrics['train_seconds']:.0f} s."
    )


def _resume(folder: Path) -> None:
    from sentiment_lstm.training.run import resume

    if resume(folder, log) is None:
        _say(f"The run in {folder} is finished already.")


def _measured(
    model: str | None,
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    set_aside: Path | None = None,
) -> dict[str, object]:
    """What `evaluate --json` prints."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.reviews.screening import SetAside

    bad_rows = SetAside(set_aside, bool(options.get("data.strict")))
    return SentimentClassifier.from_pretrained(model).evaluate(source, split, options, bad_rows)


def _print(line: str) -> None:
    """Print a result; a reader that has seen enough (`| head`) ends the command in peace."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def _lines() -> Iterator[str]:
    """The lines of standard input; bytes that are no UTF-8 become U+FFFD."""
    if sys.stdin is None:
        raise UsageError("Expected texts on standard input, found it closed: give them as words.")
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")


def _say(sentence: str) -> None:
    log.print(sentence, highlight=False, markup=False, soft_wrap=True)


def _stop(sentence: str, exit_code: int) -> None:
    _say(sentence)
    sys.exit(exit_code)
