"""Prints results to standard output, and everything else to standard error."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console

from sentiment_lstm.errors import UsageError
from sentiment_lstm.wording import printable

log = Console(stderr=True)


def say(sentence: str) -> None:
    """Print a sentence for people on one line, to standard error."""
    log.print(printable(sentence), highlight=False, markup=False, soft_wrap=True)


@contextmanager
def logged_messages_shown() -> Iterator[None]:
    """While the block runs, print the log messages of the package to standard error."""
    logger, handler = logging.getLogger("sentiment_lstm"), _Messages()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Messages(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Print a message as one line."""
        say(record.getMessage())


def print_line(line: str) -> None:
    """Print a line of the result. The command ends quietly if the reader stops (`| head`)."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        ignore_further_output()
        raise typer.Exit from None


class ResultConsole(Console):
    """Writes to standard output. The command ends quietly if the reader stops (`| head`)."""

    def on_broken_pipe(self) -> None:
        """End the command without an error."""
        ignore_further_output()
        raise typer.Exit


def ignore_further_output() -> None:
    """Close the pipe of standard output, whose reader has stopped."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_page(path: Path) -> None:
    """Check early that a page can be written, and that it replaces no other type of file.

    A missing folder is made when the page is written.

    Raises:
        UsageError: the path is not an HTML file in a folder that can be written to.
    """
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise UsageError(f"Expected a file .html for the page, found {str(path)!r}: name one.")
    if not folder.is_dir():
        raise UsageError(f"Expected a folder for the page, found the file {folder}: name another.")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"Expected a folder that you may write to, found {folder}: name another.")


def standard_input() -> Iterator[str]:
    """The lines of standard input. Bytes that are not UTF-8 become U+FFFD."""
    if sys.stdin is None:
        raise UsageError(
            "Expected texts on standard input, found it closed: give them as arguments."
        )
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")
