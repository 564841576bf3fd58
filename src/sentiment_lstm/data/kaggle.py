"""Phase 1 of the study: the Kaggle CSV, read and cleaned with pandas, chunk by chunk.

Its columns are `review` and `sentiment`. HTML tags stay in the text; the tokenizer handles them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sentiment_lstm.data.dialect import Dialect, find_dialect
from sentiment_lstm.data.encodings import UTF_8, decoded
from sentiment_lstm.data.files import table_format
from sentiment_lstm.data.formats import Format, is_table, open_path
from sentiment_lstm.data.libraries import first_line, missing_extra
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import Source, check_whole
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
    asked = data.text_column or data.label_column or data.group_column
    if asked or data.encoding or data.separator or not is_table(path.name):
        return False
    file_format = table_format(path)
    if file_format.kind != ".csv":
        return False
    with open_path(path, file_format) as stream:
        header = stream.readline(1000).decode("utf-8-sig", errors="replace")
    try:
        if next(csv.reader([header]), []) != COLUMNS:
            return False
    except csv.Error:  # for example bare CR line ends, which the general reader accepts
        return False
    return find_dialect(path, file_format) == Dialect()


def open_csv(path: Path, data: DataSettings) -> Source:
    """The Kaggle CSV, plain or packed. It may hold a review more than once."""
    check_whole(data)
    return Source(partial(_rows, path, table_format(path)))


def _rows(path: Path, file_format: Format) -> Iterator[Row]:
    line = 2
    with open_path(path, file_format) as stream:
        for chunk in _chunks(stream, path.name):
            line_breaks = chunk["review"].str.count("\n")
            cleaned = _clean(chunk)
            for text, label, breaks in zip(
                cleaned["review"], cleaned["sentiment"], line_breaks, strict=True
            ):
                problem = None if is_utf8(text) and is_utf8(label) else "bad UTF-8"
                yield Row(text, label, f"{path.name}:{line}", line, problem=problem)
                line += 1 + int(breaks)


def _chunks(stream: IO[bytes], name: str) -> Iterator[DataFrame]:
    """Frames of `CHUNK_ROWS` rows, both columns as Python strings, "" where empty.

    Raises:
        DataError: a line has more than two fields, or a quote never closes.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise missing_extra("the Kaggle CSV") from error
    try:
        with (
            decoded(stream, UTF_8) as text,
            pd.read_csv(
                text,
                chunksize=CHUNK_ROWS,
                # Bad bytes become lone surrogates, which pandas' own strings cannot hold.
                dtype=object,
                encoding_errors="surrogateescape",
                keep_default_na=False,
            ) as chunks,
        ):
            for chunk in chunks:
                if not isinstance(chunk.index, pd.RangeIndex):
                    # pandas takes a third field for an index and shifts the columns.
                    raise pd.errors.ParserError("three fields or more")
                yield chunk.fillna("")
    except pd.errors.ParserError as error:
        raise DataError(
            f"Expected two fields a line in {name}, found: {first_line(error)}; to set such lines "
            "aside add --text-column review --label-column sentiment."
        ) from error


def _clean(chunk: DataFrame) -> DataFrame:
    """Texts and labels without white space around them, labels in lower case."""
    return chunk.assign(
        review=chunk["review"].str.strip(),
        sentiment=chunk["sentiment"].str.strip().str.lower(),
    )
