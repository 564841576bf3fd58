"""The data sets that the project knows by name: their entries, and where their folders are.

`registry.toml` holds the entries. This file reads no row and downloads nothing.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from sentiment_lstm.data.acl_imdb import is_acl_imdb
from sentiment_lstm.data.hub import is_hub_folder
from sentiment_lstm.data.source_names import expanded
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

DATA_FOLDER_VARIABLE = "SENTIMENT_LSTM_DATA"
"""Environment variable: a folder that holds one subfolder for each set."""

WITHOUT_NETWORK = {"imdb": "open its train split with --data imdb, which needs no network"}
"""How to read a part of a set that is not on this machine: the extra `train` installs it."""


@dataclass(frozen=True, slots=True)
class SplitFile:
    """The file of a split in the project's own copy."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """An entry of the registry; "" means not known.

    `license` is an SPDX identifier, `terms` the licence in words. `commercial_use` is `allowed`,
    `forbidden`, `research only` or `not stated`. `uses` holds `train`, `measure` or `development`.
    `models` names the shipped models and starts that have read texts of the set. `text_column`,
    `label_column` and `label_map` are defaults. `hub` is the set's name on the Hugging Face
    hub, and `note` says how the hub's copy differs.
    """

    name: str
    title: str
    language: str
    hub: str
    configuration: str
    license: str
    terms: str
    commercial_use: str
    uses: tuple[str, ...]
    purpose: str
    models: tuple[str, ...]
    columns: tuple[str, ...]
    text_column: str
    label_column: str
    label_map: Mapping[str, str]
    note: str
    splits: Mapping[str, SplitFile]

    def with_default_columns(self, data: DataSettings) -> DataSettings:
        """The settings; if they name no columns, with the set's columns."""
        return replace(
            data,
            text_column=data.text_column or self.text_column or None,
            label_column=data.label_column or self.label_column or None,
        )

    def default_label_map(self, data: DataSettings) -> Mapping[str, str]:
        """The set's label map. Empty if the settings name another label column."""
        own_labels = data.label_column in (None, self.label_column)
        return self.label_map if own_labels and not data.soft_labels else {}


@cache
def registered() -> dict[str, DataSet]:
    """Every entry, by name."""
    path = Path(__file__).with_suffix(".toml")
    return {
        name: _entry(name, entry) for name, entry in tomllib.loads(path.read_text("utf-8")).items()
    }


def data_set(name: str) -> DataSet:
    """The entry called `name`.

    Raises:
        DataError: there is none; the message lists the names.
    """
    known = registered().get(name)
    if known is None:
        raise DataError(
            f"Expected one of the data sets {', '.join(registered())}, "
            f"found {f'data:{name}' if name else 'an empty name'}; "
            "open your own file or folder by its path."
        )
    return known


def cache_folder() -> Path:
    """Where `data fetch` puts sets: a folder of the platform's cache."""
    return Path(platformdirs.user_cache_dir("sentiment-lstm", appauthor=False)) / "data"


def data_folders() -> tuple[Path, ...]:
    """The folders that may hold sets, in the order in which they are searched."""
    named = os.environ.get(DATA_FOLDER_VARIABLE, "")
    return (*([expanded(named)] if named else []), cache_folder())


def find_folder(name: str) -> Path | None:
    """The first folder of this name that holds texts; None if there is none.

    Raises:
        DataError: a data folder cannot be read.
    """
    with explain_read_errors():
        return next((path for path in _candidates(name) if _holds_texts(path)), None)


def folders_named(name: str) -> list[Path]:
    """All folders of this name in the data folders, with or without texts.

    Raises:
        DataError: a data folder cannot be read.
    """
    with explain_read_errors():
        return list(_candidates(name))


@contextmanager
def explain_read_errors() -> Iterator[None]:
    """Turn a system error while a data folder is read into a `DataError`."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"Expected to read the folder of data sets {str(error.filename)[:200]}, found: "
            f"{error.strerror}; make it readable, or name another in {DATA_FOLDER_VARIABLE}."
        ) from error


def folder_of(name: str) -> Path:
    """The set's folder.

    Raises:
        DataError: no set has this name, or it is not on this machine.
    """
    known = data_set(name)
    folder = find_folder(name)
    if folder is None:
        searched = " and ".join(str(folder) for folder in data_folders())
        raise DataError(
            f"Expected the data set {name} in {searched}, found none; {how_to_get(known)}."
        )
    return folder


def how_to_get(known: DataSet) -> str:
    """How to get a missing set, as the end of a message."""
    if known.hub:
        download = f"fetch it with: sentiment-lstm data fetch {known.name}"
        return ", or ".join(filter(None, (WITHOUT_NETWORK.get(known.name), download)))
    return (
        f"no public copy is known: put your own ({file_names(known)}) into a folder {known.name}, "
        f"and name the folder above it in the environment variable {DATA_FOLDER_VARIABLE}"
    )


def file_names(known: DataSet) -> str:
    """The names of the set's files, for a message."""
    return ", ".join(split.file for split in known.splits.values())


def _candidates(name: str) -> Iterator[Path]:
    """The folders `NAME`, or `tasks/NAME` for a set of another task than sentiment."""
    for folder in data_folders():
        for path in (folder / name, folder / "tasks" / name):
            if _is_folder(path):
                yield path


def _is_folder(path: Path) -> bool:
    """Unlike `Path.is_dir`, this raises system errors in every version of Python."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _holds_texts(folder: Path) -> bool:
    # Without permission, `iterdir` fails. The other two would take the folder for an empty one.
    return any(folder.iterdir()) and (is_acl_imdb(folder) or is_hub_folder(folder))


def _entry(name: str, entry: Mapping[str, Any]) -> DataSet:
    tuples = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    splits = {split: SplitFile(**file) for split, file in entry["splits"].items()}
    return DataSet(name=name, **{**entry, **tuples, "splits": splits})
