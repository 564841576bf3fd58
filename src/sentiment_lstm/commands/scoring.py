"""The commands that score texts with a saved model: `evaluate`, `predict`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import tee
from pathlib import Path
from typing import Annotated

import typer

from sentiment_lstm.commands.output import print_line, standard_input
from sentiment_lstm.options import (
    Data,
    Json,
    LabelColumn,
    LabelMap,
    Model,
    SetAsideFile,
    Split,
    Strict,
    TextColumn,
    data_options,
)


def evaluate(
    model: Model = None,
    data: Data = None,
    split: Split = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_map: LabelMap = None,
    strict: Strict = False,
    set_aside: SetAsideFile = None,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled texts; without --data on its own validation texts."""
    from sentiment_lstm import tables

    options = data_options(
        text_column=text_column, label_column=label_column, label_map=label_map, strict=strict
    )
    values = measured(model, data, split, options, set_aside)
    if as_json:
        print_line(json.dumps(values))
    else:
        tables.scores(values)


def predict(
    texts: Annotated[list[str], typer.Argument(help="Texts, or - for a text a line.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Score texts."""
    from sentiment_lstm import tables
    from sentiment_lstm.api import SentimentClassifier

    predictor = SentimentClassifier.from_pretrained(model).predictor
    given = standard_input() if texts == ["-"] else iter(texts)
    if not as_json:
        held = list(given)
        tables.predictions(held, predictor.predict(held))
        return
    given, again = tee(given)
    for text, one in zip(given, predictor.predict_iter(again), strict=True):
        values = {"text": text, "label": one.label, "score": one.score, "unknown": one.unknown}
        print_line(json.dumps(values))


def measured(
    model: str | None,
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    set_aside: Path | None = None,
) -> dict[str, object]:
    """What `evaluate --json` prints."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.reviews.screening import SetAside

    bad_rows = SetAside(set_aside, bool(options.get("data.strict")))
    return SentimentClassifier.from_pretrained(model).evaluate(source, split, options, bad_rows)
