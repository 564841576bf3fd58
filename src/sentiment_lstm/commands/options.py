"""Options that several commands share, and the settings that they give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from sentiment_lstm import presets
from sentiment_lstm.data.source_names import SOURCES
from sentiment_lstm.errors import UsageError
from sentiment_lstm.setting_names import current_name, read_toml, warn_of_old_names
from sentiment_lstm.settings import Settings

if TYPE_CHECKING:
    from sentiment_lstm.data.screening import SetAside

Model = Annotated[
    str | None, typer.Option(help="A folder, default, tiny, or OWNER/NAME[@REVISION] on the hub.")
]
Data = Annotated[
    str | None,
    typer.Option(help=f"{SOURCES}. `data list` shows every data:NAME."),
]
Split = Annotated[
    str | None, typer.Option(help="The part of the source to read, such as train or test.")
]
TextColumn = Annotated[
    str | None,
    typer.Option(help="The column that holds the text, or several to join: subject,body."),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a csv, tsv or jsonl file, such as cp1252; default: detected."),
]
Separator = Annotated[
    str | None,
    typer.Option(help="Character between csv columns, such as ; or tab; default: detected."),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="The column of the label. With --multi-label also one column for each: joy,love."
    ),
]
MultiLabel = Annotated[
    bool | None,
    typer.Option(
        "--multi-label",
        help="A text may have several labels, or none: a list, joy|love in csv, or a column of 0 "
        "and 1 for each label.",
    ),
]
LabelSeparator = Annotated[
    str | None,
    typer.Option(
        help="Character between the labels of --multi-label; default: |, ; or , is detected."
    ),
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        help="Rows with the same value in this column stay together, in training or in validation."
    ),
]
LabelMap = Annotated[
    str | None,
    typer.Option(
        help="Labels to classes: '0=negative,1=positive' or '<=4=bad,>=7=good'. A decimal number "
        "such as 0.5 is the probability of the second class: '0=bad,1=0.5,2=good'."
    ),
]
Streaming = Annotated[
    bool, typer.Option("--streaming", help="Read rows when they are needed, not all at once.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first bad row instead of setting it aside.")
]
AbstainBelow = Annotated[
    float, typer.Option(help="Leave texts with a lower score unlabelled: at least 0, below 1.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Seed = Annotated[
    int | None, typer.Option(help="Fixes all that is random: split, first weights, order, dropout.")
]
Threads = Annotated[int | None, typer.Option(help="CPU threads; default: one for each core.")]
Polarity = Annotated[
    bool,
    typer.Option("--polarity", help="Two classes: P(positive) / (P(positive) + P(negative))."),
]
Slices = Annotated[
    list[str] | None,
    typer.Option(
        "--slice", help="Also measure the texts of each value of this column; may be repeated."
    ),
]
ReportFile = Annotated[
    Path | None, typer.Option(help="Write a report about the model to this HTML file.")
]
SetAsideFile = Annotated[
    Path | None,
    typer.Option("--set-aside", help="Write bad rows to this new file."),
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting: section.key=value; may be repeated.")
]


@dataclass(frozen=True, slots=True)
class Reading:
    """Options for reading the rows of a source, for all commands with labelled texts."""

    split: Split = None
    text_column: TextColumn = None
    label_column: LabelColumn = None
    label_map: LabelMap = None
    multi_label: MultiLabel = None
    label_separator: LabelSeparator = None
    encoding: Encoding = None
    separator: Separator = None

    def columns(self) -> dict[str, object]:
        """The given settings of columns, labels and files."""
        return data_options(
            text_column=self.text_column,
            label_column=self.label_column,
            label_map=self.label_map,
            multi_label=self.multi_label,
            label_separator=self.label_separator,
            encoding=self.encoding,
            separator=self.separator,
        )


AS_USUAL = Reading()


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Reading` in place of its parameter `reading`."""
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in get_type_hints(Reading, include_extras=True).items()
    ]

    @wraps(command)
    def run(**values: Any) -> None:  # noqa: ANN401
        reading = Reading(**{option.name: values.pop(option.name) for option in options})
        command(**values, reading=reading)

    parameters: list[Parameter] = []
    for parameter in signature(command, eval_str=True).parameters.values():
        keyword = parameter.replace(kind=Parameter.KEYWORD_ONLY)
        parameters += options if parameter.name == "reading" else [keyword]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def chosen_settings(
    preset: str, config: Path | None, options: Mapping[str, object], sets: Iterable[str]
) -> Settings:
    """A preset, changed by a file, then by the options that were given, then by `--set`.

    Raises:
        UsageError: there is no such preset or setting, or a value does not fit it.
    """
    given: dict[str, object] = dict(read_toml(config)) if config else {}
    given |= {name: value for name, value in options.items() if value is not None}
    given |= given_by_set(sets)
    return presets.chosen(preset, given)


def given_by_set(pairs: Iterable[str]) -> dict[str, str]:
    """The values of `--set section.key=value`; the last value wins.

    Raises:
        UsageError: one has no `=`.
    """
    parts = [pair.partition("=") for pair in pairs]
    for name, equals, _ in parts:
        if not equals:
            raise UsageError(f"Expected --set section.key=value, found --set {name!r}.")
    warn_of_old_names(name for name, _, _ in parts)
    return {current_name(name): value for name, _, value in parts}


def set_aside_into(path: Path | None, strict: bool) -> SetAside:
    """Bad rows go to a new file, or are only counted.

    Raises:
        UsageError: the file exists already; it may even be the source.
    """
    from sentiment_lstm.data.screening import SetAside

    if path is not None and path.is_file():
        raise UsageError(
            f"Expected a new file for the rows set aside, found {path} there already: name "
            "another with --set-aside, or remove it."
        )
    return SetAside(path, strict)


def data_options(**options: object) -> dict[str, object]:
    """The given settings of the section `data`, by name."""
    return {f"data.{key}": v for key, v in options.items() if v is not None and v is not False}


def refuse_others(context: typer.Context, allowed: Collection[str], expected: str) -> None:
    """Refuse options that the command would ignore. `expected` describes the allowed ones.

    Raises:
        UsageError: an option that is not in `allowed` was given.
    """
    sources = {name: context.get_parameter_source(name) for name in context.params}
    ignored = [n for n, s in sources.items() if s and s.name == "COMMANDLINE" and n not in allowed]
    if ignored:
        names = ", ".join("--" + name.strip("_").replace("_", "-") for name in ignored)
        raise UsageError(f"Expected {expected}, found {names}: leave them out.")
