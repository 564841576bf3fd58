"""Sentences from templates and word lists: the same ones on every machine, in every run.

Knows how a template is filled (slots, agreement, capitals); knows nothing of what sentences are
for, of models or of scores.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from zlib import crc32

Lists = Mapping[str, Sequence[str]]

_SLOT = re.compile(r"\{(\w+?)\d?\}")  # {month}, and {month2}: another word of the same list
_GROUP = re.compile(r"\{\*(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])", re.IGNORECASE)
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))[a-z]")
_TRIES = 50  # at most so many fillings are looked at for each that is wanted


@dataclass(frozen=True, slots=True)
class Words:
    """The suite's word lists, by the name that slots call them."""

    own: Lists
    """Lists whose words belong to the suite alone, whatever the kind of thing."""
    kinds: Mapping[str, Lists]
    """For each kind of thing its name's list (also called `thing`), and the words that fit it."""
    common: Lists
    """Everyday words: days, months, numbers, groups of people."""
    pronouns: Mapping[str, Mapping[str, str]]
    """`it` and `him` for each kind."""


@cache
def words() -> Words:
    """The lists of `suite/words.toml`."""
    return Words(**read_suite_file("words.toml"))


def read_suite_file(name: str) -> dict[str, Any]:
    """A file of the folder `suite`, which is part of the package."""
    text = (files("sentiment_lstm.evaluation") / "suite" / name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def fillings(templates: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """Fill templates that belong together: a slot that stands in several takes one word in all.

    `fillings(["A {bad} {tool}.", "A very {bad} {tool}."], 1)` is
    `[("An annoying rake.", "A very annoying rake.")]` or another choice, always the same. A sole
    template with a slot like `{*name}` gives a text for each word of that list.

    Args:
        templates: one text each.
        most: how many fillings are wanted; fewer come where there are too few distinct ones.

    Returns:
        Distinct tuples of texts, as long as `templates` or as the list of the group.

    Raises:
        KeyError: no kind has a list for every slot.
    """
    templates = _spread(templates)
    choices = _kinds_for(templates)
    found: dict[tuple[str, ...], None] = {}
    for number in range(most * _TRIES):
        if len(found) == most:
            break
        lists = choices[number % len(choices)]
        if chosen := _choice(templates, lists, number):
            found[tuple(_render(template, chosen) for template in templates)] = None
    return list(found)


def _spread(templates: Sequence[str]) -> Sequence[str]:
    """A template for each word of the group's list, if there is a group."""
    group = _GROUP.search(templates[0])
    if group is None:
        return templates
    members = {**words().own, **words().common}[group[1]]
    return [_GROUP.sub(member, templates[0]) for member in members]


def _kinds_for(templates: Sequence[str]) -> list[Lists]:
    """The lists of every kind of thing that has one for each slot."""
    needed = {slot for template in templates for slot in _SLOT.findall(template)}
    kinds = [lists for lists in _lists_by_kind() if needed <= lists.keys()]
    if not kinds:
        raise KeyError(f"Expected a kind with lists for all of {sorted(needed)}, found none.")
    return kinds


def _lists_by_kind() -> Iterator[Lists]:
    known = words()
    for kind, lists in known.kinds.items():
        pronouns = {slot: [word] for slot, word in known.pronouns[kind].items()}
        yield {**known.common, **known.own, **lists, **pronouns, "thing": lists[kind]}


def _choice(templates: Sequence[str], lists: Lists, number: int) -> dict[str, str] | None:
    """A word for each slot, by hash and not by chance; None where two of a list coincide."""
    slots = {match[0]: match[1] for text in templates for match in _SLOT.finditer(text)}
    chosen = {}
    for slot, name in slots.items():
        place = crc32(f"{templates[0]} {slot} {number}".encode()) % len(lists[name])
        chosen[slot] = lists[name][place]
    pairs = {(name, chosen[slot]) for slot, name in slots.items()}
    return chosen if len(pairs) == len(slots) else None


def _render(template: str, chosen: Mapping[str, str]) -> str:
    """Put the words in, turn `a` into `an` before a vowel, begin sentences with a capital."""
    text = _SLOT.sub(lambda match: chosen[match[0]], template)
    text = _ARTICLE.sub(r"\1n ", text)
    return _SENTENCE_START.sub(lambda match: match[0].upper(), text)
