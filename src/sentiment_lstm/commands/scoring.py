"""The commands that score texts with a saved model: `evaluate`, `predict`, `behaviour`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sentiment_lstm.commands.options import (
    AS_USUAL,
    AbstainBelow,
    Data,
    Encoding,
    Json,
    Model,
    Polarity,
    Reading,
    ReportFile,
    Separator,
    SetAsideFile,
    Slices,
    Strict,
    TextColumn,
    Threads,
    data_options,
    refuse_others,
    set_aside_into,
    with_reading,
)
from sentiment_lstm.commands.output import check_page, print_line, say, standard_input
from sentiment_lstm.errors import UsageError
from sentiment_lstm.wording import first_names

if TYPE_CHECKING:
    from sentiment_lstm.inference.predictor import Predictor


OutOfScope = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="Texts that belong to no class: also measure how well --abstain-below finds them.",
    ),
]


@with_reading
def evaluate(
    model: Model = None,
    data: Data = None,
    reading: Reading = AS_USUAL,
    strict: Strict = False,
    set_aside: SetAsideFile = None,
    abstain_below: AbstainBelow = 0.0,
    slice_: Slices = None,
    out_of_scope: OutOfScope = None,
    polarity: Polarity = False,
    report: ReportFile = None,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled texts.

    Without --data, a run is measured on its own validation texts. A run with trials needs --data,
    because it was trained on all its texts.
    """
    from sentiment_lstm import plots
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import run_settings
    from sentiment_lstm.commands import score_tables
    from sentiment_lstm.commands.reporting import write_report
    from sentiment_lstm.evaluation_data import evaluation_data
    from sentiment_lstm.measuring import measure

    if report:
        check_page(report)
        plots.check()
    options = reading.columns() | data_options(strict=strict)
    classifier = SentimentClassifier.from_pretrained(model)
    bad_rows, full = set_aside_into(set_aside, strict), report is not None
    bundle = classifier.bundle
    texts = evaluation_data(bundle.config, data, reading.split, options, run_settings(bundle))
    if data is None:
        left_out = ", ".join(map(_full_path, texts.data.exclude))
        without = f", without those of {left_out}" if left_out else ""
        say(f"Measuring on the {texts.split} texts of {_full_path(texts.data.source)}{without}.")
    values = measure(
        classifier.predictor,
        texts,
        bad_rows,
        abstain_below,
        slice_ or (),
        out_of_scope=out_of_scope,
        in_full=full,
        polarity=polarity,
    )
    if _lacks_other_classes(values):
        say("All texts are negative or positive. --polarity measures these two classes alone.")
    if report:
        write_report(report, classifier, model, values)
    if as_json:
        print_line(json.dumps(values))
    else:
        score_tables.scores(values)


