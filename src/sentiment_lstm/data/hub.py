"""Reads Hugging Face data sets: by their name on the hub, or as a folder laid out like one.

A data set is read whole (Arrow files, memory-mapped) or as a stream. The Arrow files of a set
from the hub go to the library's usual cache. Those of a folder go to a temporary cache, so that
reading a folder leaves nothing behind.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sentiment_lstm.data.libraries import first_line, missing_extra, no_telemetry
from sentiment_lstm.data.source import (
    Columns,
    Source,
    check_split,
    choose_columns,
    joined_text,
    row_group,
    row_label,
)
from sentiment_lstm.errors import DataError, SentimentError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

_BATCH_ROWS = 1_000
DATA_SUFFIXES = {".parquet", ".csv", ".tsv", ".jsonl", ".json", ".arrow"}
"""Endings of the files that the library reads."""
_ADVICE = "use --data imdb, a local path, or HF_HUB_OFFLINE=1 if it is in the cache"
_PARQUET_COPY = "refs/convert/parquet"
_CONFIGURED = re.compile(r"([\w.-]+/[\w.-]+)/([\w.-]+)")


def is_hub_folder(folder: Path) -> bool:
    """Whether the folder, or one up to two levels below, holds a data file."""
    paths = (p for pattern in ("*", "*/*", "*/*/*") for p in folder.glob(pattern))
    return any(p.suffix.lower() in DATA_SUFFIXES and p.is_file() for p in paths)


def open_hub(name: str, data: DataSettings, *, labelled: bool) -> Source:
    """The data set `name`: OWNER/NAME or OWNER/NAME/CONFIGURATION on the hub, or a folder.

    Raises:
        MissingExtraError: datasets is not installed.
        DataError: the data set is unreachable, unknown or damaged, or lacks the configuration, the
            split or the columns.
    """
    with loaded(name, streaming=True) as stream:
        check_split(data, list(stream))
        features = _features(stream[data.split], name)
    columns = choose_columns(list(features), data, labelled=labelled, where=name)
    names = _class_names(features, columns)
    return Source(partial(_rows, name, data, columns), tuple(names) if names else None)


def hub_splits(name: str) -> tuple[str, ...]:
    """The splits of a data set.

    Raises: as `open_hub`.
    """
    with loaded(name, streaming=True) as stream:
        return tuple(stream)


def folder_files(folder: Path) -> list[Path]:
    """The files in a folder that the library reads, in all splits.

    Raises: as `open_hub`.
    """
    datasets = _datasets()
    root = folder.resolve()
    with tempfile.TemporaryDirectory() as cache:
        try:
            builder = datasets.load_dataset_builder(str(root), cache_dir=cache)
        except Exception as error:  # as in `loaded`
            raise _unreadable(str(folder), error) from error
    splits = builder.config.data_files or {}
    files = [Path(file) for split in splits.values() for file in split]
    return [folder / file.relative_to(root) for file in files if file.is_relative_to(root)]


@contextmanager
def loaded(name: str, *, advice: str = _ADVICE, **options: object) -> Iterator[Any]:
    """The data set as the library returns it; a folder's cache is deleted after the block.

    Args:
        name: as for `open_hub`.
        advice: what to do if the hub does not give the data set, as the end of a message.
        options: passed to `datasets.load_dataset`.

    Raises: as `open_hub`.
    """
    datasets = _datasets()
    path, configuration = _path_and_configuration(name)
    if configuration:
        options["name"] = configuration
    with ExitStack() as stack:
        if Path(path).is_dir():
            path = str(Path(path).resolve())
            options["cache_dir"] = stack.enter_context(tempfile.TemporaryDirectory())
        try:
            dataset = _load(datasets, path, options)
        except Exception as error:  # the hub's client, Arrow and the readers raise many types
            raise _unreadable(name, error, advice) from error
        yield dataset


def _datasets() -> Any:  # noqa: ANN401
    """The library without its progress bars and log; our errors replace them."""
    no_telemetry()
    try:
        import datasets
    except ImportError as error:
        raise missing_extra("Hugging Face data sets") from error
    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity(datasets.utils.logging.CRITICAL)
    # The hub's client logs each of its retries.
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    return datasets


def _load(datasets: Any, path: str, options: dict[str, object]) -> Any:  # noqa: ANN401
    """The data set; if the library no longer runs its script, the hub's parquet copy of it."""
    try:
        return datasets.load_dataset(path, **options)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
        return datasets.load_dataset(path, **options, revision=_PARQUET_COPY)


def _path_and_configuration(name: str) -> tuple[str, str | None]:
    """`"OWNER/NAME/CONFIGURATION"` -> the first two parts and the third; a folder stays whole."""
    configured = None if Path(name).is_dir() else _CONFIGURED.fullmatch(name)
    return (configured[1], configured[2]) if configured else (name, None)


def _features(dataset: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    """Column -> feature; if a stream does not know them, the columns of its first row."""
    if dataset.features is not None:
        return dict(dataset.features)
    try:
        return dict.fromkeys(next(iter(dataset), {}))
    except Exception as error:
        raise _unreadable(name, error) from error


def _class_names(features: dict[str, Any], columns: Columns) -> list[str] | None:
    """The names of the classes if a single column of labels, or of lists of them, knows them."""
    if len(columns.labels) != 1:
        return None
    feature = features.get(columns.labels[0])
    return getattr(getattr(feature, "feature", feature), "names", None)


def _rows(name: str, data: DataSettings, columns: Columns) -> Iterator[Row]:
    with loaded(name, split=data.split, streaming=data.streaming) as dataset:
        line = 0
        for batch in _batches(dataset.select_columns(columns.used), name):
            for i, values in enumerate(zip(*(batch[c] for c in columns.texts), strict=True)):
                line += 1
                label = row_label(columns.labels, [batch[c][i] for c in columns.labels])
                group = row_group(batch[columns.group][i]) if columns.group else None
                weight = batch[columns.weight][i] if columns.weight else 1.0
                place = f"{data.split}:{line}"
                yield Row(joined_text(values), label, place, line, group, weight=weight)


def _batches(dataset: Any, name: str) -> Iterator[dict[str, list[Any]]]:  # noqa: ANN401
    try:
        yield from dataset.iter(batch_size=_BATCH_ROWS)
    except SentimentError:
        raise
    except Exception as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception, advice: str = _ADVICE) -> DataError:
    """What the library's error means for the user, as one sentence."""
    known = _known_configurations(error)
    if Path(name).is_dir():
        reason = f"the configurations {', '.join(known)}" if known else first_line(error)
        return DataError(
            f"Expected a folder laid out like a Hugging Face data set at {name}, "
            f"found: {reason}; name one of its files instead."
        )
    if known:
        path, configuration = _path_and_configuration(name)
        return DataError(
            f"Expected one of the configurations {', '.join(known)} of the Hugging Face data set "
            f"{path!r}, found {configuration or 'none'}; name one, such as hf:{path}/{known[0]}."
        )
    return DataError(
        f"Expected the Hugging Face data set {name!r}, found: {first_line(error)}; {advice}."
    )


def _known_configurations(error: Exception) -> list[str]:
    """The configurations that the library's message lists; none if it is about something else."""
    listed = re.search(r"(?:Available|available configs): \[(.*)\]", str(error))
    return re.findall(r"'([^']*)'", listed[1]) if listed else []
