"""The seeded validation split, stratified by label; a group is never on both sides.

A text with several labels counts for each of them.

A keyed hash of the group or the text decides, never an example's position or Python's own hash.
So the same examples and seed give the same split on every machine and in every order.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example

Units = dict[str, Counter[str | None]]
"""The number of examples of each label, by unit: a group or text that stays on one side."""


def split(
    examples: Sequence[Example], fraction: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Split into training and validation examples, each in the order given.

    About `fraction` of each label's examples go to validation, at least one if the label has two.
    Examples of one group stay on one side.

    Raises:
        DataError: the groups are too few or too large for a split.
    """
    units = _units(examples)
    chosen = _chosen(units, fraction, seed)
    if not chosen:
        _require_two(units)
        chosen = {_smallest(units, seed)}
    return _parted(examples, chosen)


def folds(examples: Sequence[Example], count: int, seed: int) -> list[list[Example]]:
    """Split into `count` folds of about the same size and the same labels; groups stay together.

    If there are few texts or groups, there are fewer folds. A text or group that holds all texts of
    a label is in no fold. So the texts outside a fold always have every label.

    Raises:
        DataError: there are not two folds.
    """
    parts: list[list[Example]] = []
    rest = list(examples)
    for left in range(count, 1, -1):
        units = _units(rest)
        chosen = _chosen(units, 1 / left, seed)
        if not chosen and (spare := _without_lone(units, units)):
            chosen = {_smallest(spare, seed)}
        rest, held_out = _parted(rest, chosen)
        parts.append(held_out)
    spare = _without_lone(_units(rest), _units(examples))
    parts = [part for part in (*parts, _parted(rest, spare)[1]) if part]
    if len(parts) < 2:
        raise DataError(
            f"Expected texts for at least two trials, found {len(parts)}: each label needs texts "
            "in two groups; set training.trials=0 or choose another --group-column."
        )
    return parts


def in_validation(example: Example, fraction: float, seed: int) -> bool:
    """Whether an example of a stream belongs to validation; only its group or text decides."""
    return int.from_bytes(_keyed(_unit(example), seed)) < fraction * 2**64


def _unit(example: Example) -> str:
    """The unit that stays on one side: the group, else the text. A prefix separates the two."""
    return f"text:{example.text}" if example.group is None else f"group:{example.group}"


def _units(examples: Iterable[Example]) -> Units:
    """The number of examples of each label, by unit."""
    units: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for example in examples:
        units[_unit(example)].update(example.all_labels or [None])
    return units


def _counts(units: Units) -> Counter[str | None]:
    """The number of examples of each label."""
    counts: Counter[str | None] = Counter()
    for labels in units.values():
        counts.update(labels)
    return counts


def _quotas(counts: Counter[str | None], fraction: float) -> dict[str | None, int]:
    """How many examples of each label validation may hold; training keeps at least one."""
    return {label: min(max(1, round(fraction * n)), n - 1) for label, n in counts.items()}


def _chosen(units: Units, fraction: float, seed: int) -> set[str]:
    """The units that fill about a fraction of each label, none if all are too large."""
    quota = _quotas(_counts(units), fraction)
    taken: Counter[str | None] = Counter()
    chosen: set[str] = set()
    for name in sorted(units, key=lambda unit: _keyed(unit, seed)):
        if all(taken[label] + n <= quota[label] for label, n in units[name].items()):
            taken.update(units[name])
            chosen.add(name)
    return chosen


def _parted(
    examples: Sequence[Example], chosen: Collection[str]
) -> tuple[list[Example], list[Example]]:
    """The examples outside the chosen units and those inside, each in the order given."""
    outside = [r for r in examples if _unit(r) not in chosen]
    return outside, [r for r in examples if _unit(r) in chosen]


def _without_lone(units: Units, all_units: Units) -> Units:
    """The units without those that hold all texts of a label."""
    counts = _counts(all_units)
    return {
        name: labels
        for name, labels in units.items()
        if all(n < counts[label] for label, n in labels.items())
    }


def _require_two(units: Units) -> None:
    if len(units) < 2:
        raise DataError(
            f"Expected at least two groups to make a validation split of, found {len(units)}; "
            "choose another --group-column."
        )


def _smallest(units: Units, seed: int) -> str:
    return min(units, key=lambda unit: (units[unit].total(), _keyed(unit, seed)))


def _keyed(unit: str, seed: int) -> bytes:
    """Eight bytes that look random, the same for the same unit and seed."""
    key = str(seed).encode()[:64]
    return hashlib.blake2b(unit.encode(errors="surrogatepass"), digest_size=8, key=key).digest()
