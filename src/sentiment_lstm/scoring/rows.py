"""The rows of an output: the columns of the input, and the prediction for each row's text.

This file knows nothing of parts or interruptions.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from sentiment_lstm.data.encodings import UTF_8
from sentiment_lstm.data.formats import DELIMITERS, WORKBOOK, Format
from sentiment_lstm.data.label_notes import SEPARATORS
from sentiment_lstm.data.libraries import pyarrow
from sentiment_lstm.data.packing import pack_piece
from sentiment_lstm.data.source import (
    ROWS_FOR_COLUMNS,
    choose_columns,
    choose_of_rows,
    joined_text,
)
from sentiment_lstm.data.tables import to_bytes, to_parquet, without_formula
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.evaluation.polarity import Poles, polarity_of
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.scoring.records import Input, ScoringRecord
from sentiment_lstm.settings import DataSettings

LABEL, SCORE = "predicted_label", "predicted_score"
"""The names of the two columns that scoring adds."""
LABELS, SCORES = "predicted_labels", "predicted_scores"
"""Their names if a text may have several labels. They hold lists in jsonl and parquet, else joined
labels."""
POLARITY = "predicted_polarity"
"""The name of the column of the polarity, if it is asked for."""
PROBABILITY = "probability_"
"""The beginning of the names of the columns of probabilities, one for each class."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of an output.

    `columns`: the columns of the input, [] if no row names any. `texts`: the columns of texts, ()
    if there are no columns. `schema`: the `pyarrow.Schema` of the input's columns if the output is
    parquet, else None. `separator`: between the columns of csv; None: the usual one.
    `has_mark`: whether a byte order mark tells spreadsheets that the output is UTF-8.
    `probabilities`: the columns of probabilities, in the order of the classes; () if they are not
    asked for. `joined_by`: the character between several labels of a text; None if each text has
    one class. `poles`: the class indices of negative and positive if the polarity is asked for.
    """

    columns: Sequence[str]
    texts: tuple[str, ...]
    file_format: Format
    schema: Any = None
    separator: str | None = None
    has_mark: bool = False
    probabilities: tuple[str, ...] = ()
    joined_by: str | None = None
    poles: Poles | None = None

    @property
    def verdict(self) -> tuple[str, str]:
        """The columns of the label and its score."""
        return (LABEL, SCORE) if self.joined_by is None else (LABELS, SCORES)

    @property
    def added(self) -> tuple[str, ...]:
        """The columns that scoring adds."""
        return (*self.verdict, *([POLARITY] if self.poles else []), *self.probabilities)

    @property
    def has_lists(self) -> bool:
        """Whether labels and scores are written as lists."""
        return self.joined_by is not None and self.file_format.kind not in DELIMITERS


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Rows with their predictions, and the rows set aside: `line`, `reason`, `row`."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    set_aside: list[dict[str, Any]] = field(default_factory=list)


def make_layout(
    opened: Input,
    records: Sequence[ScoringRecord],
    name: str,
    file_format: Format,
    text_column: str | None = None,
    trained_column: str | None = None,
    probabilities_of: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    poles: Poles | None = None,
) -> Layout:
    """The layout of an output.

    Args:
        opened: the input. Without a header, the columns are those of all of `records`.
        records: its first rows.
        name: the input's name, for messages.
        file_format: the output's format.
        text_column: as the setting `data.text_column`.
        trained_column: the column to read if `text_column` is None and the input has this column.
        probabilities_of: the classes whose probabilities are written.
        labels: all labels, if a text may have several of them; else None.
        poles: the class indices of negative and positive, if the polarity is written.

    Raises:
        UsageError: a column of the input has the name of an added column.
        DataError: there is no column of texts, or it holds other values.
    """
    columns, texts = _columns(opened, records, text_column, trained_column, name)
    layout = Layout(
        columns,
        texts,
        file_format,
        _schema(opened, columns) if file_format.kind == ".parquet" else None,
        _separator(opened, file_format),
        file_format.kind in DELIMITERS and _is_of_spreadsheet(opened),
        probability_names(probabilities_of),
        None if labels is None else label_joiner(labels),
        poles,
    )
    first = opened.header or next(([*record.values] for record in records if record.values), [])
    refuse_taken(layout.added, first, name)  # later rows of jsonl with such a column are set aside
    _require_texts(records, layout, name)
    return replace(layout, columns=[each for each in columns if each not in layout.added])


def _require_texts(records: Sequence[ScoringRecord], layout: Layout, name: str) -> None:
    """Refuse a column of texts that holds only numbers, objects or other values.

    Raises:
        DataError: no row has a text there, and at least one has another value.
    """
    texts = (_text_of(record.values, layout) for record in records if record.values)
    values = [text for text in texts if text is not None]
    if values and not any(isinstance(value, str) for value in values):
        raise DataError(
            f"Expected texts in the column {', '.join(layout.texts)} of {name}, found other values "
            f"such as {str(values[0])[:40]} and no text in its first {len(records):,} rows: name "
            "another column with --text-column."
        )


def _columns(
    opened: Input,
    records: Sequence[ScoringRecord],
    text_column: str | None,
    trained_column: str | None,
    name: str,
) -> tuple[list[str], tuple[str, ...]]:
    """All columns, and those of the texts; none if no row is readable."""

    def choose(names: Sequence[str]) -> tuple[str, ...]:
        has_trained = text_column is None and trained_column in names
        settings = DataSettings(text_column=trained_column if has_trained else text_column)
        return choose_columns(names, settings, labelled=False, where=name).texts

    if opened.header:
        return opened.header, choose(opened.header)
    rows = [record.values for record in records if record.values]
    if not rows:
        return [], ()
    names = dict.fromkeys(chain.from_iterable(rows))
    columns = [*islice(names, DataSettings().max_columns)]
    return columns, choose_of_rows(rows[:ROWS_FOR_COLUMNS], choose)


def probability_names(classes: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns of probabilities, in the order of the classes."""
    return tuple(f"{PROBABILITY}{name}" for name in classes)


