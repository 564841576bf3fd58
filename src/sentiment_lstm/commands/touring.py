"""The command that walks a newcomer through the others: `tour`.

Every stop is a command line, shown and then run as it stands; nothing here knows how one works.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import typer

from sentiment_lstm.commands.output import print_line, say
from sentiment_lstm.errors import MissingExtraError

_TURNS = "The plot was fine, but I left after an hour."
_BOTH = "The food was great, the service was terrible."
_OWN = ("The soup was good.", "The soup was not good.", "The hotel opens at nine.")


@dataclass(frozen=True, slots=True)
class Stop:
    """A command line without the program's name, and what a newcomer should know of it."""

    said: str
    arguments: tuple[str, ...]


def stops(folder: Path) -> list[Stop]:
    """The way, in order; its training leaves a run in `folder`."""
    run = str(folder)
    return [
        Stop(
            "A trained model ships with the package. Give it texts, and each gets a label and a "
            "calibrated probability; `unknown` is the share of tokens that it has never seen.",
            ("predict", "It was not bad at all.", "Best movie ever? Hardly."),
        ),
        Stop(
            "An LSTM reads from left to right. After each token it could stop and answer: the "
            "probability of `positive` stands behind the tokens that moved it.",
            ("stream", _TURNS),
        ),
        Stop(
            "Which words made the verdict? Each gets the share of the score that is its own.",
            ("explain", _BOTH),
        ),
        Stop(
            "Now a model of your own. A table with texts and labels would do; here a grammar makes "
            "6,000 sentences of three classes. The small model that ships is the start: it knows "
            "the words, and learns anew what to say of them. This takes some ten seconds.",
            (
                "train", "--data", "grammar:6000", "--init", "tiny", "--out", run, "--threads", "1",
                "--set", "training.epochs=3", "--set", "training.learning_rate=0.005",
                "--set", "training.weight_average=0.98", "--set", "model.dropout=0.2",
            ),
        ),
        Stop("It knows a third class now.", ("predict", "--model", run, *_OWN)),
    ]  # fmt: skip


def tour(context: typer.Context) -> None:
    """See predict, stream, explain and train at work, in two minutes."""
    commands: dict[str, Any] = context.find_root().command.commands  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="sentiment-lstm-tour-") as folder:
        run = Path(folder) / "run"
        way = stops(run)
        for number, stop in enumerate(way, start=1):
            if str(run) in stop.arguments and "train" not in stop.arguments and not run.exists():
                continue  # what it would show was not trained
            print_line(f"\n{fill(f'{number} of {len(way)}. {stop.said}', 88)}\n")
            print_line(f"$ {shlex.join(('sentiment-lstm', *stop.arguments))}")
            _go(commands, stop, context)
            if stop is not way[-1]:
                _wait()
    print_line(
        "\nThat was the tour; its model is gone again. Next, your own texts:\n"
        "  sentiment-lstm data yours.csv\n"
        "  sentiment-lstm train --data yours.csv --out runs/yours"
    )


def _go(commands: dict[str, Any], stop: Stop, context: typer.Context) -> None:
    """Run a command as the terminal would; one whose extra is not installed is passed by."""
    name, *rest = stop.arguments
    command = commands[name]
    try:
        with command.make_context(name, rest, parent=context.parent) as inner:
            command.invoke(inner)
    except MissingExtraError as error:
        say(f"Passed by: {error}")
    except ModuleNotFoundError as error:
        say(f"Passed by: {error.name} is not installed: pip install 'sentiment-lstm[train]'.")


def _wait() -> None:
    """Let the reader read, where there is one: at a terminal."""
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
        say("\nEnter goes on, Ctrl-C ends the tour.")
        sys.stdin.readline()
