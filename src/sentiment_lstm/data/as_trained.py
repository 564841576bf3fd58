"""Reads a file to measure a model on, as the training read its texts.

The settings of the training name the columns, and the label map says what the labels mean.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sentiment_lstm.data.label_map import LabelMap, normal_label
from sentiment_lstm.data.open import open_source
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

_logger = logging.getLogger(__name__)
_COLUMNS = ("text_column", "label_column")


def with_columns_of(
    trained: DataSettings, data: DataSettings, given: Collection[str]
) -> DataSettings:
    """Name the columns of the training, if the source has them.

    Args:
        trained: the settings of the training.
        data: how the source is read.
        given: names of settings that the user gives, such as `data.text_column`. They stay.
    """
    own = {name: getattr(trained, name) for name in _COLUMNS if f"data.{name}" not in given}
    columns = {name: column for name, column in own.items() if column}
    for kept in (columns, *({name: column} for name, column in columns.items())):
        changed = replace(data, **kept)
        if kept and _has_columns(changed):
            return changed
    return data


def with_label_map_of(
    label_map: Mapping[str, str], data: DataSettings, classes: Sequence[str]
) -> DataSettings:
    """Apply the label map of the training if it has some of the labels and they are no classes.

    A map of the settings or of the source has priority, and so do class names of the source.

    Args:
        label_map: the label map of the training.
        data: how the source is read.
        classes: the classes of the model.

    Raises:
        DataError: as `open_source`; or a row is damaged.
    """
    if not label_map or data.label_map or data.soft_labels or data.multi_label:
        return data
    source = open_source(data)
    if source.label_map or source.classes is not None:
        return data
    spelling = {name.casefold(): name for name in reversed(classes)}
    meaning, names, is_needed = LabelMap(label_map), dict[str, str](), False
    for row in source.rows():
        label = normal_label(row.label) if isinstance(row.label, str | int | float) else None
        if label is None or (label == -1 and "-1" not in classes):  # -1 often means no label
            continue
        name, mapped = spelling.get(str(label).casefold()), meaning.value_of(label, None)
        is_needed |= name is None and mapped is not None
        if name and mapped is None:
            names[str(label)] = name
    if not is_needed:
        return data
    _logger.warning(
        "Some labels are no classes of the model, so the label map of the training applies: %s. "
        "Give another map if they mean something else.",
        ",".join(f"{key}={value}" for key, value in label_map.items()),
    )
    return replace(data, label_map={**names, **label_map})


def _has_columns(data: DataSettings) -> bool:
    """Whether a source has the columns that the settings name."""
    try:
        next(open_source(data).rows(), None)
    except DataError:
        return False
    return True
