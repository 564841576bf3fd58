"""The command `data SOURCE`: looks at a source before anything is trained on it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sentiment_lstm.commands.options import (
    Json,
    LabelColumn,
    LabelMap,
    SetAsideFile,
    Split,
    Strict,
    TextColumn,
    chosen_settings,
    data_options,
    set_aside_into,
)
from sentiment_lstm.commands.output import print_line


def data(
    source: Annotated[
        str,
        typer.Argument(
            help="imdb, data:NAME, kaggle:OWNER/NAME, hf:OWNER/NAME[/CONFIGURATION] or a path."
        ),
    ],
    split: Split = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_map: LabelMap = None,
    strict: Strict = False,
    set_aside: SetAsideFile = None,
    as_json: Json = False,
) -> None:
    """Look at a source: rows, classes, lengths, duplicates and what would be set aside.

    `data list`, `data fetch NAME` and `data verify` are about the sets known by name. A file of
    your own called list, fetch or verify is ./list, ./fetch or ./verify.
    """
    from sentiment_lstm.commands import tables
    from sentiment_lstm.data.survey import survey

    options = data_options(
        source=source,
        split=split,
        text_column=text_column,
        label_column=label_column,
        label_map=label_map,
        strict=strict,
    )
    settings = chosen_settings("quick", None, options, [])
    figures = survey(settings.data, set_aside_into(set_aside, strict))
    if as_json:
        print_line(json.dumps(figures))
    else:
        tables.counts(figures, source)
