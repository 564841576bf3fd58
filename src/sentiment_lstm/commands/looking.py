"""The commands that look at what there is: `data`."""

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
    source: Annotated[str, typer.Argument(help="imdb, kaggle:OWNER/NAME, hf:NAME or a path.")],
    split: Split = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_map: LabelMap = None,
    strict: Strict = False,
    set_aside: SetAsideFile = None,
    as_json: Json = False,
) -> None:
    """Look at a source: rows, classes, lengths, duplicates and what would be set aside."""
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
    found = survey(settings.data, set_aside_into(set_aside, strict))
    if as_json:
        print_line(json.dumps(found))
    else:
        tables.counts(found, source)
