"""Where a command's words go: results to standard output, everything else to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import typer
from rich.console import Console

from sentiment_lstm.errors import UsageError

log = Console(stderr=True)


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    log.print(sentence, highlight=False, markup=False, soft_wrap=True)


def print_line(line: str) -> None:
    """Print a result; a reader that has seen enough (`| head`) ends the command in peace."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def standard_input() -> Iterator[str]:
    """The lines of standard input; bytes that are no UTF-8 become U+FFFD."""
    if sys.stdin is None:
        raise UsageError("Expected texts on standard input, found it closed: give them as words.")
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")
