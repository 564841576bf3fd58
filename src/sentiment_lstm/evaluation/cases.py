"""Cases of what a reader would expect of texts: the suite that ships here, or a user's own file.

Knows nothing of models or of how cases are judged.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from sentiment_lstm.errors import DataError
from sentiment_lstm.evaluation.edits import EDITS
from sentiment_lstm.evaluation.templates import fillings, read_suite_file, words

Kind = Literal["verdict", "direction", "invariance"]

KINDS: dict[str, Kind] = {
    "positive": "verdict",
    "negative": "verdict",
    "neutral": "verdict",
    "up": "direction",
    "down": "direction",
    "same": "invariance",
}
"""What may be expected of a case, and the kind of test that this makes it."""
_FILES = ("verdict.toml", "direction.toml", "invariance.toml")


@dataclass(frozen=True, slots=True)
class Case:
    """Texts and what a reader expects of them."""

    capability: str
    texts: tuple[str, ...]
    """One text for a verdict, (plain, changed) for a direction, two or more that must score
    alike."""
    expected: str
    """A key of `KINDS`: the text's verdict; whether the second text's probability of `positive`
    must not fall (`up`) or not rise (`down`); `same`."""

    @property
    def kind(self) -> Kind:
        """The kind of test."""
        return KINDS[self.expected]


def shipped_cases() -> list[Case]:
    """The suite that ships with this package: the same cases, in the same order, everywhere."""
    return [case for entry in _capabilities() for case in _filled(entry)]


def read_cases(path: str | os.PathLike[str]) -> list[Case]:
    r"""Read a user's own suite: JSON Lines, a case a line.

    `{"capability": "negation", "text": "Not bad at all.", "expected": "positive"}`
        a verdict: `positive`, `negative` or `neutral`.
    `{"capability": "intensity", "texts": ["It is good.", "It is very good."], "expected": "up"}`
        a direction: `up` or `down`, from the first text to the second.
    `{"capability": "names", "texts": ["Ann left.", "Bob left."], "expected": "same"}`
        texts, two or more, that must score alike.

    Other fields are left alone, and so are empty lines.

    Raises:
        DataError: the file cannot be read, has no case, or a line is none.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a NUL in the path
        raise DataError(
            f"Expected a suite of JSON Lines in UTF-8, found that {str(path)!r} cannot be read "
            f"({type(error).__name__}): name another file."
        ) from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise DataError(f"Expected a case a line in {path}, found none: add one.")
    return [_read_case(line, f"line {number} of {path}") for number, line in numbered]


def suite_words() -> frozenset[str]:
    """The content words and phrases of the shipped suite, that training's own sentences must lack.

    Sentiment words, nouns of its domains, names, in the forms and the case in which they occur.
    """
    found = words()
    lists = [*found.own.values(), *(one for kind in found.kinds.values() for one in kind.values())]
    return frozenset(word for one in lists for word in one)


def suite_templates() -> frozenset[str]:
    """The templates of the shipped suite, slots in braces, that training's own must differ from."""
    return frozenset(
        template
        for entry in _capabilities()
        for _, templates in _entries(entry)
        for template in templates
    )


def _capabilities() -> Iterator[Mapping[str, Any]]:
    for name in _FILES:
        yield from read_suite_file(name)["capability"]


def _entries(capability: Mapping[str, Any]) -> list[tuple[str, Sequence[str]]]:
    """What is expected, and the templates that it is expected of, for each entry."""
    return [
        (expected, [entry] if isinstance(entry, str) else entry)
        for expected in KINDS
        for entry in capability.get(expected, ())
    ]


def _filled(capability: Mapping[str, Any]) -> Iterator[Case]:
    """The cases of one capability, an equal share of each of its templates."""
    entries = _entries(capability)
    share = ceil(capability["cases"] / len(entries))
    edits = [EDITS[name] for name in capability.get("edits", ())]
    for expected, templates in entries:
        for texts in fillings(templates, share):
            if edits:
                edit = edits[crc32(texts[0].encode()) % len(edits)]
                texts = (texts[0], edit(texts[0]))
            yield Case(capability["name"], texts, expected)


def _read_case(line: str, place: str) -> Case:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"Expected a JSON object in {place}, found {line[:60]!r}.") from error
    if not isinstance(row, dict):
        raise DataError(f"Expected a JSON object in {place}, found {line[:60]!r}.")
    expected = _read_name(row, "expected", place)
    if expected not in KINDS:
        raise DataError(
            f'Expected "expected" in {place} to be one of {", ".join(KINDS)}, found {expected!r}.'
        )
    return Case(_read_name(row, "capability", place), _read_texts(row, expected, place), expected)


def _read_name(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f'Expected "{field}" to be a name in {place}, found {value!r:.60}.')
    return _checked(value, place)


def _read_texts(row: Mapping[str, Any], expected: str, place: str) -> tuple[str, ...]:
    """One text under `text`, several under `texts`, as many as the kind of test needs."""
    texts = [row["text"]] if "text" in row else row.get("texts")
    wanted = {
        "verdict": 'one text as "text"',
        "direction": 'two texts as "texts"',
        "invariance": 'two texts or more as "texts"',
    }[KINDS[expected]]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"Expected {wanted} in {place}, found {texts!r:.60}.")
    fits = {"verdict": len(texts) == 1, "direction": len(texts) == 2, "invariance": len(texts) > 1}
    if not fits[KINDS[expected]]:
        raise DataError(f'Expected {wanted} for "{expected}" in {place}, found {len(texts)}.')
    return tuple(_checked(text, place) for text in texts)


def _checked(text: str, place: str) -> str:
    """The text, unless JSON spelt half of a character in it, which nothing can write down."""
    if re.search(r"[\ud800-\udfff]", text):
        raise DataError(f"Expected whole characters in {place}, found half of one in {text!r:.60}.")
    return text
