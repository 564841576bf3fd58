"""Turns good rows into examples, sets bad rows aside with the reason, and recognises equal texts.

This file knows rows, labels and examples, nothing of sources.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from sentiment_lstm.data.class_probabilities import ClassProbabilities
from sentiment_lstm.data.label_map import normal_label
from sentiment_lstm.data.label_sets import MISSING, UNMAPPED, LabelSets
from sentiment_lstm.data.labels import Labeller
from sentiment_lstm.data.weights import BAD_WEIGHT, read_weight
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example, Row
from sentiment_lstm.wording import first_names, printable

AnyLabeller = Labeller | LabelSets | ClassProbabilities
"""Reads labels: one for each text, several, or probabilities."""
KEPT_CHARACTERS = 1000
"""If a text is too long, this many of its characters are written to the file of bad rows."""
_MOST_UNKNOWN = 100
"""This many different labels that are no classes are counted."""


class SetAside:
    """Counts bad rows by reason, and writes them to a file of JSON lines.

    Each line holds `id`, `line`, `reason`, `text` (whole; the first 1,000 characters of a text that
    is too long), `characters` (its length) and `label`. The file appears with the first bad row.

    Args:
        path: the file; None: rows are only counted.
        strict: refuse the first bad row instead.
        private: a line holds only `id`, `line` and `reason`.
    """

    def __init__(
        self, path: Path | None = None, strict: bool = False, *, private: bool = False
    ) -> None:
        self.path = path
        self._private = private
        self.strict = strict
        self.counts: dict[str, int] = {}
        self.rows = 0
        """All rows screened so far, good and bad."""
        self.weightless = 0
        """How many of the rows have the weight 0. They are left out, and are not bad."""
        self.example: str | None = None
        """The first row set aside, for messages."""
        self.lists = 0
        """How many of the rows have a list as label."""
        self.unknown_labels: Counter[str] = Counter()
        """Labels of these rows that are no classes; also -1, where it marks a missing label."""
        self._file: TextIO | None = None

    @property
    def total(self) -> int:
        """The number of rows set aside."""
        return sum(self.counts.values())

    def add(self, row: Row, reason: str) -> None:
        """Count a bad row and write it down.

        Raises:
            DataError: `strict` is set, or the file cannot be written.
        """
        if self.strict:
            raise DataError(
                f"Expected only good rows (strict), found {reason} in {row.id}, line {row.line}"
                f"{_label_at_fault(row, reason)}; correct the row or leave out --strict."
            )
        self.counts[reason] = self.counts.get(reason, 0) + 1
        self.lists += reason == UNMAPPED and isinstance(row.label, list | tuple)
        if reason in (MISSING, UNMAPPED) and isinstance(row.label, str | int | float):
            self._count_label(row.label)
        self.example = self.example or f"{row.id}{_label_at_fault(row, reason)}"
        if self.path is not None:
            place: dict[str, object] = {"id": row.id, "line": row.line, "reason": reason}
            self._write(self.path, place if self._private else place | _content(row, reason))

    def summary(self) -> str:
        """For messages: `unmapped label: 3, empty text: 1`."""
        return ", ".join(f"{reason}: {n}" for reason, n in self.counts.items()) or "none"

    def in_brackets(self) -> str:
        """For messages: the reasons and the first bad row in brackets; empty if there is none."""
        aside = f" (rows set aside: {self.summary()}; the first: {self.example})"
        return aside if self.total else ""

    def unknown_labels_note(self) -> str | None:
        """A sentence about rows whose label is no class; None if there are none."""
        if not self.unknown_labels:
            return None
        labels = self.unknown_labels.most_common()
        counted = first_names([f"{label} ({number:,} rows)" for label, number in labels], 3)
        return (
            f"Rows were set aside because their label is no class: {counted}. If these labels mean "
            f"classes, name all labels with a map: --label-map={labels[0][0]}=CLASS,..."
        )

    def _count_label(self, raw: str | int | float) -> None:
        label = normal_label(raw)
        name = "" if label is None else printable(f"{label!s:.40}")
        if name and (name in self.unknown_labels or len(self.unknown_labels) < _MOST_UNKNOWN):
            self.unknown_labels[name] += 1

    def _write(self, path: Path, entry: dict[str, object]) -> None:
        try:
            if self._file is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                # Line by line, so that all counted rows are on disk even if the run is killed.
                self._file = path.open("w", encoding="utf-8", buffering=1)
                weakref.finalize(self, self._file.close)
            self._file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise DataError(f"Expected to write bad rows to {path}, found: {error}.") from error


def screen(
    rows: Iterable[Row],
    labeller: AnyLabeller | None,
    max_characters: int,
    set_aside: SetAside | None = None,
) -> Iterator[Example]:
    """The good rows as examples.

    Args:
        rows: the rows of a source.
        labeller: gives the classes; None: labels are not read and stay None.
        max_characters: a longer text is set aside.
        set_aside: takes the bad rows.

    Raises:
        DataError: a row is bad and `set_aside` is strict, or the labels cannot be classes.
    """
    set_aside = set_aside or SetAside()
    for row in rows:
        example = screen_row(row, labeller, max_characters, set_aside)
        if example is not None:
            yield example


def screen_row(
    row: Row, labeller: AnyLabeller | None, max_characters: int, set_aside: SetAside
) -> Example | None:
    """One row as an example. None if its weight is 0, or after setting it aside."""
    set_aside.rows += 1
    weight = 1.0 if labeller is None else read_weight(row.weight)
    if weight == 0:
        set_aside.weightless += 1
        return None
    reason = text_problem(row, max_characters) or (BAD_WEIGHT if weight is None else None)
    label, soft_label, labels, probabilities = None, None, None, None
    if reason is None and labeller is not None:
        if isinstance(labeller, LabelSets):
            labels, reason = labeller.read(row.label)
        elif isinstance(labeller, ClassProbabilities):
            probabilities, reason = labeller.read(row.label)
            label = max(probabilities, key=probabilities.__getitem__) if probabilities else None
        else:
            label, soft_label, reason = _read_label(row.label, labeller)
    if reason is not None:
        set_aside.add(row, reason)
        return None
    assert isinstance(row.text, str)
    assert weight is not None
    return Example(row.text, label, row.id, row.group, soft_label, weight, labels, probabilities)


def text_problem(row: Row, max_characters: int) -> str | None:
    """Why the row's text cannot be used, None if it can."""
    text = row.text
    if row.problem is not None:
        return row.problem
    if text is None or text != text:  # NaN is how pandas and parquet write "nothing"
        return "empty text"
    if not isinstance(text, str):
        return "unreadable"
    if len(text) > max_characters:
        return "too long"
    if not text.strip():
        return "empty text"
    if "\0" in text:
        return "NUL"
    return None if is_utf8(text) else "lone surrogate"


