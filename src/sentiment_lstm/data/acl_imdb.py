"""A folder laid out as the original IMDb download, `aclImdb`: one text file for each review.

This file knows nothing of classes or screening.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sentiment_lstm.data.files import longest_line
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.data.source import Source, check_split
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

SPLITS = {"train": ("neg", "pos"), "test": ("neg", "pos"), "unsupervised": ("unsup",)}
"""Each split's folders. `train/unsup` has no labels."""


def is_acl_imdb(folder: Path) -> bool:
    """Whether the folder is laid out as the original IMDb download."""
    return any(split in ("train", "test") for split in acl_splits(folder))


def acl_splits(folder: Path) -> tuple[str, ...]:
    """The splits that an aclImdb folder has."""
    return tuple(split for split in SPLITS if any(_folders(folder, split)))


def open_acl_imdb(folder: Path, data: DataSettings) -> Source:
    """The reviews in `train/neg/0_3.txt` and so on; classes `negative`, `positive`.

    Raises:
        DataError: there is no such split, or the settings name a column; while reading, a file
            cannot be read.
    """
    check_split(data, acl_splits(folder))
    columns = (data.text_column, data.label_column, data.group_column, data.weight_column)
    if any(columns):
        raise DataError(f"Expected no column names for {folder}, found some; text files have none.")
    return Source(partial(_rows, folder, data), ("negative", "positive"))


def acl_files(folder: Path) -> Iterator[Path]:
    """The text files of all splits."""
    for split in SPLITS:
        for texts, _ in _folders(folder, split):
            yield from texts.glob("*.txt")


def _folders(folder: Path, split: str) -> Iterator[tuple[Path, str | None]]:
    """The folders of a split that exist, each with the label of its texts."""
    for name in SPLITS[split]:
        texts = folder / ("train" if name == "unsup" else split) / name
        if texts.is_dir():
            yield texts, {"neg": "negative", "pos": "positive"}.get(name)


def _rows(folder: Path, data: DataSettings) -> Iterator[Row]:
    for texts, label in _folders(folder, data.split):
        for path in sorted(texts.glob("*.txt"), key=_number):
            text = _read_start(path, longest_line(data))
            problem = None if is_utf8(text) else "bad UTF-8"
            yield Row(text, label, path.relative_to(folder).as_posix(), 1, problem=problem)


def _number(path: Path) -> tuple[int, str]:
    """Sorts `9_2.txt` before `10_1.txt`."""
    return len(path.stem.split("_")[0]), path.name


def _read_start(path: Path, characters: int) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            return file.read(characters)
    except OSError as error:
        raise DataError(
            f"Expected to read {path}, found: {error.strerror}; correct it or move it away."
        ) from error
