"""Notices labels that the user may have meant differently. It knows labels, and no texts."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sentiment_lstm.records import Example
from sentiment_lstm.wording import first_names

SEPARATORS = ("|", ";", ",")
"""Characters that may join the labels of a text. They are looked for in this order."""
_ELEMENT = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"\[\](){}]+)(\s+(?=['"\w+-]))?"""
)
"""An element of a list, and a gap before the next one that has no comma."""
_MOST_NAMED = 3
_LIKE_MISSING = ("na", "n/a", "#n/a", "null", "none", "missing", "?", "-")
"""Classes that often mean a missing label, in lower case."""
_FEW = 5
"""With fewer texts than this, a class is hardly ever predicted."""


def label_notes(classes: Sequence[str], *, multi_label: bool, lists: int = 0) -> list[str]:
    """Sentences about classes that are perhaps not what the user meant; usually none.

    Args:
        classes: all classes.
        multi_label: whether a text may have several of them.
        lists: how many rows were set aside because their label is a list.
    """
    notes = []
    if alike := _alike_but_for_case(classes):
        notes.append(
            "Classes that differ only in upper and lower case are separate: "
            f"{first_names(alike, _MOST_NAMED)}. Write them alike if they mean the same."
        )
    if missing := [name for name in classes if name.casefold() in _LIKE_MISSING]:
        notes.append(
            f"These labels may mark texts without a label: {first_names(missing, _MOST_NAMED)}. "
            "They count as classes. To leave them out, name the other labels with --label-map."
        )
    if multi_label:
        return notes
    if lists:
        notes.append(
            f"{lists:,} rows were set aside because their label is a list. If a text may have "
            "several labels, add --multi-label."
        )
    elif how := how_joined(classes):
        notes.append(
            f"Most classes look like several labels {how}. If a text may have several labels, add "
            "--multi-label."
        )
    return notes


def rare_class_note(classes: Sequence[str], examples: Iterable[Example]) -> str | None:
    """A sentence about classes with very few texts; None if there are none.

    Args:
        classes: all classes.
        examples: all texts, those to validate included. A soft label counts for all its classes.
    """
    counts = dict.fromkeys(classes, 0)
    for example in examples:
        of_two = () if example.soft_label is None else classes
        for name in example.all_labels or example.class_probabilities or of_two:
            counts[name] += 1
    rare = [f"{name} ({count})" for name, count in counts.items() if count < _FEW]
    if not rare:
        return None
    return (
        f"Classes with fewer than {_FEW} texts: {first_names(rare, _MOST_NAMED)}. The model will "
        "hardly ever choose them. Add texts, or join classes with --label-map."
    )


def how_joined(labels: Collection[str]) -> str | None:
    """How most strings seem to hold several labels, such as `joined by |`; None if they do not.

    A separator must occur in most of the labels, and the parts must recur in new combinations, most
    of them at several positions. So neither `Smith, John` nor the levels of `food|fruit|apple` look
    like several labels. The number of parts must vary, as in no decimals (`0,5`) and no pairs
    (`en|de`).
    """
    if 2 * sum(read_list(label) is not None for label in labels) > len(labels):
        return "in a list"
    return next((f"joined by {sign}" for sign in SEPARATORS if _joins(sign, labels)), None)


def _joins(separator: str, labels: Collection[str]) -> bool:
    positions: defaultdict[str, set[int]] = defaultdict(set)
    counts: list[int] = []
    for label in labels:
        parts = [part.strip() for part in label.split(separator) if part.strip()]
        counts.append(len(parts))
        for position, part in enumerate(parts):
            positions[part].add(position)
    moving = sum(len(places) > 1 for places in positions.values())
    recur = len(positions) < len(labels) and 2 * moving >= len(positions)
    most_are_joined = 2 * sum(count > 1 for count in counts) > len(labels)
    return recur and most_are_joined and len(set(counts)) > 1


def read_list(label: str) -> list[object] | None:
    """A list as programs write it: `["joy", "love"]`, or `['joy' 'love']` of numpy. Else None."""
    if not (label.startswith("[") and label.endswith("]")):
        return None
    with_commas = _ELEMENT.sub(lambda match: match[1] + (", " if match[2] else ""), label)
    try:
        values = ast.literal_eval(with_commas)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return values if isinstance(values, list) else None


def _alike_but_for_case(classes: Sequence[str]) -> list[str]:
    """Such classes in groups: `["Sport and sport"]`."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in classes:
        groups[name.casefold()].append(name)
    return [" and ".join(names) for names in groups.values() if len(names) > 1]
