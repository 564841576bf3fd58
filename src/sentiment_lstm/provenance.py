"""Where a model comes from, as its bundle states it: names and hashes, never paths.

A run's own `settings.json` keeps the paths of its sources. A bundle is copied to other machines,
so it stores only the last part of a path. The SHA-256 identifies the file or folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sentiment_lstm.data.fetching import RECORD
from sentiment_lstm.data.named_texts import named_split
from sentiment_lstm.data.open import files_of_folder
from sentiment_lstm.data.registry import DataSet, find_folder, registered
from sentiment_lstm.data.source_names import REMOTE, is_remote, path_of, scheme_and_name
from sentiment_lstm.errors import SentimentError
from sentiment_lstm.setting_names import to_format_1
from sentiment_lstm.settings import Settings
from sentiment_lstm.storage import file_sha256

_TEXT_FILES = {
    *(".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".txt"),
    *(".zip", ".gz", ".zst"),
}
"""The endings of the files of a registered set."""
_HUB_COPY = re.compile(r"models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]([0-9a-f]*)")


def is_portable(source: str) -> bool:
    """Whether a source has the same name on every machine: `imdb:test`, `hf:OWNER/NAME`.

    `hf:/data/films` is a folder, so it is not portable.
    """
    scheme, _ = scheme_and_name(source)
    if scheme in REMOTE:
        return is_remote(source)
    return bool(scheme) or source.startswith("imdb:")


def source_name(source: str) -> str:
    """The name of a source in a bundle: `/home/ann/tickets.csv:test` -> `tickets.csv:test`.

    Names are unchanged. A folder called imdb becomes `./imdb`, because `imdb` alone names other
    texts. `hf:/data/films` becomes `hf:films`.
    """
    if is_portable(source):
        return source
    scheme, path = scheme_and_name(source)
    return f"{scheme}:{_last_part(path)}" if scheme else _without_confusion(_last_part(path))


def bundle_name(folder: str) -> str:
    """The name of a bundle that a training started from: `runs/first` -> `first`.

    A copy from the hub is named `OWNER/NAME`.
    """
    copy = _HUB_COPY.search(folder)
    return f"{copy[1]}/{copy[2]}" if copy else _without_confusion(_last_part(folder))


def bundle_revision(folder: str) -> str | None:
    """The hash of the commit, if the folder is a copy from the hub."""
    copy = _HUB_COPY.search(folder)
    return copy[3] or None if copy else None


def replace_paths(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The same provenance with names in place of paths.

    Other values are unchanged.
    """
    replaced = with_names(provenance, _names_of_paths(provenance))
    assert isinstance(replaced, dict)
    return replaced