def refuse_taken(added: Sequence[str], existing: Sequence[object], where: str) -> None:
    """Refuse a table that has a column with a name that scoring adds. `where`: the table's name.

    Raises:
        UsageError: it has one.
    """
    if taken := [name for name in added if name in existing]:
        raise UsageError(
            f"Expected no column {' or '.join(map(repr, taken))} in {where}, found it: rename "
            "it, so that it is not lost."
        )


def label_joiner(labels: Sequence[str]) -> str:
    """The first of `|`, `;` and `,` that occurs in no label. It joins several labels of a text."""
    unused = (mark for mark in SEPARATORS if not any(mark in label for label in labels))
    return next(unused, SEPARATORS[0])


def _schema(opened: Input, columns: Sequence[str]) -> Any:  # noqa: ANN401
    """The schema of the input's columns; those of a workbook are texts."""
    if opened.schema is not None:
        return opened.schema
    library = pyarrow()
    return library.schema([(column, library.string()) for column in columns])


def _is_of_spreadsheet(opened: Input) -> bool:
    """Whether a spreadsheet seems to have made the input: a workbook, or a file not in UTF-8."""
    return opened.file_format.kind == WORKBOOK or opened.dialect.encoding != UTF_8


def _separator(opened: Input, file_format: Format) -> str | None:
    """The separator of the input, if input and output are csv."""
    same = opened.file_format.kind == file_format.kind == ".csv"
    return opened.dialect.separator if same else None


def score_rows(
    predictor: Predictor, records: Sequence[ScoringRecord], layout: Layout, abstain_below: float
) -> ScoredRows:
    """Predict each row's text. A row without a text, or one that cannot be written, is set aside.

    Args:
        predictor: the model.
        records: rows of the input.
        layout: the output's layout.
        abstain_below: a prediction with a lower probability gets no label.
    """
    scored, texts = ScoredRows(), []
    for record in records:
        problem = record.problem or _problem(record.values or {}, layout)
        if problem:
            row = record.values or record.raw_text
            scored.set_aside.append({"line": record.line, "reason": problem, "row": row})
        else:
            assert record.values is not None
            scored.rows.append(dict(record.values))
            texts.append(str(_text_of(record.values, layout)))
    predictions = _predictions(predictor, texts, layout, abstain_below)
    for row, prediction in zip(scored.rows, predictions, strict=True):
        row |= prediction
    return scored


