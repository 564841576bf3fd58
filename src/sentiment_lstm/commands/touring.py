"""The command `tour`: shows the other commands to a newcomer.

Each stop is a command line that is printed and then run.
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

from sentiment_lstm.commands.output import log, print_line, say
from sentiment_lstm.errors import MissingExtraError

_TURNS = "The plot was fine, but I left after an hour."
_BOTH = "The food was great, the service was terrible."
_OWN = ("The soup was good.", "The soup was not good.", "The hotel opens at nine.")


@dataclass(frozen=True, slots=True)
class Stop:
    """A command line without the program's name, and its introduction."""

    introduction: str
    arguments: tuple[str, ...]


def stops(folder: Path) -> list[Stop]:
    """Return the stops in order. The training writes its run to `folder`."""
    run = str(folder)
    return [
        Stop(
            "A trained model ships with the package. It gives each text a label and a calibrated "
            "probability. `unknown` is the fraction of tokens that the model has never seen.",
            ("predict", "It was not bad at all.", "Best movie ever? Hardly."),
        ),
        Stop(
            "An LSTM reads from left to right, and has an answer after each token. The number "
            "behind a token goes from 0 for negative to 1 for positive.",
            ("stream", _TURNS),
        ),
        Stop(
            "Which words decided? Each word gets its part of the score.",
            ("explain", _BOTH),
        ),
        Stop(
            "Now train a model of your own. You would use a table of texts and labels. Here a "
            "grammar makes 6,000 sentences of three classes. Training starts from the small model "
            "that ships, which already knows the words. This takes about ten seconds.",
            (
                "train", "--data", "grammar:6000", "--init", "tiny", "--out", run, "--threads", "1",
                "--set", "training.epochs=3", "--set", "training.learning_rate=0.005",
                "--set", "training.weight_average=0.98", "--set", "model.dropout=0.2",
            ),
        ),
        Stop(
            "The new model knows the classes of the grammar. It trained for a few seconds only, so "
            "it still takes some sentences wrongly, such as the second one here.",
            ("predict", "--model", run, *_OWN),
        ),
    ]  # fmt: skip


def tour(context: typer.Context) -> None:
    """See predict, stream, explain and train in two minutes."""
    commands: dict[str, Any] = context.find_root().command.commands  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="sentiment-lstm-tour-") as folder:
        run = Path(folder) / "run"
        route = stops(run)
        for number, stop in enumerate(route, start=1):
            if str(run) in stop.arguments and "train" not in stop.arguments and not run.exists():
                continue  # there is no model to show
            print_line(f"\n{fill(f'{number} of {len(route)}. {stop.introduction}', 88)}\n")
            print_line(f"$ {shlex.join(('sentiment-lstm', *stop.arguments))}")
            _run(commands, stop, context)
            if stop is not route[-1]:
                _wait()
    print_line(
        "\nThat was the tour. Its model is deleted. Next, try your own texts:\n"
        "  sentiment-lstm data yours.csv\n"
        "  sentiment-lstm train --data yours.csv --out runs/yours"
    )


def _run(commands: dict[str, Any], stop: Stop, context: typer.Context) -> None:
    """Run a command as the terminal would, and skip it if its extra is not installed."""
    name, *rest = stop.arguments
    command = commands[name]
    try:
        with command.make_context(name, rest, parent=context.parent) as inner:
            command.invoke(inner)
    except MissingExtraError as error:
        say(f"Skipped: {error}")
    except ModuleNotFoundError as error:
        say(f"Skipped: {error.name} is not installed: pip install 'sentiment-lstm[train]'.")


def _wait() -> None:
    """Wait for Enter, if standard input and output are a terminal."""
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
        log.print()
        say("Press Enter to continue or Ctrl-C to end the tour.")
        sys.stdin.readline()
