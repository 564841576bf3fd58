"""Options that several commands share, and the settings they add up to. Knows no command."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment_lstm import presets, settings
from sentiment_lstm.errors import UsageError
from sentiment_lstm.settings import Settings

if TYPE_CHECKING:
    from sentiment_lstm.data.screening import SetAside

Model = Annotated[
    str | None, typer.Option(help="A run or bundle folder, or tiny; default: the one that ships.")
]
Data = Annotated[
    str | None,
    typer.Option(
        help="imdb, data:NAME (see data list), kaggle:OWNER/NAME, hf:OWNER/NAME[/CONFIGURATION], "
        "a file or a folder."
    ),
]
Split = Annotated[str | None, typer.Option(help="Which part of the source.")]
TextColumn = Annotated[str | None, typer.Option(help="Column of the text.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the label.")]
GroupColumn = Annotated[
    str | None, typer.Option(help="Column whose values never stand on both sides of the split.")
]
LabelMap = Annotated[
    str | None,
    typer.Option(
        help="Labels to classes: '0=negative,1=positive' or '<=4=bad,>=7=good'; a number with a "
        "point is the second class's share: '0=bad,1=0.5,2=good'."
    ),
]
Streaming = Annotated[bool, typer.Option("--streaming", help="Read rows only as they are needed.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")]
AbstainBelow = Annotated[
    float, typer.Option(help="Give no label to a text whose score is lower: from 0 to below 1.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Seed = Annotated[int | None, typer.Option(help="Fixes split, weights, order and dropout.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads; default: one for each core.")]
Slices = Annotated[
    list[str] | None,
    typer.Option("--slice", help="A column whose values are measured apart; more than one may be."),
]
ReportFile = Annotated[
    Path | None, typer.Option(help="Write a page about the model there, in HTML.")
]
SetAsideFile = Annotated[
    Path | None,
    typer.Option("--set-aside", help="A new file for bad rows; else they are only counted."),
]
Sets = Annotated[list[str] | None, typer.Option("--set", help="Any setting: section.key=value.")]


def chosen_settings(
    preset: str, config: Path | None, options: Mapping[str, object], sets: Iterable[str]
) -> Settings:
    """A preset, changed by a file, by options that were given, by `--set`, in this order."""
    chosen = presets.preset(preset)
    if config:
        chosen = chosen.updated(settings.read_toml(config))
    chosen = chosen.updated({name: v for name, v in options.items() if v is not None})
    pairs = [pair.partition("=") for pair in sets]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError(f"Expected --set section.key=value, found --set {name!r}.")
    return chosen.updated({name: value for name, _, value in pairs})


def set_aside_into(path: Path | None, strict: bool) -> SetAside:
    """Where a command that only looks puts bad rows: a new file, or nowhere.

    Raises:
        UsageError: the file is there already; it may be what is read.
    """
    from sentiment_lstm.data.screening import SetAside

    if path is not None and path.is_file():
        raise UsageError(
            f"Expected a new file for the rows set aside, found {path} there already: name "
            "another by --set-aside, or remove it."
        )
    return SetAside(path, strict)


def data_options(**given: object) -> dict[str, object]:
    """Settings of the section `data` by name, those that were not given left out."""
    return {f"data.{key}": v for key, v in given.items() if v is not None and v is not False}


def refuse_others(context: typer.Context, allowed: Collection[str], why: str) -> None:
    """Refuse options that a command would have to ignore.

    Raises:
        UsageError: another option than `allowed` was given.
    """
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = [n for n, s in sources.items() if s and s.name == "COMMANDLINE" and n not in allowed]
    if given:
        names = ", ".join("--" + name.strip("_").replace("_", "-") for name in given)
        raise UsageError(f"Expected no other option {why}, found {names}: leave them out.")
