"""Opens and reads the source that a string names.

This file chooses the module that reads a source. It knows nothing of formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sentiment_lstm.data import bundled, files, grammar, hub, kaggle, registry
from sentiment_lstm.data.acl_imdb import acl_files, acl_splits, is_acl_imdb, open_acl_imdb
from sentiment_lstm.data.class_probabilities import ClassProbabilities
from sentiment_lstm.data.label_map import LabelMap
from sentiment_lstm.data.label_sets import LabelSets, check_separator, find_separator
from sentiment_lstm.data.labels import make_labeller
from sentiment_lstm.data.screening import AnyLabeller, SetAside, screen
from sentiment_lstm.data.source import Source
from sentiment_lstm.data.source_names import (
    NEED_NAME,
    SOURCES,
    expanded,
    is_remote,
    path_of,
    scheme_and_name,
)
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.records import Example, Row
from sentiment_lstm.settings import DataSettings


def open_source(data: DataSettings, *, labelled: bool = True) -> Source:
    """Open the source that `data.source` names.

    It is `imdb`, `grammar`, `grammar:N`, `grammar:A-B`, `data:NAME`, `kaggle:OWNER/NAME`,
    `hf:OWNER/NAME`, `hf:OWNER/NAME/CONFIGURATION` or a path. Write `./imdb` for a folder called
    imdb.

    Args:
        data: the settings. A registered set fills in missing columns and a missing label map.
        labelled: whether the source must have a label column.

    Raises:
        DataError: the source is missing or unreadable, or lacks the split or the columns.
        MissingExtraError: a package that this source needs is not installed.
    """
    scheme, name = scheme_and_name(data.source)
    with _checked(data.source):
        if scheme == "imdb":
            return bundled.open_bundled(data)
        if scheme == "grammar":
            return grammar.open_grammar(data)
        if scheme == "kaggle":
            return _open_file(kaggle.download(name), data, labelled)
        if scheme == "hf":
            return hub.open_hub(name, data, labelled=labelled)
        if scheme == "data":
            return _open_registered(name, data, labelled)
        path = expanded(data.source)
        opener = _open_folder if path.is_dir() else _open_file
        return opener(path, data, labelled)


def list_splits(source: str) -> tuple[str, ...]:
    """List the splits of a source. A file has no splits.

    Raises:
        DataError: the name is empty, the registered set is not on this machine, or the hub or a
            folder cannot be read.
    """
    scheme, name = scheme_and_name(source)
    with _checked(source):
        if scheme in ("imdb", "grammar"):
            return ("train",)
        if scheme == "hf":
            return hub.hub_splits(name)
        path = registry.folder_of(name) if scheme == "data" else expanded(source)
        if not path.is_dir():
            return ()
        return acl_splits(path) if is_acl_imdb(path) else hub.hub_splits(str(path))


def evaluation_split(source: str) -> str:
    """The split that measures a model: `test`, else `validation`, else `train` (all there is)."""
    splits = list_splits(source)
    return next((name for name in ("test", "validation") if name in splits), "train")


def has_own_validation(data: DataSettings) -> bool:
    """Whether a source brings a validation split for its training split."""
    return data.split == "train" and "validation" in list_splits(data.source)


def is_missing(source: str) -> bool:
    """Whether a local path or registered set does not exist.

    Raises:
        DataError: the name is empty, or the system refuses it.
    """
    scheme, name = scheme_and_name(source)
    with _checked(source):
        if scheme == "data":
            return registry.find_folder(name) is None
        is_path = not scheme or (scheme == "hf" and not is_remote(source))
        return is_path and not path_of(source).exists()


def files_of_folder(folder: Path) -> list[Path]:
    """The files of a folder that a reader opens, in all splits; empty if it holds no texts.

    Raises:
        DataError: the reader cannot open the folder.
        MissingExtraError: a package that the reader needs is not installed.
    """
    if is_acl_imdb(folder):
        return list(acl_files(folder))
    return hub.folder_files(folder) if hub.is_hub_folder(folder) else []


def open_rows(data: DataSettings) -> Iterator[Row]:
    """The rows of a source, unchanged, lazily and in its order.

    Raises:
        DataError: as `open_source`; or a row is damaged.
        MissingExtraError: as `open_source`.
    """
    yield from open_source(data).rows()


def read_examples(
    data: DataSettings, *, set_aside: SetAside, classes: Sequence[str] | None = None
) -> Iterator[Example]:
    """The good rows of a source as examples, duplicates included.

    Args:
        data: the settings.
        set_aside: gets the bad rows.
        classes: the classes of a model. Labels are matched to them by name. If no name matches and
            there is no label map, an integer is a class index.

    Raises:
        DataError: as `open_source`; or no row is usable; or a row is bad and `set_aside` is strict.
    """
    source = open_source(data)
    labeller = labeller_of(source, data, classes)
    examples = screen(source.rows(), labeller, data.max_characters, set_aside)
    yield from refuse_empty(examples, data, set_aside)


def read_texts(data: DataSettings, *, set_aside: SetAside) -> Iterator[Example]:
    """The good texts of a source as examples without labels; no label column is needed.

    Raises: as `read_examples`.
    """
    rows = open_source(data, labelled=False).rows()
    yield from refuse_empty(screen(rows, None, data.max_characters, set_aside), data, set_aside)


def labeller_of(
    source: Source, data: DataSettings, classes: Sequence[str] | None = None
) -> AnyLabeller:
    """The labeller of an opened source: the settings' label map, else the source's own.

    Raises:
        UsageError: soft labels are mixed with several labels per text, or a separator is useless.
    """
    label_map = data.label_map or source.label_map
    check_separator(data.label_separator, multi_label=data.multi_label)
    if not data.multi_label:
        named = classes or LabelMap(label_map).class_names
        if data.soft_labels and len(named) > 2:
            return ClassProbabilities(named)
        return make_labeller(
            label_map, source.classes, classes, soft=data.soft_labels, most_classes=data.max_classes
        )
    if data.soft_labels or LabelMap(label_map).soft_labels:
        raise UsageError(
            "Expected whole labels with --multi-label, found soft labels: leave one of them out."
        )
    labeller = make_labeller(label_map, source.classes, classes, most_classes=data.max_classes)
    return LabelSets(labeller, data.label_separator or find_separator(source.rows()))


def refuse_empty(
    examples: Iterator[Example], data: DataSettings, set_aside: SetAside
) -> Iterator[Example]:
    """The same examples; an error if there are none.

    Raises:
        DataError: there are none; the message gives the reasons, and the first row set aside.
    """
    before, weightless = set_aside.total, set_aside.weightless
    empty = True
    for example in examples:
        empty = False
        yield example
    if empty and set_aside.total > before:
        are_lists = set_aside.lists and not data.multi_label
        raise DataError(
            f"Expected usable texts in {data.source}, found none: all rows were set aside "
            f"({set_aside.summary()}; the first: {set_aside.example}); "
            + (
                "their labels are lists: add --multi-label."
                if are_lists
                else "see --label-map and --text-column."
            )
        )
    if empty and set_aside.weightless > weightless:
        raise DataError(
            f"Expected a weight above 0 in {data.source}, found only 0: name another column, or "
            "leave data.weight_column out."
        )
    if empty:
        raise DataError(f"Expected texts in {data.source}, found none.")


@contextmanager
def _checked(source: str) -> Iterator[None]:
    """Refuse an empty name. Turn disk errors into DataError."""
    scheme, name = scheme_and_name(source)
    if scheme in ("", *NEED_NAME) and not name.strip():
        raise DataError(f"Expected the name of a source, found {source!r}; a source is {SOURCES}.")
    try:
        yield
    except OSError as error:  # for example no permission, or a name that no file can have
        raise DataError(f"Expected texts at {source[:200]}, found: {error.strerror}.") from error


def _open_registered(name: str, data: DataSettings, labelled: bool) -> Source:
    known = registry.data_set(name)
    folder = registry.folder_of(name)
    source = _open_folder(folder, known.with_default_columns(data), labelled)
    return replace(source, label_map=known.default_label_map(data))


def _open_folder(path: Path, data: DataSettings, labelled: bool) -> Source:
    if data.encoding or data.separator:
        raise UsageError(
            f"Expected --encoding and --separator for a file, found the folder {path}: name one of "
            "its files, or leave them out."
        )
    if is_acl_imdb(path):
        return open_acl_imdb(path, data)
    if hub.is_hub_folder(path):
        return hub.open_hub(str(path), data, labelled=labelled)
    raise DataError(
        f"Expected texts in the folder {path}, found neither train/pos and train/neg "
        "nor parquet, csv or jsonl files."
    )


def _open_file(path: Path, data: DataSettings, labelled: bool) -> Source:
    if path.exists() and labelled and kaggle.is_kaggle_csv(path, data):
        return kaggle.open_csv(path, data)
    return files.open_file(path, data, labelled=labelled)
