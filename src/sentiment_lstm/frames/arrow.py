"""Scores columns of Arrow: tables, record batches and streams of batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sentiment_lstm.data.cells import python_values
from sentiment_lstm.frames.libraries import library
from sentiment_lstm.frames.scores import (
    SLICE,
    check_columns,
    column_names,
    column_types,
    not_texts,
    score_texts,
)
from sentiment_lstm.inference.predictor import Predictor

if TYPE_CHECKING:
    import pyarrow as pa


def score_table(predictor: Predictor, table: Any, column: str, *, probabilities: bool) -> Any:  # noqa: ANN401
    """Return a `Table` or `RecordBatch` with the predictions for a column added.

    Raises:
        UsageError: see `scores.check_columns`; or the column holds no texts.
    """
    names = column_names(
        predictor.classes, multi_label=predictor.multi_label, probabilities=probabilities
    )
    check_columns(table.schema.names, column, names)
    scored = score_array(predictor, table[column], names, f"column {column}")
    for field, values in zip(scored.type, scored.flatten(), strict=True):
        table = table.append_column(field, values)
    return table


def score_reader(
    predictor: Predictor, reader: pa.RecordBatchReader, column: str, *, probabilities: bool
) -> pa.RecordBatchReader:
    """Return a stream with the same batches, and the predictions for a column added.

    A batch is scored when it is read.

    Raises:
        UsageError: as `score_table`.
    """
    empty = reader.schema.empty_table()
    schema = score_table(predictor, empty, column, probabilities=probabilities).schema
    batches = (
        score_table(predictor, batch, column, probabilities=probabilities) for batch in reader
    )
    return library("pyarrow").RecordBatchReader.from_batches(schema, batches)


def score_array(predictor: Predictor, array: Any, names: Sequence[str], place: str) -> Any:  # noqa: ANN401
    """Score an array of texts.

    Args:
        predictor: the model.
        array: N texts, as `Array` or `ChunkedArray` of any type of strings, or of a dictionary of
            strings.
        names: the names of the fields, as for `score_texts`.
        place: `column NAME` or `the argument`, for messages.

    Returns:
        A `StructArray`, [N].

    Raises:
        UsageError: the array does not hold strings.
    """
    pa = library("pyarrow")
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if kind not in (pa.string(), pa.large_string(), pa.string_view(), pa.null()):
        raise not_texts(place, kind)
    columns = score_texts(predictor, _texts(array), names)
    types = column_types(
        names, pa.string(), pa.float64(), pa.list_, multi_label=predictor.multi_label
    )
    arrays = [pa.array(columns[name], types[name]) for name in names]
    return pa.StructArray.from_arrays(arrays, fields=[pa.field(n, types[n]) for n in names])


def _texts(array: Any) -> Iterator[str | None]:  # noqa: ANN401
    """The strings of an array, a slice at a time; bytes that are not UTF-8 spoil only one text."""
    for chunk in getattr(array, "chunks", [array]):
        for start in range(0, len(chunk), SLICE):
            yield from python_values(chunk.slice(start, SLICE))[0]
