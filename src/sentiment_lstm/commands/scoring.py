"""The commands that score texts with a saved model: `evaluate`, `predict`, `behaviour`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import tee
from pathlib import Path
from typing import Annotated

import typer

from sentiment_lstm.commands.output import print_line, standard_input
from sentiment_lstm.options import (
    AbstainBelow,
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
    abstain_below: AbstainBelow = 0.0,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled texts; without --data on its own validation texts."""
    from sentiment_lstm import tables

    options = data_options(
        text_column=text_column, label_column=label_column, label_map=label_map, strict=strict
    )
    values = measured(model, data, split, options, set_aside, abstain_below)
    if as_json:
        print_line(json.dumps(values))
    else:
        tables.scores(values)


def predict(
    texts: Annotated[list[str], typer.Argument(help="Texts, or - for a text a line.")],
    model: Model = None,
    abstain_below: AbstainBelow = 0.0,
    as_json: Json = False,
) -> None:
    """Score texts."""
    from sentiment_lstm import tables
    from sentiment_lstm.api import SentimentClassifier

    predictor = SentimentClassifier.from_pretrained(model).predictor
    given, again = tee(standard_input() if texts == ["-"] else texts)
    found = predictor.predict_iter(again, abstain_below)
    if not as_json:
        tables.predictions(given, found)
        return
    for text, one in zip(given, found, strict=True):
        values = {"text": text, "label": one.label, "score": one.score, "unknown": one.unknown}
        print_line(json.dumps(values))


def behaviour(
    model: Model = None,
    suite: Annotated[
        Path | None, typer.Option(help="Your own cases, in JSON Lines; default: the shipped ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Test what a model understands: negation, contrast, irony, names and more."""
    from sentiment_lstm import tables
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.evaluation.behaviour import positive_scorer, run_suite
    from sentiment_lstm.evaluation.cases import read_cases, shipped_cases

    cases = shipped_cases() if suite is None else read_cases(suite)
    classifier = SentimentClassifier.from_pretrained(model)
    results = run_suite(cases, positive_scorer(classifier.predict_proba, classifier.classes_))
    if as_json:
        print_line(json.dumps([one.to_dict() for one in results]))
    else:
        tables.behaviour(results)


def measured(
    model: str | None,
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    set_aside: Path | None = None,
    abstain_below: float = 0.0,
) -> dict[str, object]:
    """What `evaluate --json` prints."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.reviews.screening import SetAside

    bad_rows = SetAside(set_aside, bool(options.get("data.strict")))
    classifier = SentimentClassifier.from_pretrained(model)
    return classifier.evaluate(source, split, options, bad_rows, abstain_below)