def _predictions(
    predictor: Predictor, texts: Sequence[str], layout: Layout, abstain_below: float
) -> Iterator[dict[str, Any]]:
    """The values of the added columns for each text."""
    for each in predictor.predict_iter(texts, abstain_below):
        if layout.joined_by is None:
            row = {LABEL: each.label, SCORE: each.score and round(each.score, 6)}
        else:
            row = _label_set(each.labels, each.scores, layout)
        if layout.poles:
            row[POLARITY] = round(polarity_of(each.probabilities, layout.poles), 6)
        rounded = (round(probability, 6) for probability in each.probabilities)
        yield row | dict(zip(layout.probabilities, rounded, strict=False))


def _label_set(labels: Sequence[str], scores: Sequence[float], layout: Layout) -> dict[str, Any]:
    """The values of the columns of the labels and their scores, if a text may have several."""
    rounded = [round(score, 6) for score in scores]
    if layout.has_lists or layout.joined_by is None:
        return {LABELS: list(labels), SCORES: rounded}
    joined = layout.joined_by
    return {LABELS: joined.join(labels), SCORES: joined.join(map(str, rounded))}


def _text_of(values: Mapping[str, Any], layout: Layout) -> object:
    return joined_text([values.get(column) for column in layout.texts]) if layout.texts else None


def encode_rows(
    rows: Sequence[dict[str, Any]], layout: Layout, *, escape: bool, first: bool
) -> bytes:
    """Encode rows with predictions as one part of the output. `data.tables.join` combines parts.

    Args:
        rows: the result of `score_rows`.
        layout: the output's layout.
        escape: put a ' before texts that a spreadsheet would take for formulas.
        first: this is the first part, which gets the header.
    """
    if layout.file_format.kind == ".parquet":
        return to_parquet(rows, _with_predictions(layout))
    if not rows and not (first and layout.columns):
        return b""
    names = [*layout.columns, *layout.added]
    header = names
    if escape:
        rows = [{k: without_formula(v) for k, v in row.items()} for row in rows]
        header = [without_formula(name) for name in names]
    mark = pack_piece(BOM_UTF8, layout.file_format.packing) if first and layout.has_mark else b""
    header_now = header if first else None
    return mark + to_bytes(rows, names, layout.file_format, header_now, layout.separator)


def encode_set_aside(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows set aside as JSON lines. Numbers that JSON lacks are texts, such as "NaN"."""
    return "".join(f"{_json(row)}\n" for row in rows).encode()


def _json(row: Mapping[str, Any]) -> str:
    try:
        return json.dumps(row, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(row, default=str), parse_constant=str))


def _problem(values: Mapping[str, Any], layout: Layout) -> str | None:
    """Why a row cannot be scored or written, None if it can."""
    if not values.keys().isdisjoint(layout.added):
        taken = sorted(values.keys() & {*layout.added[2:]}) or [" or ".join(layout.verdict)]
        return f"a column {taken[0]} of its own"
    text = _text_of(values, layout)
    if not isinstance(text, str):
        return "no text" if text is None else f"a text that is a {type(text).__name__}"
    if not text.strip():
        return "empty text"
    if layout.file_format.kind in DELIMITERS and not values.keys() <= set(layout.columns):
        return "a column that the first rows lack"
    return None


def _with_predictions(layout: Layout) -> Any:  # noqa: ANN401
    """The schema of a parquet output: the input's columns and those that are added."""
    library, schema = pyarrow(), layout.schema
    for name in layout.added:
        kind = library.type_for_alias("string" if name in (LABEL, LABELS) else "float64")
        is_list = name in (LABELS, SCORES)
        schema = schema.append(library.field(name, library.list_(kind) if is_list else kind))
    return schema
