"""Bad rows are counted and set aside, never lost; duplicates and shared texts are found.

Knows rows, labels and reviews; nothing of where they come from.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from sentiment_lstm.data.labels import Labeller, normal_label
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example, Row

KEPT_CHARACTERS = 1000
"""What is kept of a text that is set aside as too long."""


class SetAside:
    """Where bad rows go: counted by reason, and written to `path` as JSON lines.

    Each line holds `id`, `line`, `reason`, `text` (whole; the first 1,000 characters of a text that
    is too long), `characters` (its length) and `label`. The file appears with the first bad row.
    `path` None counts only.
    """

    def __init__(self, path: Path | None, strict: bool = False) -> None:
        self.path = path
        self.strict = strict
        self.counts: dict[str, int] = {}
        self.rows = 0
        """All rows screened so far, good and bad."""
        self.example: str | None = None
        """The first row set aside, for messages."""
        self._file: TextIO | None = None

    @property
    def total(self) -> int:
        """Rows set aside."""
        return sum(self.counts.values())

    def add(self, row: Row, reason: str) -> None:
        """Count a bad row and write it down.

        Raises:
            DataError: always when `strict`; else if the file cannot be written.
        """
        if self.strict:
            raise DataError(
                f"Expected only good rows (strict), found {reason} in {row.id}, line {row.line}"
                f"{_label_at_fault(row, reason)}; mend the row or leave --strict out."
            )
        self.counts[reason] = self.counts.get(reason, 0) + 1
        self.example = self.example or f"{row.id}{_label_at_fault(row, reason)}"
        if self.path is not None:
            self._write(self.path, _entry(row, reason))

    def summary(self) -> str:
        """For messages: `unmapped label: 3, empty text: 1`."""
        return ", ".join(f"{reason}: {n}" for reason, n in self.counts.items()) or "none"

    def _write(self, path: Path, entry: dict[str, object]) -> None:
        try:
            if self._file is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                # Line by line, so that what is counted is also on disk if the run is killed.
                self._file = path.open("w", encoding="utf-8", buffering=1)
                weakref.finalize(self, self._file.close)
            self._file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise DataError(f"Expected to write bad rows to {path}, found: {error}.") from error


def screen(
    rows: Iterable[Row], labeller: Labeller | None, max_characters: int, set_aside: SetAside
) -> Iterator[Example]:
    """The good rows as reviews; others go to `set_aside`. Without a labeller labels stay None."""
    for row in rows:
        example = screen_row(row, labeller, max_characters, set_aside)
        if example is not None:
            yield example


def screen_row(
    row: Row, labeller: Labeller | None, max_characters: int, set_aside: SetAside
) -> Example | None:
    """One row as a review, or None after setting it aside."""
    set_aside.rows += 1
    label, share, reason = None, None, text_problem(row, max_characters)
    if reason is None and labeller is not None:
        label, share, reason = _class(row.label, labeller)
    if reason is not None:
        set_aside.add(row, reason)
        return None
    assert isinstance(row.text, str)
    return Example(text=row.text, label=label, id=row.id, group=row.group, share=share)


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
    """Whether the text can be written as UTF-8: it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unique(
    examples: Iterable[Example], counts: Counter[str], window: int | None = None
) -> Iterator[Example]:
    """Each text once: the first review that holds it.

    `counts` gains `duplicates` and, among them, `disagreeing duplicates` (another label than the
    first). Texts are remembered as 16-byte digests; with `window` only that many of the latest
    are, so memory stays bounded and a duplicate further apart passes.
    """
    return (example for example, first in told_apart(examples, counts, window) if first)


def told_apart(
    examples: Iterable[Example], counts: Counter[str], window: int | None = None
) -> Iterator[tuple[Example, bool]]:
    """Every review, and whether it is the first that holds its text; the rest as `unique`."""
    labels: OrderedDict[bytes, str | None] = OrderedDict()
    for example in examples:
        digest = fingerprint(example.text)
        first = digest not in labels
        if first:
            labels[digest] = example.label
        else:
            counts["duplicates"] += 1
            counts["disagreeing duplicates"] += labels[digest] != example.label
        if window is not None and len(labels) > window:
            labels.popitem(last=False)
        yield example, first


def fingerprint(text: str) -> bytes:
    """16 bytes that stand for a text; white space around it does not count."""
    return hashlib.blake2b(text.strip().encode(), digest_size=16).digest()


def fingerprints(examples: Iterable[Example]) -> set[bytes]:
    """The texts of an evaluation set, as digests: enough to leave them out of training."""
    return {fingerprint(example.text) for example in examples}


def _class(raw: object, labeller: Labeller) -> tuple[str | None, float | None, str | None]:
    """The class name and share, or None and what is wrong with the label."""
    if raw is not None and not isinstance(raw, str | int | float):
        return None, None, "unmapped label"
    label = normal_label(raw)
    if label is None or labeller.is_missing(label):
        return None, None, "missing label"
    name = labeller.class_of(label)
    return name, labeller.share_of(label), None if name is not None else "unmapped label"


def _entry(row: Row, reason: str) -> dict[str, object]:
    text = row.text if isinstance(row.text, str) or row.text is None else str(row.text)
    kept = text[:KEPT_CHARACTERS] if text is not None and reason == "too long" else text
    plain = row.label is None or isinstance(row.label, str | int | float)
    return {
        "id": row.id,
        "line": row.line,
        "reason": reason,
        "text": kept,
        "characters": None if text is None else len(text),
        "label": row.label if plain else str(row.label),
    }


def _label_at_fault(row: Row, reason: str) -> str:
    return f" ({str(row.label)[:40]!r})" if reason == "unmapped label" else ""
