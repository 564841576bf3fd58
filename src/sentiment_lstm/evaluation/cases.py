"""Test cases for behaviour: the suite that ships with the package, or a user's own file.

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
    "same verdict": "invariance",
}
"""Every expectation of a case, and the kind of test it belongs to."""
_FILES = tuple(
    f"{name}.toml" for name in ("verdict", "direction", "invariance", "neutral", "views", "groups")
)


@dataclass(frozen=True, slots=True)
class Case:
    """Texts and the expected result."""

    capability: str
    texts: tuple[str, ...]
    """One text for a verdict, (plain, changed) for a direction, two or more for invariance."""
    expected: str
    """A key of `KINDS`: a verdict, `up`, `down` or `same`. With `up`, the second text's probability
    of `positive` must not fall; with `down`, it must not rise."""

    @property
    def kind(self) -> Kind:
        """Return the kind of test."""
        return KINDS[self.expected]


def shipped_cases() -> list[Case]:
    """Return the suite that ships with the package, always the same cases in the same order."""
    return [case for entry in _capabilities() for case in _filled(entry)]


def read_cases(path: str | os.PathLike[str]) -> list[Case]:
    r"""Read a user's own suite in JSON Lines, one case per line.

    `{"capability": "negation", "text": "Not bad at all.", "expected": "positive"}`
        A verdict: `positive`, `negative` or `neutral`.
    `{"capability": "intensity", "texts": ["It is good.", "It is very good."], "expected": "up"}`
        A direction from the first text to the second: `up` or `down`.
    `{"capability": "names", "texts": ["Ann left.", "Bob left."], "expected": "same"}`
        Invariance: two or more texts that must score the same. With `same verdict`, scores may
        differ, and only the verdict must be the same.

    Other fields and empty lines are ignored.

    Raises:
        DataError: the file cannot be read, has no case, or has a line that is not a case.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a NUL in the path
        raise DataError(
            f"Expected a suite of JSON Lines in UTF-8, found that {str(path)!r} cannot be read "
            f"({type(error).__name__}): name another file."
        ) from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise DataError(f"Expected a case a line in {path}, found none: add one.")
    return [_read_case(line, f"line {number} of {path}") for number, line in numbered]


def suite_words() -> frozenset[str]:
    """Return the content words and phrases of the shipped suite, which training must not use.

    These are sentiment words, nouns of the suite's domains, and names, as they occur in it.
    """
    suite = words()
    lists = [*suite.own.values(), *(ws for kind in suite.kinds.values() for ws in kind.values())]
    return frozenset(word for ws in lists for word in ws)


def suite_templates() -> frozenset[str]:
    """Return the templates of the shipped suite. Training templates must differ from them."""
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
    """Return each entry's expectation and templates."""
    return [
        (expected, [entry] if isinstance(entry, str) else entry)
        for expected in KINDS
        for entry in capability.get(expected, ())
    ]


def _filled(capability: Mapping[str, Any]) -> Iterator[Case]:
    """Yield the cases of one capability, equally many from each of its entries."""
    entries = _entries(capability)
    cases_per_entry = ceil(capability["cases"] / len(entries))
    edits = [EDITS[name] for name in capability.get("edits", ())]
    for expected, templates in entries:
        for texts in fillings(templates, cases_per_entry):
            if edits:
                edit = edits[crc32(texts[0].encode()) % len(edits)]
                texts = (texts[0], edit(texts[0]))
            yield Case(capability["name"], texts, expected)


def _read_case(line: str, where: str) -> Case:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"Expected a JSON object in {where}, found {line[:60]!r}.") from error
    if not isinstance(row, dict):
        raise DataError(f"Expected a JSON object in {where}, found {line[:60]!r}.")
    expected = _read_name(row, "expected", where)
    if expected not in KINDS:
        raise DataError(
            f'Expected "expected" in {where} to be one of {", ".join(KINDS)}, found {expected!r}.'
        )
    return Case(_read_name(row, "capability", where), _read_texts(row, expected, where), expected)


def _read_name(row: Mapping[str, Any], field: str, where: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f'Expected "{field}" to be a name in {where}, found {value!r:.60}.')
    return _checked(value, where)


def _read_texts(row: Mapping[str, Any], expected: str, where: str) -> tuple[str, ...]:
    """Read one text from `text` or several from `texts`, as many as the kind of test needs."""
    texts = [row["text"]] if "text" in row else row.get("texts")
    needed = {
        "verdict": 'one text as "text"',
        "direction": 'two texts as "texts"',
        "invariance": 'two texts or more as "texts"',
    }[KINDS[expected]]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"Expected {needed} in {where}, found {texts!r:.60}.")
    fits = {"verdict": len(texts) == 1, "direction": len(texts) == 2, "invariance": len(texts) > 1}
    if not fits[KINDS[expected]]:
        raise DataError(f'Expected {needed} for "{expected}" in {where}, found {len(texts)}.')
    return tuple(_checked(text, where) for text in texts)


def _checked(text: str, where: str) -> str:
    """Return the text, unless JSON spelt half of a surrogate pair, which UTF-8 cannot encode."""
    if re.search(r"[\ud800-\udfff]", text):
        raise DataError(f"Expected whole characters in {where}, found half of one in {text!r:.60}.")
    return text
