"""Phase 2 of the study: Hugging Face datasets, by name or as a folder laid out like one.

Whole (Arrow files, memory-mapped) or streaming. A name's Arrow files go to the usual cache; a
folder's go to a temporary one, so that reading a folder leaves nothing behind.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sentiment_lstm.data.libraries import first_line, missing_extra
from sentiment_lstm.data.source import Columns, Source, check_split, choose_columns
from sentiment_lstm.errors import DataError, SentimentError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

_BATCH_ROWS = 1_000
_DATA_SUFFIXES = {".parquet", ".csv", ".tsv", ".jsonl", ".json", ".arrow"}


def is_hub_folder(folder: Path) -> bool:
    """Whether the folder, or one up to two levels below, holds a data file."""
    places = (p for pattern in ("*", "*/*", "*/*/*") for p in folder.glob(pattern))
    return any(p.suffix.lower() in _DATA_SUFFIXES and p.is_file() for p in places)


def open_hub(name: str, data: DataSettings, *, labelled: bool) -> Source:
    """The data set `name`, a name on the hub or a folder.

    Raises:
        MissingExtraError: datasets is not installed.
        DataError: unreachable, unknown, damaged, or without the split or the columns.
    """
    with _loaded(name, streaming=True) as stream:
        check_split(data, list(stream))
        features = _features(stream[data.split], name)
    columns = choose_columns(list(features), data, labelled=labelled, where=name)
    names = getattr(features.get(columns.label), "names", None) if columns.label else None
    return Source(partial(_rows, name, data, columns), tuple(names) if names else None)


def hub_splits(name: str) -> tuple[str, ...]:
    """The splits of a data set.

    Raises: as `open_hub`.
    """
    with _loaded(name, streaming=True) as stream:
        return tuple(stream)


def _datasets() -> Any:  # noqa: ANN401
    """The library, its bars and its own log silenced: errors reach the user as one sentence."""
    try:
        import datasets
    except ImportError as error:
        raise missing_extra("Hugging Face data sets") from error
    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity(datasets.utils.logging.CRITICAL)
    # The hub's client logs each of its retries.
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    return datasets


@contextmanager
def _loaded(name: str, **options: object) -> Iterator[Any]:
    """The data set; a folder's cache lasts as long as the block."""
    datasets = _datasets()
    path = Path(name)
    with ExitStack() as stack:
        if path.is_dir():
            name = str(path.resolve())
            options["cache_dir"] = stack.enter_context(tempfile.TemporaryDirectory())
        try:
            dataset = datasets.load_dataset(name, **options)
        except Exception as error:  # whatever the hub's client, Arrow or a reader raises
            raise _unreadable(name, error) from error
        yield dataset


def _features(dataset: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    """Feature by column; of a stream that does not tell, from its first row."""
    if dataset.features is not None:
        return dict(dataset.features)
    try:
        return dict.fromkeys(next(iter(dataset), {}))
    except Exception as error:
        raise _unreadable(name, error) from error


def _rows(name: str, data: DataSettings, columns: Columns) -> Iterator[Row]:
    with _loaded(name, split=data.split, streaming=data.streaming) as dataset:
        line = 0
        for batch in _batches(dataset.select_columns(columns.used), name):
            for i, text in enumerate(batch[columns.text]):
                line += 1
                label = batch[columns.label][i] if columns.label else None
                group = batch[columns.group][i] if columns.group else None
                group = None if group is None else str(group)
                yield Row(text, label, f"{data.split}:{line}", line, group)


def _batches(dataset: Any, name: str) -> Iterator[dict[str, list[Any]]]:  # noqa: ANN401
    try:
        yield from dataset.iter(batch_size=_BATCH_ROWS)
    except SentimentError:
        raise
    except Exception as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> DataError:
    if Path(name).is_dir():
        return DataError(
            f"Expected a folder laid out like a Hugging Face data set at {name}, "
            f"found: {first_line(error)}; name one of its files instead."
        )
    return DataError(
        f"Expected the Hugging Face data set {name!r}, found: {first_line(error)}; go on with "
        "--data imdb, with a local path, or with HF_HUB_OFFLINE=1 if it is in the cache."
    )
