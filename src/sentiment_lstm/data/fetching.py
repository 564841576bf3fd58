"""Downloads registered data sets into the cache folder, and compares files with the registry."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment_lstm import storage
from sentiment_lstm.data import hub, registry
from sentiment_lstm.data.registry import DataSet
from sentiment_lstm.errors import DataError

RECORD = "fetched.json"
"""File of a fetched set: what each split holds, by the split's name."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A set that is here; `differences` says how the hub's copy differs from the registry."""

    folder: Path
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """A file held against the registry.

    `status` is `ok` (the registry's own file), `as fetched` (the hub's copy, unchanged since its
    download), `other file`, `missing`, or a sentence that names the files that are there instead.
    """

    split: str
    file: str
    status: str


def fetch(name: str) -> Fetched:
    """Download the set from the hub into the cache folder, unless it is here already.

    Only the splits of the registry are taken. The folder appears whole or not at all.

    Raises:
        DataError: no set is called so, no public copy is known, or the hub cannot be read.
        SentimentError: the cache folder cannot be written to.
        MissingExtraError: datasets is not installed.
    """
    entry = registry.data_set(name)
    folder = registry.find_folder(name)
    if folder is None:
        if not entry.hub:
            raise DataError(f"Expected a set to fetch, found {name}; {registry.how_to_get(entry)}.")
        folder = registry.cache_folder() / name
        with storage.explain_write_errors(folder):
            _download(entry, folder)
    record = _record(folder)
    return Fetched(folder, tuple(_differences(entry, record) if record else ()))


def verify(name: str) -> list[Verified]:
    """Compare the set's files with the registry, a split at a time.

    Raises:
        DataError: no set is called so, or it is not on this machine.
    """
    folder = registry.folder_of(name)
    fetched, splits = _record(folder), registry.data_set(name).splits
    known = {
        RECORD,
        *(file["file"] for file in fetched.values()),
        *(s.file for s in splits.values()),
    }
    unknown = sorted(path.name for path in _data_files(folder) if path.name not in known)
    return [
        _verify_split(folder, split, expected, fetched.get(split, {}), unknown)
        for split, expected in splits.items()
    ]


def _download(entry: DataSet, folder: Path) -> None:
    staged = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(staged, ignore_errors=True)  # left by a process that was killed
    staged.mkdir(parents=True)
    try:
        with hub.loaded("/".join(filter(None, (entry.hub, entry.configuration)))) as dataset:
            splits = [split for split in entry.splits if split in dataset]
            if not splits:
                raise DataError(
                    f"Expected one of the splits {', '.join(entry.splits)} in {entry.hub}, "
                    f"found {', '.join(dataset)}; open the set by its name: hf:{entry.hub}."
                )
            record = {split: _write_split(staged, split, dataset[split]) for split in splits}
        storage.write_atomically(staged / RECORD, storage.as_json(record))
        storage.write_atomically(staged / "README.md", _read_me(entry, record).encode())
        staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_split(folder: Path, split: str, rows: Any) -> dict[str, Any]:  # noqa: ANN401
    """Write a split of the library's as a parquet file; returns its entry in the record."""
    path = folder / f"{split}-00000-of-00001.parquet"
    with storage.open_atomically(path) as file:
        rows.to_parquet(file)
    return {
        "file": path.name,
        "rows": len(rows),
        "columns": rows.column_names,
        "sha256": storage.file_sha256(path),
    }


def _read_me(entry: DataSet, record: dict[str, Any]) -> str:
    """A data card, so that the folder reads as a Hugging Face data set with these splits."""
    files = "".join(
        f"  - {{split: {split}, path: {written['file']}}}\n" for split, written in record.items()
    )
    return (
        f"---\nconfigs:\n- config_name: {entry.configuration or 'default'}\n  default: true\n"
        f"  data_files:\n{files}---\n# {entry.title}\n\n"
        f"Fetched from `{entry.hub}` by `sentiment-lstm data fetch {entry.name}`.\n"
    )


def _record(folder: Path) -> dict[str, Any]:
    """What a fetched set's folder says of its files; empty for any other folder."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _differences(entry: DataSet, record: dict[str, Any]) -> Iterator[str]:
    for split, expected in entry.splits.items():
        if split not in record:
            yield f"It has no split {split}."
        elif record[split]["rows"] != expected.rows:
            yield f"{split} has {record[split]['rows']:,} rows, not {expected.rows:,}."
    columns = {column for written in record.values() for column in written["columns"]}
    if lacking := [column for column in entry.columns if column not in columns]:
        yield f"It lacks the columns {', '.join(lacking)}."


def _verify_split(
    folder: Path,
    split: str,
    expected: registry.SplitFile,
    written: dict[str, Any],
    unknown: list[str],
) -> Verified:
    """Compare one split's file. `unknown`: files that neither registry nor record lists."""
    file = str(written.get("file", expected.file))
    path = folder / file
    if not path.is_file():
        instead = f"no file of the registry; found: {', '.join(unknown)}"
        return Verified(split, file, instead if unknown else "missing")
    sha256 = storage.file_sha256(path)
    if sha256 == expected.sha256:
        return Verified(split, file, "ok")
    return Verified(split, file, "as fetched" if sha256 == written.get("sha256") else "other file")


def _data_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in hub.DATA_SUFFIXES)
