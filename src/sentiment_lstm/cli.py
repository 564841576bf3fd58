"""The command `sentiment-lstm`: its commands, its exit codes and how it reports failures.

Heavy imports stay inside the commands that need them, so help and short predictions start at once.
"""

from __future__ import annotations

import io
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sentiment_lstm import __version__
from sentiment_lstm.commands.comparing import compare
from sentiment_lstm.commands.explaining import explain
from sentiment_lstm.commands.exporting import export
from sentiment_lstm.commands.fetching import data_fetch, data_list, data_verify
from sentiment_lstm.commands.inspecting import inspect
from sentiment_lstm.commands.looking import data
from sentiment_lstm.commands.output import logged_messages_shown, say
from sentiment_lstm.commands.pushing import push
from sentiment_lstm.commands.scoring import behaviour, evaluate, predict
from sentiment_lstm.commands.serving import serve
from sentiment_lstm.commands.standard_streams import check_output_when_printing
from sentiment_lstm.commands.streaming import stream
from sentiment_lstm.commands.touring import tour
from sentiment_lstm.commands.training import quickstart, train
from sentiment_lstm.errors import SentimentError
from sentiment_lstm.interrupts import Interrupted, Interrupts


class _Commands(TyperGroup):
    """Supports commands of two words, such as `data list`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        pair = " ".join(args[:2])
        return super().resolve_command(ctx, [pair, *args[2:]] if pair in self.commands else args)


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Train a small LSTM on labelled texts, and score texts with it.",
)  # fmt: skip
for _command in (
    train, quickstart, evaluate, predict, stream, explain, behaviour, compare, data, data_list,
    data_fetch, data_verify, inspect, export, push, serve,
    tour,
):  # fmt: skip
    app.command(_command.__name__.replace("_", " "))(_command)


class _Debug:
    """Whether to show tracebacks. The option `--debug` sets it; a failure reads it."""

    on = False


def _version(asked: bool) -> None:
    if asked:
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
    _Debug.on = debug


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage, 130 or 143 interrupted."""
    check_output_when_printing()
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):  # it may lack characters of the texts
            sys.stdout.reconfigure(errors="replace")
        with Interrupts(), logged_messages_shown():
            app(prog_name="sentiment-lstm")
    except Interrupted as error:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C changes nothing
            signal.signal(number, signal.SIG_IGN)
        _stop(f"Interrupted by {error}.", error.exit_code)
    except SentimentError as error:
        if _Debug.on:
            raise
        _stop(f"Error: {error}", error.exit_code)
    except ModuleNotFoundError as error:  # most modules raise MissingExtraError themselves
        if _Debug.on:
            raise
        _stop(
            f"Error: Expected {error.name} for this command, found it is not installed: "
            "pip install 'sentiment-lstm[train]'.",
            1,
        )
    except OSError as error:  # such as standard output on a full disk
        if _Debug.on:
            raise
        _stop(
            "Error: Expected files and standard output that can be read and written, found: "
            f"{error}; `sentiment-lstm --debug ...` shows where.",
            1,
        )
    except Exception as error:
        if _Debug.on:
            raise
        _stop(f"Error: {error!r}; `sentiment-lstm --debug ...` shows where.", 1)


def _stop(sentence: str, exit_code: int) -> None:
    say(sentence)
    sys.exit(exit_code)