def with_names(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401
    """The same value with every text that is a key of `names` replaced."""
    if isinstance(value, Mapping):
        return {key: with_names(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_names(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def without_paths(text: str, provenance: Mapping[str, Any]) -> str:
    """A text, such as a model card, with names in place of the provenance's paths."""
    names = _names_of_paths(provenance)
    for path in sorted(names, key=len, reverse=True):
        for written in (path, path.replace("\\", "\\\\")):  # as plain text, and as in JSON
            whole = rf"(?<![\w./\\~-]){re.escape(written)}(?![\w/\\-])"
            text = re.sub(whole, names[path].replace("\\", r"\\"), text)
    return text


def as_stored(provenance: Mapping[str, Any], typed: Mapping[str, Any] | None) -> dict[str, Any]:
    """A provenance as a bundle stores it: names in place of paths, and hashes of the sources.

    Older bundles hold paths without hashes. Their hashes are computed if the files are still there.

    Args:
        provenance: the provenance of the model.
        typed: the settings, if they hold the paths as they were typed. None: a bare name may be the
            name of another file, so only sources with a folder in their path are hashed.
    """
    stored = dict(provenance)
    if isinstance(settings := provenance.get("settings"), Mapping):
        stored["settings"] = to_format_1(settings)
        if "sources" not in provenance and (hashes := _hashes_of_paths(typed, settings)):
            stored["sources"] = hashes
    return replace_paths(stored)


def has_path(source: str) -> bool:
    """Whether a source is a path with a folder: `films/a.csv`, but not `a.csv` or `imdb`."""
    return source != source_name(source)


def describe(settings: Settings) -> dict[str, Any]:
    """Describe a training for its bundle: settings, and hashes of the sources on this machine.

    The files are read again to compute their hashes.

    Returns:
        - `settings`: with names in place of paths.
        - `sources`, if there are any: the `source` of each, and its `sha256`. A registered set has
          `files` instead: name of the file -> SHA-256.
        - `data_sets`, if there are any: the names of the registered sets.
    """
    provenance = replace_paths({"settings": settings.to_dict()})
    read = dict.fromkeys(named_split(source)[0] for source in sources_in(settings.to_dict()))
    sources = list(filter(None, map(_with_hashes, read)))
    more = {"sources": sources, "data_sets": data_sets(provenance)}
    return provenance | {key: value for key, value in more.items() if value}


def sources_in(settings: Mapping[str, Any]) -> list[str]:
    """All sources in the settings: training, language, excluded. The main source is first.

    An excluded source may name a split.
    """
    sections = [_mapping(section) for section in _data_sections(settings)]
    trained = _strings([section.get("source") for section in sections])
    language = _strings(_mapping(settings.get("language")).get("sources"))
    excluded = [source for section in sections for source in _strings(section.get("exclude"))]
    return [*trained, *language, *excluded]


def data_sets(provenance: Mapping[str, Any]) -> list[str]:
    """The registered data sets that a model has read, as its provenance lists them."""
    settings = _mapping(provenance.get("settings"))
    language = _mapping(settings.get("language"))
    uses = language.get("epochs") or _mapping(settings.get("training")).get("self_training")
    unlabelled = _strings(language.get("sources")) if uses else []
    trained = [_mapping(section).get("source") for section in _data_sections(settings)]
    sources = [
        named_split(source)[0]
        for source in _strings([*trained, *unlabelled])
        if is_portable(source)
    ]
    known = [entry.name for entry in map(registered_set, sources) if entry]
    return list(dict.fromkeys([*_strings(provenance.get("data_sets")), *known]))


def joined_text_columns(provenance: Mapping[str, Any]) -> str | None:
    """The text columns that the training joined, with commas; None if there was only one."""
    column = text_column_of_training(provenance)
    return column if column and "," in column else None


def text_column_of_training(provenance: Mapping[str, Any]) -> str | None:
    """The column of texts that the settings of the training name, or several with commas."""
    data = _mapping(_mapping(provenance.get("settings")).get("data"))
    column = data.get("text_column")
    return column if isinstance(column, str) else None


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


def recorded_hash(provenance: Mapping[str, Any], source: str | None = None) -> str | None:
    """The SHA-256 that a model has recorded for the file or folder of a source.

    Args:
        provenance: the provenance of the model.
        source: as the settings name it, without a split; None: the main source of the training.

    Returns:
        None if no hash is recorded, or if several files have the source's name.
    """
    main = _mapping(_mapping(provenance.get("settings")).get("data")).get("source")
    name = source_name(str(main if source is None else source))
    records = [_mapping(record) for record in _list(provenance.get("sources"))]
    hashes = [record.get("sha256") for record in records if record.get("source") == name]
    is_known = hashes and (source is None or len(set(hashes)) == 1)
    return hashes[0] if is_known and isinstance(hashes[0], str) else None


def caution_about(source: str, provenance: Mapping[str, Any]) -> str:
    """A warning if a source shares only its name with a source of the model; else empty."""
    own = _mapping(_mapping(provenance.get("settings")).get("data")).get("source")
    name = source_name(source)
    if is_portable(source) or not isinstance(own, str) or source_name(own) != name:
        return ""
    kind = "folder" if path_of(source).is_dir() else "file"
    hashed = recorded_hash(provenance)
    difference = "but other content" if hashed else "and the model has no hash of it to compare"
    return (
        f"{name} has the name of a {kind} that trained this model, {difference}; "
        "texts that trained the model make the result too high."
    )


def is_same_source(source: str, other: str) -> bool:
    """Whether two sources are the same, however a path is written."""
    if source == other:
        return True
    path = _resolved_path(source)
    return path is not None and path == _resolved_path(other)


def sha256_of(source: str) -> str | None:
    """The SHA-256 of a file. For a folder: the hash of the names and hashes of the files read.

    `sha256sum` prints these names and hashes for the files, sorted by their names in the folder.

    Returns:
        Hexadecimal digits. None if nothing is there, or if it cannot be read.
    """
    path = path_of(source)
    try:
        if path.is_file():
            return file_sha256(path)
        hashes = _file_hashes(path, files_of_folder(path)) if path.is_dir() else {}
    except (OSError, SentimentError):
        return None
    lines = [f"{sha256}  {name}\n" for name, sha256 in hashes.items()]
    return hashlib.sha256("".join(lines).encode(errors="replace")).hexdigest() if lines else None


def _resolved_path(source: str) -> Path | None:
    """The file or folder of a source; None if its texts are not in a file or folder."""
    scheme, name = scheme_and_name(source)
    path = find_folder(name) if scheme == "data" else path_of(source)
    return path.resolve() if path and path.exists() else None


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or "."


def _without_confusion(last: str) -> str:
    """`imdb` -> `./imdb`, because `imdb` alone names other texts."""
    return f"./{last}" if is_portable(last) else last


def _hashes_of_paths(
    typed: Mapping[str, Any] | None, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The hashes of those sources of an older bundle that are paths; see `as_stored`."""
    sources = dict.fromkeys(named_split(source)[0] for source in sources_in(typed or settings))
    paths = [s for s in sources if has_path(s) or (typed and not is_portable(s))]
    return list(filter(None, map(_with_hashes, paths)))


def _with_hashes(source: str) -> dict[str, Any] | None:
    """A source with the hashes of its files on this machine; None if it has no such files."""
    if files := _registered_files(source):
        return {"source": source, "files": files}
    if is_portable(source):
        return None
    sha256 = sha256_of(source)
    return {"source": source_name(source), "sha256": sha256} if sha256 else None


def _registered_files(source: str) -> dict[str, str]:
    """Name -> SHA-256 of each file of `data:NAME` on this machine; empty for other sources."""
    scheme, name = scheme_and_name(source)
    folder = find_folder(name) if scheme == "data" else None
    try:
        hashes = _file_hashes(folder, _text_files(folder)) if folder else {}
    except OSError:
        return {}
    return {file: sha256 for file, sha256 in hashes.items() if file != RECORD}


def _file_hashes(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """Name within the folder -> SHA-256 of each file, sorted by name."""
    names = sorted(file.relative_to(folder).as_posix() for file in files)
    return {name: file_sha256(folder / name) for name in names}


def _text_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in _TEXT_FILES and path.is_file():
            yield path


def _names_of_paths(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Path -> name, for every path in the settings of a provenance."""
    settings = _mapping(provenance.get("settings"))
    names = {source: source_name(source) for source in sources_in(settings)}
    init = _mapping(settings.get("training")).get("init")
    is_name = init == _mapping(provenance.get("started_from")).get("name")  # such as OWNER/NAME
    if isinstance(init, str) and not is_name:
        names[init] = bundle_name(init)
    return {path: name for path, name in names.items() if path != name}


def _data_sections(settings: Mapping[str, Any]) -> list[Any]:
    return [settings.get("data"), *_list(settings.get("mixture"))]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _strings(value: object) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]
