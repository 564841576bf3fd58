"""Runs commands one after another, and prints as JSON what each did outside the current folder.

`python watched_commands.py` reads a JSON list of commands, each a list of arguments, from standard
input. An audit hook of Python reports connections, name look-ups and files that are written, made,
moved or removed. Native libraries are watched too: what they leave in the home and in the temporary
folder is listed after each command.
"""

import contextlib
import io
import json
import os
import sys
from pathlib import Path

from sentiment_lstm.cli import main

NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")
PATHS = ("os.mkdir", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.rename")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
HARMLESS = (os.devnull, "/dev/shm", "/proc/self")
"""Not on a disk: libraries keep locks between their threads in shared memory."""

events: list[str] = []


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in NETWORK and "'::1'" not in str(arguments):  # urllib3 asks whether there is IPv6
        events.append(f"{event} {arguments[1:]}")
    elif event in PATHS:
        note(event, arguments[:2] if event in ("os.rename", "os.link") else arguments[:1])
    elif event == "open":
        path, mode, flags = arguments
        if set(str(mode or "")) & set("wax+") or (isinstance(flags, int) and flags & WRITING):
            note(event, (path,))


def note(event: str, paths: tuple[object, ...]) -> None:
    """Keep an event outside the current and the temporary folder."""
    inside = (str(Path.cwd()), os.environ["TMPDIR"])
    for path in paths:
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if isinstance(path, str) and not str(Path(path).absolute()).startswith(
            (*inside, *HARMLESS)
        ):
            events.append(f"{event} {path}")


def run(arguments: list[str]) -> dict[str, object]:
    events.clear()
    sys.argv = ["sentiment-lstm", *arguments]
    said, code = io.StringIO(), 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    folders = (os.environ["HOME"], os.environ["TMPDIR"])
    left = sorted(str(path) for folder in folders for path in Path(folder).rglob("*"))
    return {
        "command": arguments,
        "code": code,
        "events": list(events),
        "left": left,
        "said": said.getvalue()[-1000:],
    }


if __name__ == "__main__":
    commands = json.load(sys.stdin)
    sys.addaudithook(watch)
    print(json.dumps([run(command) for command in commands]))