def is_utf8(text: str) -> bool:
    """Whether the text can be written as UTF-8, that is, holds no lone surrogate."""
    if text.isascii():  # much faster, and most texts are
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def drop_duplicates(
    examples: Iterable[Example], counts: Counter[str], window: int | None = None
) -> Iterator[Example]:
    """The first example of each text; arguments as `mark_duplicates`."""
    return (example for example, first in mark_duplicates(examples, counts, window) if first)


def mark_duplicates(
    examples: Iterable[Example], counts: Counter[str], window: int | None = None
) -> Iterator[tuple[Example, bool]]:
    """Every example, and whether it is the first with its text.

    Args:
        examples: any number of them; 16 bytes of each text are kept.
        counts: gets `duplicates` and, among them, `disagreeing duplicates`, whose label differs
            from the first one.
        window: how many of the latest texts are remembered. So memory stays bounded, and a
            duplicate that is further apart counts as new.
    """
    labels: OrderedDict[bytes, tuple[str, ...]] = OrderedDict()
    for example in examples:
        digest = fingerprint(example.text)
        first = digest not in labels
        if first:
            labels[digest] = example.all_labels
        else:
            counts["duplicates"] += 1
            counts["disagreeing duplicates"] += labels[digest] != example.all_labels
        if window is not None and len(labels) > window:
            labels.popitem(last=False)
        yield example, first


def drop_excluded(
    examples: Iterable[Example], excluded: set[bytes], counts: Counter[str]
) -> Iterator[Example]:
    """The examples whose text is not among these fingerprints; `counts` gets `excluded`."""
    for example in examples:
        if excluded and fingerprint(example.text) in excluded:
            counts["excluded"] += 1
        else:
            yield example


def fingerprint(text: str) -> bytes:
    """16 bytes that identify a text; white space around it does not count."""
    return hashlib.blake2b(text.strip().encode(), digest_size=16).digest()


def fingerprints(examples: Iterable[Example]) -> set[bytes]:
    """The fingerprints of an evaluation set: enough to leave its texts out of training."""
    return {fingerprint(example.text) for example in examples}


def _read_label(raw: object, labeller: Labeller) -> tuple[str | None, float | None, str | None]:
    """A label's class, its soft label, and what is wrong with it; each may be None."""
    if raw is not None and not isinstance(raw, str | int | float):
        return None, None, UNMAPPED
    label = normal_label(raw)
    if label is None or labeller.is_missing(label):
        return None, None, MISSING
    name = labeller.class_of(label)
    return name, labeller.soft_label_of(label), None if name is not None else UNMAPPED


def _content(row: Row, reason: str) -> dict[str, object]:
    text = row.text if isinstance(row.text, str) or row.text is None else str(row.text)
    kept = text[:KEPT_CHARACTERS] if text is not None and reason == "too long" else text
    plain = row.label is None or isinstance(row.label, str | int | float)
    return {
        "text": kept,
        "characters": None if text is None else len(text),
        "label": row.label if plain else str(row.label),
    }


def _label_at_fault(row: Row, reason: str) -> str:
    return f" ({str(row.label)[:40]!r})" if reason == UNMAPPED else ""
