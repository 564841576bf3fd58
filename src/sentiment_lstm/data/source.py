"""The parts of every source: its rows, its class names, and its columns by name.

This file knows nothing of file formats, labels or screening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    """Names of the columns in use; None for a column that is not read."""

    text: str
    label: str | None
    group: str | None

    @property
    def used(self) -> list[str]:
        """Each name once, in the order text, label, group."""
        return list(dict.fromkeys(c for c in (self.text, self.label, self.group) if c is not None))


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
        DataError: a column is missing; the message lists the existing columns.
    """
    return Columns(
        text=_choose("text", data.text_column, TEXT_NAMES, names, where),
        label=_choose("label", data.label_column, LABEL_NAMES, names, where) if labelled else None,
        group=_choose("group", data.group_column, (), names, where) if data.group_column else None,
    )


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
    # After an open quote, a name in the header contains many lines.
    listed = ", ".join(" ".join(name.split())[:40] for name in names[:20]) or "none"
    expected = f"a column {named!r}" if named else f"a {role} column such as {usual[0]!r}"
    do = "name one of these" if named else f"name it with --{role}-column"
    if len(names) == 1 and ";" in names[0]:
        do = "save the file with commas between its columns"
    raise DataError(f"Expected {expected} in {where}, found the columns {listed}; {do}.")
