"""Phase 1 of the study: the Kaggle CSV, cleaned with pandas, chunk by chunk.

Its columns are `review` and `sentiment`. HTML tags stay in the text; the tokenizer handles them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment_lstm.data.dialect import Dialect, find_dialect
from sentiment_lstm.data.encodings import UTF_8, bad_bytes
from sentiment_lstm.data.files import longest_line, table_format
from sentiment_lstm.data.formats import Format, is_table, open_path
from sentiment_lstm.data.libraries import first_line, missing_extra
from sentiment_lstm.data.packing import usual_growth
from sentiment_lstm.data.record import Record
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import Source, check_whole
from sentiment_lstm.data.tables import read_csv
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = ["review", "sentiment"]
CHUNK_ROWS = 2_000
MOST_SHOWN = 100
"""The longest error message that is shown. Longer messages of kagglehub's HTTP client list
addresses and retries; the name of the error's type is shown instead."""


def download(name: str) -> Path:
    """The CSV of the Kaggle data set OWNER/NAME, from kagglehub and its cache.

    Raises:
        MissingExtraError: kagglehub is not installed.
        DataError: the data set is unreachable or unknown, or has no CSV file.
    """
    try:
        import kagglehub
    except ImportError as error:
        raise missing_extra("Kaggle data sets") from error
    try:
        folder = Path(kagglehub.dataset_download(name))
    except Exception as error:  # kagglehub does not catch the errors of its HTTP client
        message = first_line(error)
        if len(message) > MOST_SHOWN:
            message = type(error).__name__
        raise DataError(
            f"Expected the Kaggle data set {name!r}, found: {message}; use the "
            "path of its CSV file or zip if you have it, or with --data imdb."
        ) from error
    files = sorted(folder.rglob("*.csv"))
    if not files:
        raise DataError(f"Expected a CSV file in the Kaggle data set {name!r}, found none.")
    return files[0]


def is_kaggle_csv(path: Path, data: DataSettings) -> bool:
    """Whether a csv file has exactly the Kaggle columns and dialect, and no setting differs."""
    asked = data.text_column or data.label_column or data.group_column or data.weight_column
    if asked or data.encoding or data.separator or not is_table(path.name):
        return False
    file_format = table_format(path, data)
    if file_format.kind != ".csv":
        return False
    growth = usual_growth(data.max_expansion)
    with open_path(path, file_format, growth) as stream:
        header = stream.readline(1000).decode("utf-8-sig", errors="replace")
    try:
        if next(csv.reader([header]), []) != COLUMNS:
            return False
    except csv.Error:  # for example bare CR line ends, which the general reader accepts
        return False
    return find_dialect(path, file_format, growth=growth) == Dialect()


def open_csv(path: Path, data: DataSettings) -> Source:
    """The Kaggle CSV, plain or packed. It may hold a review more than once."""
    check_whole(data)
    return Source(partial(_rows, path, table_format(path, data), data))


def _rows(path: Path, file_format: Format, data: DataSettings) -> Iterator[Row]:
    with open_path(path, file_format, usual_growth(data.max_expansion)) as stream:
        _, records = read_csv(
            stream,
            path.name,
            Dialect(),
            longest_field=data.max_characters,
            longest_line=longest_line(data),
        )
        while chunk := list(islice(records, CHUNK_ROWS)):
            yield from _cleaned_rows(chunk, path.name)


def _cleaned_rows(records: Sequence[Record[list[str]]], name: str) -> Iterator[Row]:
    """The records as rows. White space around texts and labels is left out.

    In a row of three fields or more, a comma without quotes is probably part of the text.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise missing_extra("the Kaggle CSV") from error
    fields = [_two_fields(record) for record in records]
    # As objects, because pandas' own strings cannot hold lone surrogates.
    cleaned = _clean(pd.DataFrame(fields, columns=COLUMNS, dtype=object))
    for record, text, label in zip(records, cleaned["review"], cleaned["sentiment"], strict=True):
        problem = record.problem
        if len(record.values or ()) > len(COLUMNS):
            problem = "unreadable"
        if problem is None and not (is_utf8(text) and is_utf8(label)):
            problem = bad_bytes(UTF_8)
        yield Row(text, label, f"{name}:{record.line}", record.line, problem=problem)


def _two_fields(record: Record[list[str]]) -> list[str]:
    """The text and the label of a record. All fields are the text if there are too many."""
    fields = record.values or [record.raw_text]
    return [",".join(fields), ""] if len(fields) > len(COLUMNS) else [*fields, ""][:2]


def _clean(chunk: DataFrame) -> DataFrame:
    """Texts and labels without white space around them."""
    return chunk.assign(**{name: chunk[name].str.strip() for name in COLUMNS})
