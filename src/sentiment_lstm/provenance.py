"""Where a model comes from, as its bundle states it: names and hashes, never paths.

A run's own `settings.json` keeps the paths of its sources. A bundle travels to other machines, so
there a file or folder goes by its last part, and its SHA-256 identifies it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sentiment_lstm.data.corpus import named_split
from sentiment_lstm.data.registry import DataSet, registered
from sentiment_lstm.data.source_names import scheme_and_name
from sentiment_lstm.settings import Settings
from sentiment_lstm.storage import file_sha256

_TEXT_FILES = {
    *(".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".txt"),
    *(".zip", ".gz", ".zst"),
}
"""Files of a folder that count for its hash."""
_HUB_COPY = re.compile(r"models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]")


def is_name(source: str) -> bool:
    """Whether a source is known by name on every machine: `imdb`, `imdb:test`, `hf:NAME`."""
    scheme, _ = scheme_and_name(source)
    return bool(scheme) or source.startswith("imdb:")


def source_name(source: str) -> str:
    """The name of a source in a bundle: `/home/ann/tickets.csv:test` -> `tickets.csv:test`.

    Sources that are names stay. A folder called imdb becomes `./imdb`, because `imdb` alone names
    other texts.
    """
    return source if is_name(source) else _last_part(source)


def bundle_name(folder: str) -> str:
    """The name of a bundle that a training started from: `runs/first` -> `first`.

    A copy from the hub goes by its name there, `OWNER/NAME`.
    """
    copy = _HUB_COPY.search(folder)
    return "/".join(copy.groups()) if copy else _last_part(folder)


def names_only(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The same provenance with names in place of paths.

    What does not look like a training's provenance stays as it is.
    """
    replaced = _replaced(provenance, _names_of_paths(provenance))
    assert isinstance(replaced, dict)
    return replaced


def without_paths(text: str, provenance: Mapping[str, Any]) -> str:
    """A text, such as a model card, with names in place of the provenance's paths."""
    names = _names_of_paths(provenance)
    for path in sorted(names, key=len, reverse=True):
        for written in (path, path.replace("\\", "\\\\")):  # as it is, and as in JSON
            whole = rf"(?<![\w./\\~-]){re.escape(written)}(?![\w/\\-])"
            text = re.sub(whole, names[path].replace("\\", r"\\"), text)
    return text


def describe(settings: Settings) -> dict[str, Any]:
    """What a bundle states about its training: settings, and hashes of the sources on this machine.

    Returns:
        `settings`, by names; where there are any, `sources` (each with its `sha256`, or `files`
        with the SHA-256 of each) and `data_sets` (names of the registry). Files are read once more
        for their hashes.
    """
    provenance = names_only({"settings": settings.to_dict()})
    read = dict.fromkeys(named_split(source)[0] for source in _sources(settings.to_dict()))
    sources = list(filter(None, map(_hashed, read)))
    more = {"sources": sources, "data_sets": data_sets(provenance)}
    return provenance | {key: value for key, value in more.items() if value}


def data_sets(provenance: Mapping[str, Any]) -> list[str]:
    """The registered data sets that a model has read, as far as its provenance tells."""
    settings = _mapping(provenance.get("settings"))
    language = _mapping(settings.get("language"))
    unlabelled = _strings(language.get("sources")) if language.get("epochs") else []
    trained = [_mapping(section).get("source") for section in _data_sections(settings)]
    sources = [
        named_split(source)[0] for source in _strings([*trained, *unlabelled]) if is_name(source)
    ]
    known = [entry.name for entry in map(registered_set, sources) if entry]
    return list(dict.fromkeys([*_strings(provenance.get("data_sets")), *known]))


def registered_set(source: str) -> DataSet | None:
    """The registry's entry for `data:NAME`, for the bundled `imdb`, or for a name on the hub."""
    scheme, name = scheme_and_name(source)
    if scheme in ("imdb", "data"):
        return registered().get(name or source)
    if scheme == "hf":
        for known in registered().values():
            if name in (known.hub, f"{known.hub}/{known.configuration}") and known.hub:
                return known
    return None


def recorded_hash(provenance: Mapping[str, Any]) -> str | None:
    """The SHA-256 of the file or folder that a model was mainly trained on; None: not recorded."""
    source = _mapping(_mapping(provenance.get("settings")).get("data")).get("source")
    for record in _list(provenance.get("sources")):
        if _mapping(record).get("source") == source:
            sha256 = _mapping(record).get("sha256")
            return sha256 if isinstance(sha256, str) else None
    return None


def sha256_of(source: str) -> str | None:
    """The SHA-256 of a file, or of the list of a folder's text files with theirs.

    That list is what `sha256sum` prints for them, in the order of their names within the folder.

    Returns:
        Hexadecimal digits; None: nothing is there, or it cannot be read.
    """
    path = Path(os.path.expanduser(source))  # noqa: PTH111 (as sources are opened)
    try:
        if path.is_file():
            return file_sha256(path)
        files = sorted(file.relative_to(path).as_posix() for file in _text_files(path))
        lines = [f"{file_sha256(path / name)}  {name}\n" for name in files]
    except OSError:
        return None
    return hashlib.sha256("".join(lines).encode(errors="replace")).hexdigest() if lines else None


def _last_part(path: str) -> str:
    last = re.split(r"[/\\]", path.rstrip("/\\"))[-1] or "."
    return f"./{last}" if is_name(last) else last


def _hashed(source: str) -> dict[str, Any] | None:
    """A source with its hashes; None where there are none to give."""
    if source.startswith("data:"):
        known = registered_set(source)
        files = {part.file: part.sha256 for part in known.splits.values()} if known else {}
        return {"source": source, "files": files} if files else None
    if is_name(source):
        return None
    sha256 = sha256_of(source)
    return {"source": source_name(source), "sha256": sha256} if sha256 else None


def _text_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in _TEXT_FILES and path.is_file():
            yield path


def _sources(settings: Mapping[str, Any]) -> list[str]:
    """Every source as settings name it, the main one first.

    After those that are trained on come those read for language and those left out, which may name
    a split.
    """
    sections = [_mapping(section) for section in _data_sections(settings)]
    trained = _strings([section.get("source") for section in sections])
    language = _strings(_mapping(settings.get("language")).get("sources"))
    left_out = [source for section in sections for source in _strings(section.get("exclude"))]
    return [*trained, *language, *left_out]


def _names_of_paths(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Path -> name, for every path among a provenance's settings."""
    settings = _mapping(provenance.get("settings"))
    names = {source: source_name(source) for source in _sources(settings)}
    if isinstance(init := _mapping(settings.get("training")).get("init"), str):
        names[init] = bundle_name(init)
    return {path: name for path, name in names.items() if path != name}


def _data_sections(settings: Mapping[str, Any]) -> list[Any]:
    return [settings.get("data"), *_list(settings.get("mixture"))]


def _replaced(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {key: _replaced(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _strings(value: object) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]
