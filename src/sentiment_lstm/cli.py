"""The command `sentiment-lstm`: thin commands that compose the package.

Results go to standard output, everything else to standard error. Heavy imports stay inside the
commands that need them, so that help and short predictions start at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sentiment_lstm import __version__
from sentiment_lstm.errors import SentimentError, UsageError
from sentiment_lstm.interrupts import Interrupted, Interrupts

if TYPE_CHECKING:
    from sentiment_lstm.reviews.screening import SetAside
    from sentiment_lstm.settings import Settings

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Turns labelled texts into a small LSTM that people can trust.",
)  # fmt: skip
log = Console(stderr=True)

Model = Annotated[
    str | None, typer.Option(help="A run or bundle folder; default: the shipped one.")
]
Data = Annotated[
    str | None, typer.Option(help="imdb, kaggle:OWNER/NAME, hf:NAME, a file or a folder.")
]
Split = Annotated[str | None, typer.Option(help="Which part of the source.")]
TextColumn = Annotated[str | None, typer.Option(help="Column of the text.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the label.")]
GroupColumn = Annotated[
    str | None, typer.Option(help="Column whose values never stand on both sides of the split.")
]
LabelMap = Annotated[
    str | None,
    typer.Option(help="Labels to classes: '0=negative,1=positive' or '<=4=bad,>=7=good'."),
]
Streaming = Annotated[bool, typer.Option("--streaming", help="Read rows only as they are needed.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Seed = Annotated[int | None, typer.Option(help="Fixes split, weights, order and dropout.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads; default: one for each core.")]


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
    data: Data = None,
    preset: Annotated[str, typer.Option(help="quick, seed or large.")] = "quick",
    out: Annotated[Path | None, typer.Option(help="The run folder; it becomes a bundle.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    init: Annotated[Path | None, typer.Option(help="Go on from this trained bundle.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in TOML.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting: section.key=value.")
    ] = None,
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
        _resume(resume)
        return
    if not out:
        raise UsageError("Expected --out FOLDER for the run (or --resume FOLDER), found neither.")
    options = {
        "data.source": data,
        "data.split": split,
        "data.text_column": text_column,
        "data.label_column": label_column,
        "data.group_column": group_column,
        "data.label_map": label_map,
        "data.exclude": exclude,
        "data.streaming": streaming or None,
        "data.strict": strict or None,
        "training.init": str(init) if init else None,
        "training.seed": seed,
        "training.threads": threads,
    }
    _train(_settings(preset, config, options, set_ or []), out)


@app.command()
def quickstart(seed: Seed = None, threads: Threads = None) -> None:
    """Train on IMDb, evaluate and score the study's six sentences, in a few minutes."""
    from sentiment_lstm import tables
    from sentiment_lstm.api import QUICKSTART, SentimentClassifier

    if (QUICKSTART / "settings.json").exists():
        _resume(QUICKSTART)
    else:
        options = {"training.seed": seed, "training.threads": threads}
        _train(_settings("quick", None, options, []), QUICKSTART)
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
    as_json: Json = False,
) -> None:
    """Measure a model on labelled texts; without --data on its own validation texts."""
    from sentiment_lstm import tables

    options = {
        "data.text_column": text_column,
        "data.label_column": label_column,
        "data.label_map": label_map,
        "data.strict": strict or None,
    }
    values = _measured(model, data, split, options)
    if as_json:
        typer.echo(json.dumps(values))
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
        typer.echo(json.dumps(values))


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
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting: section.key=value.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Phase 1 (a CSV, read whole by pandas) against phase 2 (a data set, streamed)."""
    from sentiment_lstm import tables
    from sentiment_lstm.training.comparison import compare_phases

    settings = _settings(preset, None, {}, set_ or [])
    rows = compare_phases(phase1, phase2, settings, steps, out, log, _measured)
    if as_json:
        typer.echo(json.dumps(rows))
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
    as_json: Json = False,
) -> None:
    """Look at a source: rows, classes, lengths, duplicates and what would be set aside."""
    from sentiment_lstm import tables
    from sentiment_lstm.reviews.survey import survey

    options = {
        "data.source": source,
        "data.split": split,
        "data.text_column": text_column,
        "data.label_column": label_column,
        "data.label_map": label_map,
        "data.strict": strict or None,
    }
    settings = _settings("quick", None, options, [])
    found = survey(settings.data, _set_aside(strict))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        tables.counts(found, source)


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage, 130 or 143 interrupted."""
    try:
        with Interrupts():
            app(prog_name="sentiment-lstm")
    except Interrupted as error:
        _stop(f"Interrupted by {error}.", error.exit_code)
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        sys.stderr.close()
    except SentimentError as error:
        if _Debug.wanted:
            raise
        _stop(f"Error: {error}", error.exit_code)
    except Exception as error:
        if _Debug.wanted:
            raise
        _stop(f"Error: {error!r}; `sentiment-lstm --debug ...` shows where.", 1)


def _settings(
    preset: str, config: Path | None, options: Mapping[str, object], sets: Iterable[str]
) -> Settings:
    """A preset, changed by a file, by options that were given, by `--set`, in this order."""
    from sentiment_lstm import settings

    chosen = settings.preset(preset)
    if config:
        chosen = chosen.updated(settings.read_toml(config))
    chosen = chosen.updated({name: v for name, v in options.items() if v is not None})
    pairs = [pair.partition("=") for pair in sets]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError(f"Expected --set section.key=value, found --set {name!r}.")
    return chosen.updated({name: value for name, _, value in pairs})


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
    model: str | None, source: str | None, split: str | None, options: Mapping[str, object]
) -> dict[str, object]:
    """What `evaluate --json` prints."""
    from sentiment_lstm.api import SentimentClassifier

    given = {name: value for name, value in options.items() if value is not None}
    set_aside = _set_aside(bool(given.get("data.strict")))
    return SentimentClassifier.from_pretrained(model).evaluate(source, split, given, set_aside)


def _set_aside(strict: bool) -> SetAside:
    """Bad rows of commands that have no run folder go to a file where the user is."""
    from sentiment_lstm.reviews.screening import SetAside

    return SetAside(Path("set_aside.jsonl"), strict)


def _lines() -> Iterator[str]:
    """The lines of standard input; bytes that are no UTF-8 become U+FFFD."""
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")


def _say(sentence: str) -> None:
    log.print(sentence, highlight=False, markup=False, soft_wrap=True)


def _stop(sentence: str, exit_code: int) -> None:
    _say(sentence)
    sys.exit(exit_code)