def predict(
    context: typer.Context,
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts, or - to read one text a line.")
    ] = None,
    model: Model = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", help="A csv, tsv, jsonl, parquet or xlsx file, also .zip, .gz, .zst; or -."
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="The output file, or -; with --engine ray a folder.")
    ] = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    separator: Separator = None,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Add a column for each class: probability_NAME."),
    ] = False,
    polarity: Polarity = False,
    abstain_below: AbstainBelow = 0.0,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace an output made from other input or options."),
    ] = False,
    escape_formulas: Annotated[
        bool, typer.Option("--escape-formulas", help="Make texts safe to open in a spreadsheet.")
    ] = False,
    threads: Threads = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="ray: folders of files, by many processes.")
    ] = "local",
    workers: Annotated[
        int, typer.Option(min=0, help="Processes of --engine ray; default: one for each core.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Score texts, all rows of a file, or a folder of files.

    If scoring a file was killed, run the same command again: it continues.
    """
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.commands.files import predict_file, predict_folder
    from sentiment_lstm.provenance import joined_text_columns, text_column_of_training

    _check_what_to_score(texts, input_, output)
    if threads is not None and threads < 1:
        raise UsageError(
            f"Expected --threads of 1 or more, found {threads}: leave it out to use all cores."
        )
    if texts:
        only = ("texts", "model", "polarity", "abstain_below", "threads", "as_json")
        expected = "only --model, --polarity, --abstain-below, --threads and --json with texts"
        refuse_others(context, only, expected)
        classifier = SentimentClassifier.from_pretrained(model, threads or 0)
        _predict_texts(
            classifier.predictor, texts, abstain_below, polarity=polarity, as_json=as_json
        )
        _note_names_of_files(texts)
        return
    assert input_ is not None
    assert output is not None
    _check_engine(engine, input_, output, threads, workers)
    classifier = SentimentClassifier.from_pretrained(model, threads or 0)
    provenance = classifier.bundle.config.provenance
    options = {
        "text_column": text_column or joined_text_columns(provenance),
        "trained_column": text_column_of_training(provenance),
        "encoding": encoding,
        "separator": separator,
        "probabilities": probabilities,
        "polarity": polarity,
        "abstain_below": classifier.predictor.checked_threshold(abstain_below),
        "escape": escape_formulas,
    }
    ways = {"overwrite": overwrite, "as_json": as_json}
    if engine == "ray":
        predict_folder(classifier.bundle, input_, output, options, workers=workers, **ways)
    else:
        predict_file(classifier, input_, output, options, **ways)


def _full_path(source: str) -> str:
    """The name of a source for a message; a path is given in full."""
    from sentiment_lstm.data.source_names import path_of
    from sentiment_lstm.provenance import is_portable

    return source if is_portable(source) else str(path_of(source).absolute())


def _check_what_to_score(texts: list[str] | None, input_: str | None, output: str | None) -> None:
    """Refuse neither texts nor a file, both of them, and an input or output alone."""
    given = {"texts": texts, "--input": input_, "--output": output}
    named = [name for name, value in given.items() if value]
    if named not in (["texts"], ["--input", "--output"]):
        raise UsageError(
            "Expected either texts, or both --input and --output, found "
            f"{first_names(named) or 'none of them'}."
        )


def _check_engine(engine: str, input_: str, output: str, threads: int | None, workers: int) -> None:
    """Refuse options that the engine cannot use."""
    if engine == "ray":
        if threads is not None:
            raise UsageError("Expected --workers with --engine ray, found --threads: name workers.")
        if "-" in (input_, output):
            raise UsageError("Expected two folders with --engine ray, found -: name them.")
    elif workers:
        raise UsageError("Expected --threads without --engine ray, found --workers: name threads.")
    elif Path(input_).is_dir():
        raise UsageError(f"Expected a file, found the folder {input_}: add --engine ray.")


def _predict_texts(
    predictor: Predictor, texts: list[str], abstain_below: float, *, polarity: bool, as_json: bool
) -> None:
    from sentiment_lstm.commands import tables
    from sentiment_lstm.evaluation.polarity import polarity_of
    from sentiment_lstm.inference.two_classes import poles_of

    poles = poles_of(predictor) if polarity else None
    shown, scored = tee(standard_input() if texts == ["-"] else texts)
    predictions = predictor.predict_iter(scored, abstain_below)
    if not as_json:
        tables.predictions(shown, predictions, poles)
        return
    for text, result in zip(shown, predictions, strict=True):
        values: dict[str, object] = {"text": text}
        if predictor.multi_label:
            pairs = zip(result.labels, result.scores, strict=True)
            values["labels"] = [{"label": name, "score": score} for name, score in pairs]
        else:
            values |= {"label": result.label, "score": result.score}
        if poles:
            values["polarity"] = polarity_of(result.probabilities, poles)
        values["unknown"] = result.unknown
        if predictor.text_familiarity is not None:  # older models do not measure it
            values["familiarity"] = result.familiarity
        named = dict(zip(predictor.classes, result.probabilities, strict=True))
        print_line(json.dumps(values | {"probabilities": named}))


def _note_names_of_files(texts: list[str]) -> None:
    for file in filter(os.path.isfile, texts):
        say(
            f"{file} was scored as a text. To score the rows of the file: "
            f"sentiment-lstm predict --input {file} --output scores.csv"
        )


def _lacks_other_classes(values: Mapping[str, Any]) -> bool:
    """Whether the model has other classes besides negative and positive, but no text has them."""
    from sentiment_lstm.evaluation.polarity import NAMES

    names = [name.casefold() for name in values["classes"]]
    if values.get("multi_label") or len(names) == 2 or not set(NAMES) <= set(names):
        return False
    rows = zip(names, values["confusion"], strict=True)
    return all(name in NAMES for name, row in rows if sum(row))


def behaviour(
    model: Model = None,
    suite: Annotated[
        Path | None, typer.Option(help="Your own cases, in JSON Lines; default: the shipped ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Test a model on negation, contrast, irony, names and more."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.commands import tables
    from sentiment_lstm.commands.reporting import scorer_of
    from sentiment_lstm.evaluation.behaviour import run_suite
    from sentiment_lstm.evaluation.cases import read_cases, shipped_cases

    cases = shipped_cases() if suite is None else read_cases(suite)
    results = run_suite(cases, scorer_of(SentimentClassifier.from_pretrained(model)))
    if as_json:
        print_line(json.dumps([result.to_dict() for result in results]))
    else:
        tables.behaviour(results)


def measured(
    model: str | None,
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    *,
    polarity: bool = False,
    label_map: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Measure a model and return the values that `evaluate --json` prints.

    `label_map`: the label map of another training. It is used if the model's own training had none
    and the map names one of the model's classes.
    """
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import run_settings
    from sentiment_lstm.data.screening import SetAside
    from sentiment_lstm.evaluation_data import evaluation_data
    from sentiment_lstm.measuring import measure

    classifier = SentimentClassifier.from_pretrained(model)
    bundle = classifier.bundle
    texts = evaluation_data(bundle.config, source, split, options, run_settings(bundle))
    if label_map and not texts.label_map and {*label_map.values()} & {*bundle.config.classes}:
        texts = replace(texts, label_map=label_map)
    return measure(classifier.predictor, texts, SetAside(None), polarity=polarity)
