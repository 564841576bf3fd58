"""The rows of an output: the columns of the input, and the prediction for each row's text.

This file knows nothing of parts or interruptions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sentiment_lstm.data.formats import DELIMITERS, Format
from sentiment_lstm.data.libraries import pyarrow
from sentiment_lstm.data.source import choose_columns
from sentiment_lstm.data.tables import to_bytes, to_parquet, without_formula
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.scoring.records import Input, ScoringRecord
from sentiment_lstm.settings import DataSettings

LABEL, SCORE = "predicted_label", "predicted_score"
"""The names of the two columns that scoring adds."""
_ADDED = (LABEL, SCORE)


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of an output.

    `columns`: the columns of the input, [] if no row names any. `text`: the column of texts, "" if
    there are no columns. `schema`: the `pyarrow.Schema` of a parquet input, else None.
    """

    columns: Sequence[str]
    text: str
    file_format: Format
    schema: Any = None


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
) -> Layout:
    """The layout of an output.

    Args:
        opened: the input. Without a header, the first readable row names the columns.
        records: its first rows.
        name: the input's name, for messages.
        file_format: the output's format.
        text_column: the column of texts; None: the first with one of the usual names.

    Raises:
        UsageError: a column of the input has the name of an added column.
        DataError: there is no column of texts.
    """
    columns = opened.header or next((list(r.values) for r in records if r.values), [])
    if taken := set(_ADDED) & set(columns):
        raise UsageError(
            f"Expected no column {' or '.join(sorted(taken))} in {name}, found it: "
            "rename it, so that it is not lost."
        )
    text = ""
    if columns:
        settings = DataSettings(text_column=text_column)
        text = choose_columns(columns, settings, labelled=False, where=name).text
    return Layout(columns, text, file_format, opened.schema)


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
            texts.append(record.values[layout.text])
    predictions = predictor.predict_iter(texts, abstain_below)
    for row, prediction in zip(scored.rows, predictions, strict=True):
        row |= {LABEL: prediction.label, SCORE: round(prediction.score, 6)}
    return scored


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
        return to_parquet(rows, _with_predictions(layout.schema))
    if not rows and not (first and layout.columns):
        return b""
    names = [*layout.columns, *_ADDED]
    header = names
    if escape:
        rows = [{k: without_formula(v) for k, v in row.items()} for row in rows]
        header = [without_formula(name) for name in names]
    return to_bytes(rows, names, layout.file_format, header if first else None)


def encode_set_aside(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows set aside as JSON lines."""
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


def _problem(values: Mapping[str, Any], layout: Layout) -> str | None:
    """Why a row cannot be scored or written, None if it can."""
    if values.keys() & set(_ADDED):
        return f"a column {LABEL} or {SCORE} of its own"
    text = values.get(layout.text)
    if not isinstance(text, str):
        return "no text" if text is None else f"a text that is a {type(text).__name__}"
    if not text.strip():
        return "empty text"
    if layout.file_format.kind in DELIMITERS and values.keys() != set(layout.columns):
        return "other columns"
    return None


def _with_predictions(schema: Any) -> Any:  # noqa: ANN401
    """A parquet file's schema with the columns that are added."""
    library = pyarrow()
    for name, kind in ((LABEL, "string"), (SCORE, "float64")):
        schema = schema.append(library.field(name, library.type_for_alias(kind)))
    return schema
