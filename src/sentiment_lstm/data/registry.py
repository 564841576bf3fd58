"""The data sets that the project knows by name: their entries, and where their folders are.

`registry.toml` holds the entries. This file reads no row and downloads nothing.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from sentiment_lstm.data.source_names import expanded
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

DATA_FOLDER_VARIABLE = "SENTIMENT_LSTM_DATA"
"""Environment variable: a folder that holds one subfolder for each set."""


@dataclass(frozen=True, slots=True)
class SplitFile:
    """The file of one split in the project's own copy."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """An entry of the registry; "" means not known.

    `license` is an SPDX identifier, `terms` its licence in words. `commercial_use` is `allowed`,
    `forbidden`, `research only` or `not stated`. `uses` holds `train`, `measure` or `development`.
    `models` names the shipped models that have read texts of the set. `text_column`,
    `label_column` and `label_map` are defaults. `hub` is the set's name on the Hugging Face
    hub, and `note` says how the copy there differs.
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
        """The settings, with the set's columns where they name none."""
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
            f"Expected one of the data sets {', '.join(registered())}, found data:{name}; "
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
    """The set's folder in the first data folder that has it; None if no data folder has it.

    It is `NAME`, or `tasks/NAME` for a set of another task than sentiment.
    """
    candidates = (folder / path for folder in data_folders() for path in (name, f"tasks/{name}"))
    return next((path for path in candidates if path.is_dir()), None)


def folder_of(name: str) -> Path:
    """The set's folder.

    Raises:
        DataError: no set is called so, or it is not on this machine.
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
    """How to get a set that is not here, as the end of a message."""
    if known.hub:
        return f"fetch it with: sentiment-lstm data fetch {known.name}"
    files = ", ".join(split.file for split in known.splits.values())
    return (
        f"no public copy is known: put your own ({files}) into a folder {known.name}, and name "
        f"the folder above it in the environment variable {DATA_FOLDER_VARIABLE}"
    )


def _entry(name: str, entry: Mapping[str, Any]) -> DataSet:
    tuples = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    splits = {split: SplitFile(**file) for split, file in entry["splits"].items()}
    return DataSet(name=name, **{**entry, **tuples, "splits": splits})
