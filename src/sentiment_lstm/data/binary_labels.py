"""Tells whether a source has two classes without names, such as 0 and 1."""

from __future__ import annotations

from collections.abc import Collection

from sentiment_lstm.data.label_map import normal_label
from sentiment_lstm.data.open import open_source
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

_BINARY = {0, 1, "false", "true"}
_AMBIGUOUS = -1
"""It means no label in some files, and negative in others."""


def are_binary(data: DataSettings, classes: Collection[str]) -> bool:
    """Whether all labels are 0 and 1, or false and true, or the source has two classes of its own.

    Reading stops at the first other label. Fractions, such as 0.5, do not count.

    Args:
        data: the settings. With a label map, soft labels or several labels the answer is no.
        classes: the names of a model's classes. If the source has one of them, the answer is no.

    Raises:
        DataError: as `open_source`; or a row is damaged; or -1 is among the labels 0 and 1.
    """
    if data.label_map or data.soft_labels or data.multi_label:
        return False
    source = open_source(data)
    if source.label_map:
        return False
    if source.classes is not None:
        known = {name.casefold() for name in classes}
        return len(source.classes) == 2 and known.isdisjoint(map(str.casefold, source.classes))
    seen: set[int | float | str] = set()
    for row in source.rows():
        if row.problem:
            continue
        if not isinstance(row.label, str | int | float | None):
            return False
        label = normal_label(row.label)
        if label is None or isinstance(label, float):  # a fraction is no class of any model
            continue
        if label not in _BINARY and label != _AMBIGUOUS:
            return False
        seen.add(label)
    if _AMBIGUOUS in seen and len(seen) > 1:
        raise DataError(
            f"Expected the labels 0 and 1 in {data.source}, found -1 as well: use "
            "--label-map=-1=negative,0=neutral,1=positive if -1 means negative, and "
            "--label-map 0=negative,1=positive if it means no label."
        )
    return bool(seen - {_AMBIGUOUS})
