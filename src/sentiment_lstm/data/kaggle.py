"""Phase 1 of the study: the Kaggle CSV, read and cleaned with pandas, chunk by chunk.

Its columns are `review` and `sentiment`. Tags stay in the text: the tokenizer knows them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sentiment_lstm.data.archive import inner_name, open_bytes
from sentiment_lstm.data.files import SUFFIXES, as_text, first_line, missing_extra
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
"""A longer message of kagglehub's HTTP client lists addresses and retries; its type says more."""


def download(name: str) -> Path:
    """The CSV of the Kaggle data set OWNER/NAME, through kagglehub and its cache.

    Raises:
        MissingExtraError: kagglehub is not installed.
        DataError: unreachable, unknown, or without a CSV file.
    """
    try:
        import kagglehub
    except ImportError as error:
        raise missing_extra("Kaggle data sets") from error
    try:
        folder = Path(kagglehub.dataset_download(name))
    except Exception as error:  # kagglehub passes on whatever its HTTP client raises
        found = first_line(error)
        if len(found) > MOST_SHOWN:
            found = type(error).__name__
        raise DataError(
            f"Expected the Kaggle data set {name!r}, found: {found}; go on with the "
            "path of its CSV file or zip if you have it, or with --data imdb."
        ) from error
    files = sorted(folder.rglob("*.csv"))
    if not files:
        raise DataError(f"Expected a CSV file in the Kaggle data set {name!r}, found none.")
    return files[0]


def is_kaggle_csv(path: Path, data: DataSettings) -> bool:
    """Whether a file or zip has exactly the Kaggle columns and no other columns were asked for."""
    asked = data.text_column or data.label_column or data.group_column
    if asked or path.suffix.lower() not in (".csv", ".zip"):
        return False
    name = inner_name(path, SUFFIXES)
    if not name.lower().endswith(".csv"):
        return False
    with open_bytes(path, name) as file:
        start = file.readline(1000).decode("utf-8-sig", errors="replace")
    try:
        return next(csv.reader([start]), []) == COLUMNS
    except csv.Error:  # bare CR line ends, say: the ordinary reader takes them
        return False


def open_csv(path: Path, data: DataSettings) -> Source:
    """The Kaggle CSV or a zip of it; the same review may stand in it more than once."""
    check_whole(data)
    return Source(partial(_rows, path, inner_name(path, SUFFIXES)))


def _rows(path: Path, name: str) -> Iterator[Row]:
    line = 2
    with open_bytes(path, name) as file:
        for chunk in _chunks(file, path.name):
            breaks = chunk["review"].str.count("\n")
            cleaned = _clean(chunk)
            for text, label, inside in zip(
                cleaned["review"], cleaned["sentiment"], breaks, strict=True
            ):
                problem = None if is_utf8(text) and is_utf8(label) else "bad UTF-8"
                yield Row(text, label, f"{path.name}:{line}", line, problem=problem)
                line += 1 + int(inside)


def _chunks(file: IO[bytes], name: str) -> Iterator[DataFrame]:
    """Frames of `CHUNK_ROWS` rows, both columns as Python strings, "" where empty.

    Raises:
        DataError: a line with more than two fields, or a quote that never ends.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise missing_extra("the Kaggle CSV") from error
    try:
        with (
            as_text(file) as text,
            pd.read_csv(
                text,
                chunksize=CHUNK_ROWS,
                # pandas' own strings cannot hold what stands for bad bytes; Python's can.
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
    """White space around texts and labels goes, labels become lower case."""
    return chunk.assign(
        review=chunk["review"].str.strip(),
        sentiment=chunk["sentiment"].str.strip().str.lower(),
    )
