"""The seeded validation split, stratified by label; a group is never on both sides.

A keyed hash of the group or the text decides, never an example's position or Python's own hash.
So the same examples and seed give the same split on every machine and in every order.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example


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
    quota = _quotas(Counter(r.label for r in examples), fraction)
    taken: Counter[str | None] = Counter()
    chosen: set[str] = set()
    for name in sorted(units, key=lambda unit: _keyed(unit, seed)):
        if all(taken[label] + n <= quota[label] for label, n in units[name].items()):
            taken.update(units[name])
            chosen.add(name)
    if not chosen:
        chosen = {_smallest(units, seed)}
    training = [r for r in examples if _unit(r) not in chosen]
    return training, [r for r in examples if _unit(r) in chosen]


def in_validation(example: Example, fraction: float, seed: int) -> bool:
    """Whether an example of a stream belongs to validation; only its group or text decides."""
    return int.from_bytes(_keyed(_unit(example), seed)) < fraction * 2**64


def _unit(example: Example) -> str:
    """The unit that stays on one side: the group, else the text. A prefix separates the two."""
    return f"text:{example.text}" if example.group is None else f"group:{example.group}"


def _units(examples: Iterable[Example]) -> dict[str, Counter[str | None]]:
    """The number of examples of each label, by unit."""
    units: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for example in examples:
        units[_unit(example)][example.label] += 1
    return units


def _quotas(counts: Counter[str | None], fraction: float) -> dict[str | None, int]:
    """How many examples of each label validation may hold; training keeps at least one."""
    return {label: min(max(1, round(fraction * n)), n - 1) for label, n in counts.items()}


def _smallest(units: dict[str, Counter[str | None]], seed: int) -> str:
    if len(units) < 2:
        raise DataError(
            f"Expected at least two groups to make a validation split of, found {len(units)}; "
            "choose another --group-column."
        )
    return min(units, key=lambda unit: (units[unit].total(), _keyed(unit, seed)))


def _keyed(unit: str, seed: int) -> bytes:
    """Eight bytes that look random, the same for the same unit and seed."""
    key = str(seed).encode()[:64]
    return hashlib.blake2b(unit.encode(errors="surrogatepass"), digest_size=8, key=key).digest()
