"""Downloads registered data sets into the cache folder, and compares files with the registry."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment_lstm import storage
from sentiment_lstm.data import hub, registry
from sentiment_lstm.data.registry import DataSet
from sentiment_lstm.errors import DataError

RECORD = "fetched.json"
"""The record: a file in the folder of a fetched set that describes each split."""
_RECORDED = {"file": str, "rows": int, "columns": list, "sha256": str}
"""The keys of a split in the record, and the types of their values."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A downloaded set; `differences` says how the hub's copy differs from the registry."""

    folder: Path
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of comparing a file with the registry.

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
        DataError: no set has this name, no public copy is known, the hub cannot be read, or
            something else is at the path of the folder.
        StorageError: the cache folder cannot be written to, or another process fetches the set.
        MissingExtraError: datasets is not installed.
    """
    entry = registry.data_set(name)
    folder = _folder_here(entry)
    if folder is None:
        if not entry.hub:
            raise DataError(f"Expected a set to fetch, found {name}; {registry.how_to_get(entry)}.")
        folder = registry.cache_folder() / name
        if os.path.lexists(folder):  # fail before the download, not after it
            raise DataError(f"Expected nothing at {folder}, found a file or link; move it away.")
        with storage.explain_write_errors(folder), _made(folder.parent), storage.locked(folder):
            _download(entry, folder)
    record = _record(folder)
    return Fetched(folder, tuple(_differences(entry, record) if record else ()))


def verify(name: str) -> list[Verified]:
    """Compare the set's files with the registry, a split at a time.

    Raises:
        DataError: no set has this name, it is not on this machine, or it cannot be read.
    """
    folder = registry.folder_of(name)
    fetched, splits = _record(folder), registry.data_set(name).splits
    known = {
        RECORD,
        *(file["file"] for file in fetched.values()),
        *(s.file for s in splits.values()),
    }
    with registry.explain_read_errors():
        unknown = sorted(path.name for path in _data_files(folder) if path.name not in known)
        return [
            _verify_split(folder, split, expected, fetched.get(split, {}), unknown)
            for split, expected in splits.items()
        ]


def verify_all() -> dict[str, list[Verified]]:
    """Compare every set that is on this machine with the registry: name of the set -> its files.

    Raises:
        DataError: no set is on this machine, or one cannot be read.
    """
    here = [name for name in registry.registered() if registry.find_folder(name)]
    if not here:
        searched = " and ".join(map(str, registry.data_folders()))
        raise DataError(
            f"Expected data sets in {searched}, found none; "
            "fetch one with: sentiment-lstm data fetch NAME."
        )
    return {name: verify(name) for name in here}


def _folder_here(entry: DataSet) -> Path | None:
    """The folder that holds the set; None if there is no folder of its name.

    Raises:
        DataError: a folder of its name holds something else.
    """
    folder = registry.find_folder(entry.name)
    if folder is None:
        folder = next(iter(registry.folders_named(entry.name)), None)
    if folder is None:
        return None
    names = (RECORD, *(split.file for split in entry.splits.values()))
    if not any((folder / file).is_file() for file in names):
        raise DataError(
            f"Expected the data set {entry.name} in the folder {folder}, found none of its files; "
            f"move that folder away, or put the files {registry.file_names(entry)} into it."
        )
    return folder


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder and its parents. Those that are empty at the end of the block are removed."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # the first one that is not empty ends it
            for path in new:
                path.rmdir()


def _download(entry: DataSet, folder: Path) -> None:
    """Lock `folder`, download into a folder beside it, and rename that folder to `folder`."""
    staged = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(staged, ignore_errors=True)  # left by a process that was killed
    staged.mkdir()
    files = f"put the files {registry.file_names(entry)} into {folder} yourself"
    ways = ("check the connection and try again", registry.WITHOUT_NETWORK.get(entry.name), files)
    *others, last = filter(None, ways)
    advice = f"{', '.join(others)}, or {last}"
    try:
        name = "/".join(filter(None, (entry.hub, entry.configuration)))
        with hub.loaded(name, advice=advice) as dataset:
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
    """Write a split as a parquet file; returns its entry in the record."""
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
    """The record in the folder of a fetched set; empty for any other folder.

    Raises:
        DataError: the record is damaged.
    """
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _bad_record(folder, str(error)) from error
    if not isinstance(record, dict) or not all(map(_describes_split, record.values())):
        raise _bad_record(folder, "something else")
    return record


def _describes_split(written: object) -> bool:
    """Whether an entry of a record has all keys of `_RECORDED`."""
    return (
        isinstance(written, dict)
        and all(isinstance(written.get(key), kind) for key, kind in _RECORDED.items())
        and all(isinstance(column, str) for column in written["columns"])
    )


def _bad_record(folder: Path, reason: str) -> DataError:
    return DataError(
        f"Expected a record of a download at {folder / RECORD}, found {reason}; remove the folder "
        f"{folder} and fetch the set again: sentiment-lstm data fetch {folder.name}."
    )


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
    """Compare one split's file. `unknown`: files that are not in the registry or the record."""
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
