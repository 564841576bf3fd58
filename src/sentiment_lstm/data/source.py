"""The parts of every source: its rows, its class names, and its columns by name.

This file knows nothing of file formats, labels or screening.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import TypeVar

from sentiment_lstm.data.separators import SEPARATORS
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

TEXT_NAMES = (
    "text", "review", "sentence", "content", "body", "comment", "tweet", "document",
    "review_text", "review_body", "reviewText", "message",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "sentiment", "class", "polarity", "target", "stars", "rating",
    "overall", "score",
)  # fmt: skip
ROWS_FOR_COLUMNS = 20
"""So many rows name the columns of a jsonl file, because one row may lack some of them."""

Chosen = TypeVar("Chosen")


@dataclass(frozen=True, slots=True)
class Source:
    """A source opened with the settings' split and columns.

    Each call of `rows()` reads from the start. `classes` names the classes by index, if the
    source knows their names. `label_map` is the source's own; a map in the settings replaces it.
    """

    rows: Callable[[], Iterator[Row]]
    classes: tuple[str, ...] | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns in use; None or () for a column that is not read.

    `texts` has one name or more. `joined_text` makes one text from the values. `labels` has one
    name, or several if each is the column of a label. `row_label` makes one label from the values.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    group: str | None
    weight: str | None = None

    @property
    def used(self) -> list[str]:
        """Each name once, in the order texts, labels, group, weight."""
        names = (*self.texts, *self.labels, self.group, self.weight)
        return list(dict.fromkeys(name for name in names if name is not None))


def joined_text(values: Sequence[object]) -> object:
    """The text of a row: one value unchanged, several with a line break between them.

    Of several values, empty ones are left out. One that is not a text is returned alone, so that
    screening finds it.
    """
    if len(values) == 1:
        return values[0]
    kept = [value for value in values if not _is_empty(value)]
    texts = [value for value in kept if isinstance(value, str)]
    if len(texts) < len(kept):
        return next(value for value in kept if not isinstance(value, str))
    return "\n".join(texts) if texts else None


def row_label(columns: Sequence[str], values: Sequence[object]) -> object:
    """The label of a row: the value of its column, or the values of several columns by name."""
    plain = [float(value) if isinstance(value, Decimal) else value for value in values]
    if len(columns) > 1:
        return dict(zip(columns, plain, strict=True))
    return plain[0] if plain else None


def row_group(value: object) -> str | None:
    """The group of a row; None if the value is missing or blank."""
    return None if _is_empty(value) else str(value)


def _is_empty(value: object) -> bool:
    """Whether a value is missing or blank; NaN is how pandas and parquet write "nothing"."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def refuse_repeated(names: Sequence[str], where: str) -> None:
    """Refuse columns with the same name.

    Raises:
        DataError: two columns have the same name, or no name.
    """
    repeated = _repeated(names)
    if any(not name.strip() for name in repeated):
        raise DataError(
            f"Expected the names of the columns first in {where}, found columns without a name: "
            "delete the lines above the names, or name every column."
        )
    if repeated:
        raise DataError(
            f"Expected columns of different names in {where}, found {_listed(repeated)} "
            "more than once: give every column its own name."
        )


def choose_columns(
    names: Sequence[str], data: DataSettings, *, labelled: bool, where: str
) -> Columns:
    """Choose the columns to read: those that the settings name, else those with usual names.

    Args:
        names: the columns of the source.
        data: the settings.
        labelled: whether a label column is wanted.
        where: what the message calls the source.

    Raises:
        DataError: a column is missing (the message lists the existing columns), two columns have
            the name of a chosen one, or there are too many columns.
    """
    if len(names) > data.max_columns:
        raise DataError(
            f"Expected at most {data.max_columns:,} columns in {where}, found {len(names):,}; "
            "raise data.max_columns if they are right."
        )
    weight_column = data.weight_column if labelled else None
    columns = Columns(
        texts=_choose_several("text", data.text_column, TEXT_NAMES, names, where),
        labels=_choose_labels(data, names, where) if labelled else (),
        group=_choose_optional("group", data.group_column, names, where),
        weight=_choose_optional("weight", weight_column, names, where),
    )
    for name in columns.used:
        if names.count(name) > 1:
            raise DataError(f"Expected one column {name!r} in {where}, found several: rename one.")
    return columns


def choose_of_rows(
    rows: Sequence[Mapping[str, object]], choose: Callable[[Sequence[str]], Chosen]
) -> Chosen:
    """Choose columns where each row names its own: from the first row that has all of them.

    If no row has them, from the columns of all rows together. `choose`: such as `choose_columns`.

    Raises:
        DataError: `choose` raises it for all of them.
    """
    for row in rows:
        with suppress(DataError):
            return choose([*row])
    return choose([*dict.fromkeys(chain.from_iterable(rows))])


def check_split(data: DataSettings, splits: Sequence[str]) -> None:
    """Refuse a split that the source lacks.

    Raises:
        DataError: the source lacks the split; the message lists its splits.
    """
    if data.split not in splits:
        raise DataError(
            f"Expected one of the splits {', '.join(splits)} of {data.source}, "
            f"found --split {data.split}."
        )


def check_whole(data: DataSettings) -> None:
    """Refuse any split but the default, for a source with only one part.

    Raises:
        DataError: the settings name another split.
    """
    if data.split != "train":
        raise DataError(
            f"Expected no split, because {data.source} has one part only, "
            f"found --split {data.split}; leave it out to read everything."
        )


def _choose_optional(role: str, named: str | None, names: Sequence[str], where: str) -> str | None:
    """The column of a role that a source has only if it is named."""
    return _choose(role, named, (), names, where) if named else None


def _choose_labels(data: DataSettings, names: Sequence[str], where: str) -> tuple[str, ...]:
    """The column of the label; with several labels per text, perhaps a column for each label."""
    if data.multi_label:
        return _choose_several("label", data.label_column, LABEL_NAMES, names, where)
    return (_choose("label", data.label_column, LABEL_NAMES, names, where),)


def _choose_several(
    role: str, named: str | None, usual: Sequence[str], names: Sequence[str], where: str
) -> tuple[str, ...]:
    """The columns of a role. A column whose own name has a comma is one column."""
    wanted: list[str | None] = [named]
    if named is not None and named not in names:
        wanted = [part.strip() for part in named.split(",") if part.strip()] or wanted
    return tuple(_choose(role, column, usual, names, where) for column in wanted)


def _choose(
    role: str, named: str | None, usual: Sequence[str], names: Sequence[str], where: str
) -> str:
    by_folded = {name.casefold(): name for name in reversed(names)}
    if named is not None and named in names:
        return named
    if named is None:
        for name in usual:
            if name.casefold() in by_folded:
                return by_folded[name.casefold()]
    listed = _listed(names)
    expected = f"a column {named!r}" if named else f"a {role} column such as {usual[0]!r}"
    do = (
        f"name it with --{role}-column, or put a line with the names of the columns first if these "
        "are no names"
    )
    if named:
        do = "name one of these"
    if len(names) == 1 and any(separator in names[0] for separator in SEPARATORS):
        do = "name the character between its columns with --separator"
    raise DataError(f"Expected {expected} in {where}, found the columns {listed}; {do}.")


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, number in Counter(names).items() if number > 1]


def _listed(names: Sequence[str]) -> str:
    """For messages. A name is cut, because after an open quote it may hold many lines."""
    return ", ".join(" ".join(name.split())[:40] for name in names[:20]) or "none"
