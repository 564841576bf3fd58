"""Several labels per text: reads lists, texts with separators, and one column for each label.

This file knows nothing of files or screening. `labels.py` decides the class of a single label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from sentiment_lstm.data.label_map import Label, normal_label
from sentiment_lstm.data.label_notes import SEPARATORS, read_list
from sentiment_lstm.data.labels import Labeller
from sentiment_lstm.errors import UsageError
from sentiment_lstm.records import Row

LOOKED_AT = 1_000
"""Rows that are searched for a separator."""
_RARE = 0.01
"""A character in fewer labels than this fraction of the commonest separator's is no separator. The
fraction is small: perhaps few texts have several labels, and many names of labels hold commas."""

MISSING, UNMAPPED = "missing label", "unmapped label"
"""Why a row's labels cannot be used."""
_IN_A_COLUMN: Mapping[object, bool] = {
    **dict.fromkeys((1, "true", "yes", "y", "x"), True),
    **dict.fromkeys((0, "false", "no", "n"), False),
}


class LabelSets:
    """Reads the labels of a text.

    Args:
        labeller: gives each label its class.
        separator: the character between two labels in a string; None: a string is one label.
    """

    def __init__(self, labeller: Labeller, separator: str | None = None) -> None:
        self._labeller, self._separator = labeller, separator

    def read(self, raw: object) -> tuple[tuple[str, ...], str | None]:
        """The classes of a text, sorted, and what is wrong with its labels (None: nothing).

        An empty list, an empty string and columns of 0 mean that the text has no label. None, NaN
        and empty columns mean that its labels are missing.
        """
        if raw is None or raw != raw:
            return (), MISSING
        if isinstance(raw, Mapping):
            labels = _of_columns(raw)
        elif isinstance(raw, str):
            labels = self._of_string(raw)
        else:
            labels = list(raw) if isinstance(raw, list | tuple) else [raw]
        if labels is None:
            return (), MISSING
        plain = [*map(_plain, labels)]
        if any(label is None or self._labeller.is_missing(label) for label in plain):
            return (), UNMAPPED
        names = {self._labeller.class_of(label) for label in plain if label is not None}
        known = sorted(name for name in names if name is not None)
        return tuple(known), UNMAPPED if None in names else None

    def classes(self) -> tuple[str, ...]:
        """All classes, in order."""
        return self._labeller.classes()

    def freeze_classes(self) -> None:
        """After this, unknown labels are unmapped.

        Raises:
            DataError: most labels occur only once.
        """
        self._labeller.freeze_classes()

    def _of_string(self, text: str) -> list[object]:
        """A list as programs write it (`["joy", "love"]`), or labels with separators."""
        stripped = text.strip()
        if stripped.startswith("[") and stripped.endswith("]"):
            labels = read_list(stripped)
            return [text] if labels is None else labels
        parts = stripped.split(self._separator) if self._separator else [stripped]
        return [part for part in map(str.strip, parts) if part]


def _plain(raw: object) -> Label | None:
    """A label in its plain form; None if it cannot be a label."""
    return normal_label(raw) if isinstance(raw, str | int | float) else None


def find_separator(rows: Iterable[Row]) -> str | None:
    """The first of `SEPARATORS` in the labels of the first rows; None if none occurs.

    A separator that is rare beside another one does not count.
    """
    seen: Counter[str] = Counter()
    for row in islice(rows, LOOKED_AT):
        if isinstance(row.label, list | Mapping):
            return None
        if isinstance(row.label, str) and not row.label.strip().startswith("["):
            seen.update(set(row.label).intersection(SEPARATORS))
    least = max(1, _RARE * max(seen.values(), default=0))
    return next((separator for separator in SEPARATORS if seen[separator] >= least), None)


def check_separator(separator: str | None, *, multi_label: bool) -> None:
    """Refuse a separator of labels that cannot be used.

    Raises:
        UsageError: it is blank, or each text has one label.
    """
    if separator is None:
        return
    if not multi_label:
        raise UsageError(
            "Expected --multi-label with a separator of labels, found none: add it, or leave "
            "--label-separator out."
        )
    if not separator.strip():
        raise UsageError(
            f"Expected a character between labels, found {separator!r}: name one such as |."
        )


def _of_columns(values: Mapping[str, object]) -> list[object] | None:
    """The names of the columns that hold 1, true, yes or x; None if all are empty.

    An empty column counts as 0 if another one is filled. Any other value is no label (None).
    """
    plain = {name: _in_a_column(value) for name, value in values.items()}
    filled = {name: value for name, value in plain.items() if value is not None}
    if not filled:
        return None
    return [
        name if value in _IN_A_COLUMN else None
        for name, value in filled.items()
        if _IN_A_COLUMN.get(value, True)
    ]


def _in_a_column(value: object) -> Label | None:
    """A column's value in its plain form, in lower case; "" if it cannot be a label."""
    if value is not None and not isinstance(value, str | int | float):
        return ""
    return normal_label(value.lower() if isinstance(value, str) else value)
