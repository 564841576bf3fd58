"""Tells whether a source has two classes without names, such as 0 and 1."""

from __future__ import annotations

from collections.abc import Collection

from sentiment_lstm.data.label_map import normal_label
from sentiment_lstm.data.open import open_source
from sentiment_lstm.settings import DataSettings

_BINARY = {0, 1, "false", "true"}


def are_binary(data: DataSettings, classes: Collection[str]) -> bool:
    """Whether all labels are 0 and 1, or false and true, or the source has two classes of its own.

    Reading stops at the first other label.

    Args:
        data: the settings. With a label map, soft labels or several labels the answer is no.
        classes: the names of a model's classes. If the source has one of them, the answer is no.

    Raises:
        DataError: as `open_source`; or a row is damaged.
    """
    if data.label_map or data.soft_labels or data.multi_label:
        return False
    source = open_source(data)
    if source.label_map:
        return False
    if source.classes is not None:
        known = {name.casefold() for name in classes}
        return len(source.classes) == 2 and known.isdisjoint(map(str.casefold, source.classes))
    is_any = False
    for row in source.rows():
        if row.problem:
            continue
        if not isinstance(row.label, str | int | float | None):
            return False
        label = normal_label(row.label)
        if label in (None, -1):
            continue
        if label not in _BINARY:
            return False
        is_any = True
    return is_any
