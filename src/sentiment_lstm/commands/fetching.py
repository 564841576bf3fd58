"""The commands about data sets known by name: `data list`, `data fetch`, `data verify`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment_lstm.commands.options import Json
from sentiment_lstm.commands.output import print_line, say

if TYPE_CHECKING:
    from sentiment_lstm.data.registry import DataSet


def data_list(as_json: Json = False) -> None:
    """List the data sets that have a name, with their terms."""
    from sentiment_lstm.data import registry

    folders = {name: registry.find_folder(name) for name in registry.registered()}
    if as_json:
        entries = [
            asdict(entry) | {"folder": None if folders[name] is None else str(folders[name])}
            for name, entry in registry.registered().items()
        ]
        print_line(json.dumps(entries))
        return
    rows = [
        [f"data:{name}", entry.title, _row_counts(entry), entry.license or entry.terms,
         str(folders[name] or _not_here(entry))]
        for name, entry in registry.registered().items()
    ]  # fmt: skip
    _show(["name", "what", "rows", "licence or terms", "where"], rows)


def data_fetch(
    name: Annotated[str, typer.Argument(help="A name that `data list` shows, such as imdb.")],
) -> None:
    """Download a data set from the Hugging Face hub."""
    from sentiment_lstm.data import registry
    from sentiment_lstm.data.fetching import fetch

    name = name.removeprefix("data:")
    fetched = fetch(name)
    entry = registry.data_set(name)
    print_line(str(fetched.folder))
    say(f"Open it as data:{name}. Terms: {entry.terms}")
    for difference in fetched.differences:
        say(f"Differs from the project's own copy: {difference}")
    if fetched.differences and entry.note:
        say(entry.note)


def data_verify(
    name: Annotated[
        str | None,
        typer.Argument(help="A name that `data list` shows; default: all sets on this machine."),
    ] = None,
) -> None:
    """Compare the files of data sets with the registry.

    The exit code is 1 if a file differs.

    A file is `ok`, `as fetched` (the hub's copy, unchanged since its download), an `other file`
    or `missing`. If the folder holds files of your own instead, they are listed.
    """
    from sentiment_lstm.data.fetching import verify, verify_all

    if name is None:
        verified = verify_all()
    else:
        name = name.removeprefix("data:")
        verified = {name: verify(name)}
    rows = [
        [f"data:{known}", file.split, file.file, file.status]
        for known, files in verified.items()
        for file in files
    ]
    _show(["name", "split", "file", "status"], rows)
    if any(status not in ("ok", "as fetched") for *_, status in rows):
        raise typer.Exit(1)


def _not_here(entry: DataSet) -> str:
    from sentiment_lstm.data.registry import WITHOUT_NETWORK

    part = WITHOUT_NETWORK.get(entry.name)
    return f"not here; {part}" if part else "not here"


def _row_counts(entry: DataSet) -> str:
    return ", ".join(f"{split} {file.rows:,}" for split, file in entry.splits.items())


def _show(head: list[str], rows: list[list[str]]) -> None:
    from sentiment_lstm.commands.tables import Table, show

    table = Table(*head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    show(table)
