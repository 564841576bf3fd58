"""The command `data SOURCE`: counts what a source holds, before a training."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sentiment_lstm.commands.options import (
    AS_USUAL,
    Json,
    Reading,
    SetAsideFile,
    Strict,
    chosen_settings,
    data_options,
    set_aside_into,
    with_reading,
)
from sentiment_lstm.commands.output import print_line, say
from sentiment_lstm.data.source_names import SOURCES


@with_reading
def data(
    source: Annotated[str, typer.Argument(help=f"{SOURCES}.")],
    reading: Reading = AS_USUAL,
    strict: Strict = False,
    set_aside: SetAsideFile = None,
    as_json: Json = False,
) -> None:
    """Count the rows, classes, lengths and duplicates of a source.

    It also says which rows cannot be used, and why.

    `data list`, `data fetch NAME` and `data verify` are about the sets known by name. A file of
    your own called list, fetch or verify is ./list, ./fetch or ./verify.
    """
    from sentiment_lstm.commands import tables
    from sentiment_lstm.data.label_notes import label_notes
    from sentiment_lstm.data.survey import survey

    split = _only_split(source) if reading.split is None else reading.split
    options = reading.columns() | data_options(source=source, split=split, strict=strict)
    settings = chosen_settings("quick", None, options, [])
    bad_rows = set_aside_into(set_aside, strict)
    figures = survey(settings.data, bad_rows)
    if as_json:
        print_line(json.dumps(figures))
    else:
        tables.counts(figures, source)
    multi_label, lists = settings.data.multi_label, bad_rows.lists
    for note in label_notes(list(figures["classes"]), multi_label=multi_label, lists=lists):
        say(note)


def _only_split(source: str) -> str | None:
    """Return the only split of a source; None if it has several or none."""
    from sentiment_lstm.data.open import list_splits

    splits = list_splits(source)
    return splits[0] if len(splits) == 1 else None
