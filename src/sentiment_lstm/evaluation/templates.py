"""Makes sentences from templates and word lists, the same on every machine and in every run.

Knows how to fill a template (slots, agreement, capitals). Knows nothing of models or scores.
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

_SLOT = re.compile(r"\{(\w+?)\d?\}")  # {month} and {month2} are two words of the same list
_GROUP = re.compile(r"\{\*(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])", re.IGNORECASE)
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))[a-z]")
_TRIES = 50  # the most fillings that are tried for each one that is needed


@dataclass(frozen=True, slots=True)
class Words:
    """The suite's word lists, by their names in slots."""

    own: Lists
    """Lists for every kind of thing. Only the suite may use their words."""
    kinds: Mapping[str, Lists]
    """For each kind of thing, the list of its names (also called `thing`) and of fitting words."""
    common: Lists
    """Everyday words: days, months, numbers, groups of people."""
    pronouns: Mapping[str, Mapping[str, str]]
    """`it` and `him` for each kind."""


@cache
def words() -> Words:
    """Return the lists of `suite/words.toml`."""
    return Words(**read_suite_file("words.toml"))


def read_suite_file(name: str) -> dict[str, Any]:
    """Read a file of the package's folder `suite`."""
    text = (files("sentiment_lstm.evaluation") / "suite" / name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def fillings(templates: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """Fill templates that belong together. The same slot gets the same word in all of them.

    `fillings(["A {bad} {tool}.", "A very {bad} {tool}."], 1)` is, for instance,
    `[("An annoying rake.", "A very annoying rake.")]`, and the same in every run. A single template
    with a slot like `{*name}` gives a text for each word of the list or lists of that name.

    Args:
        templates: one text each.
        most: the number of fillings. The result has fewer if there are not enough distinct ones.

    Returns:
        Distinct tuples of texts, as long as `templates` or as the list of the group.

    Raises:
        KeyError: no kind has a list for every slot.
    """
    templates = _spread(templates)
    choices = _kinds_for(templates)
    filled: dict[tuple[str, ...], None] = {}
    for number in range(most * _TRIES):
        if len(filled) == most:
            break
        lists = choices[number % len(choices)]
        if chosen := _choice(templates, lists, number):
            filled[tuple(_render(template, chosen) for template in templates)] = None
    return list(filled)


def _spread(templates: Sequence[str]) -> Sequence[str]:
    """Return a template for each word of the group's list, if there is a group."""
    group = _GROUP.search(templates[0])
    if group is None:
        return templates
    known = words()
    members = [*known.own.get(group[1], ()), *known.common.get(group[1], ())]
    return [_GROUP.sub(member, templates[0]) for member in members]


def _kinds_for(templates: Sequence[str]) -> list[Lists]:
    """Return the lists of each kind of thing that has a list for every slot."""
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
    """Choose a word for each slot by hash. None if two slots of a list get the same word."""
    slots = {match[0]: match[1] for text in templates for match in _SLOT.finditer(text)}
    chosen = {}
    for slot, name in slots.items():
        index = crc32(f"{templates[0]} {slot} {number}".encode()) % len(lists[name])
        chosen[slot] = lists[name][index]
    pairs = {(name, chosen[slot]) for slot, name in slots.items()}
    return chosen if len(pairs) == len(slots) else None


def _render(template: str, chosen: Mapping[str, str]) -> str:
    """Insert the words, turn `a` into `an` before a vowel, start sentences with a capital."""
    text = _SLOT.sub(lambda match: chosen[match[0]], template)
    text = _ARTICLE.sub(r"\1n ", text)
    return _SENTENCE_START.sub(lambda match: match[0].upper(), text)
