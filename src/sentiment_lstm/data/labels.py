"""From labels as found (numbers, strings, booleans, stars) to class names, and the classes' order.

Knows nothing of rows or files.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from sentiment_lstm.errors import DataError, UsageError

MOST_CLASSES = 100
"""More distinct labels than this are taken for a wrong column."""
MOST_CHARACTERS = 100
"""A longer label is a text, not the name of a class."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_FLOAT = r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?"
_COMPARISON = re.compile(r"(<=|>=|<|>)(.*)", re.DOTALL)

Label = int | float | str


def normal_label(raw: Label | None) -> Label | None:
    """A label in its plain form, None where it is missing.

    `"1"`, `1.0` and `1` become 1, `" good "` becomes `"good"`, `True` and `"True"` become `"true"`;
    None, NaN (also spelt out) and the empty string are missing.
    """
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float):
        return None if math.isnan(raw) else _whole(raw)
    text = (raw or "").strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    return None if text.lower() in ("", "nan") else _number(text)


class Labeller:
    """Gives each label as found its class name.

    `label_map` comes first. Without one, an integer is a place in `names` (the source's own class
    names) and a string is a name. Where `classes` (a model's) are given, the name found so is
    looked up there, with or without its case; failing that an integer without a map is a place
    in `classes`, if the source's own names, where it has any, are as many and all unknown to it.

    Where there are two classes, a map may lead to a number with a decimal point instead of a name:
    the second class's share (`3=0.5` for a neutral grade). Such a text is of the likelier class,
    of the second at 0.5. With `soft` every label is such a share already, from 0 to 1.

    Raises:
        UsageError: a comparison in the map that compares with no number, a class without a name
            that can be written, a share beyond 1, a map that leads to none of the model's classes,
            or shares without two named classes.
    """

    def __init__(
        self,
        label_map: Mapping[str, str],
        names: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        *,
        soft: bool = False,
    ) -> None:
        self._soft = soft
        self._exact, self._comparisons = _read_map(label_map)
        self._has_map = bool(label_map)
        self._shares = {name: share for name in label_map.values() if (share := _share(name)) >= 0}
        self._map_order = [n for n in dict.fromkeys(label_map.values()) if n not in self._shares]
        self._names = None if names is None else list(names)
        self._classes = None if classes is None else list(classes)
        self._seen: set[str] = set()
        self._closed = False
        self._folded = {name.casefold(): name for name in reversed(self._classes or [])}
        self._positions = self._classes is not None and self._by_position(self._classes)
        if (self._shares or soft) and len(classes or self._map_order) != 2:
            raise UsageError(
                "Expected two classes for labels that are shares of the second one "
                f"({', '.join(self._shares) or 'data.soft_labels'}), "
                f"found {', '.join(classes or self._map_order) or 'none'}."
            )
        if (
            self._map_order
            and classes
            and not self._folded.keys() & map(str.casefold, self._map_order)
        ):
            raise UsageError(
                f"Expected --label-map to lead to the classes {', '.join(classes)}, "
                f"found {', '.join(self._map_order)}."
            )

    def class_of(self, label: Label) -> str | None:
        """The class name of a normal label, None where it has none (an unmapped label).

        Raises:
            DataError: more distinct labels than any classifier here is meant for, or a place that
                the model's classes lack.
        """
        share = self.share_of(label)
        name = self._name_of(label) if share is None else self.order()[int(share >= 0.5)]
        if self._classes is not None and not self._soft:
            name = self._known(name, label)
        if self._closed and name not in self.order():
            return None
        if name is not None:
            self._seen.add(name)
            if len(self._seen) > MOST_CLASSES:
                raise DataError(
                    f"Expected at most {MOST_CLASSES} distinct labels, found more; "
                    "choose another --label-column or group them with --label-map."
                )
        return name

    def share_of(self, label: Label) -> float | None:
        """The second class's share where the label is soft, else None."""
        if self._soft:
            return _soft_share(label)
        return self._shares.get(self._name_of(label) or "") if self._shares else None

    def close(self) -> None:
        """From now on no label may add a class: one not in `order()` is unmapped."""
        self._closed = True

    def is_missing(self, label: Label | None) -> bool:
        """No label, or the -1 with which sources that name their classes mark unlabelled texts."""
        named = self._names is not None or self._classes is not None
        return label is None or (label == -1 and named and not self._has_map)

    def order(self) -> tuple[str, ...]:
        """The classes, in order: the model's, the map's, the source's, else as seen.

        As seen means integers by value, then strings by code point.
        """
        if self._classes is not None:
            return tuple(self._classes)
        return tuple(self._map_order or self._names or _in_order(self._seen))

    def _name_of(self, label: Label) -> str | None:
        if self._soft:
            return None
        if self._has_map:
            return self._mapped(label)
        if isinstance(label, float):
            return None
        if self._names is None:
            return str(label) if _is_clean(str(label)) else None
        if isinstance(label, int):
            return self._names[label] if 0 <= label < len(self._names) else None
        return label if label in self._names else None

    def _mapped(self, label: Label) -> str | None:
        for form in self._forms(label):
            if form in self._exact:
                return self._exact[form]
        if isinstance(label, int | float):
            for compare, bound, name in self._comparisons:
                if compare(label, bound):
                    return name
        return None

    def _forms(self, label: Label) -> list[Label]:
        """All that a map may call a label: itself, its name in the source, 1 or 0 for a boolean."""
        forms: list[Label] = [label]
        if isinstance(label, int) and self._names and 0 <= label < len(self._names):
            forms.append(self._names[label])
        if label in ("true", "false"):
            forms.append(int(label == "true"))
        return forms

    def _known(self, name: str | None, label: Label) -> str | None:
        """The model's own spelling of `name`, else the class at the label's place."""
        assert self._classes is not None
        if name is not None and name.casefold() in self._folded:
            return name if name in self._classes else self._folded[name.casefold()]
        place = {"true": 1, "false": 0}.get(label) if isinstance(label, str) else label
        if not self._positions or not isinstance(place, int):
            return None
        if not 0 <= place < len(self._classes):
            # Stars, say: the few that happen to be places would give misleading figures.
            raise DataError(
                f"Expected labels 0 to {len(self._classes) - 1} for the classes "
                f"{', '.join(self._classes)}, found {place}; give --label-map."
            )
        return self._classes[place]

    def _by_position(self, classes: Sequence[str]) -> bool:
        if self._has_map:
            return False
        if self._names is None:  # a class called "1" and the second place must not mix
            return not any(isinstance(normal_label(name), int) for name in classes)
        known = any(name.casefold() in self._folded for name in self._names)
        return len(self._names) == len(classes) and not known


def _read_map(
    label_map: Mapping[str, str],
) -> tuple[dict[Label, str], list[tuple[Callable[[float, float], bool], float, str]]]:
    exact: dict[Label, str] = {}
    comparisons = []
    for key, name in label_map.items():
        if not (name and _is_clean(name)):
            raise UsageError(
                f"Expected names of 1 to {MOST_CHARACTERS} characters for classes in --label-map, "
                f"found {name!r:.40} for {key!r:.40}."
            )
        if match := _COMPARISON.fullmatch(key.strip()):
            bound = _number(match[2].strip())
            if isinstance(bound, str):
                raise UsageError(
                    f"Expected a number to compare with in --label-map, found {key!r}."
                )
            comparisons.append((_COMPARISONS[match[1]], bound, name))
        elif (label := normal_label(key)) is not None:
            exact[label] = name
    return exact, comparisons


def _share(name: str) -> float:
    """`"0.5"` -> 0.5; -1 for a name. `"1"` is a name: shares have a decimal point."""
    if not re.fullmatch(r"[+-]?\d*\.\d+", name, re.ASCII):
        return -1.0
    if not 0 <= float(name) <= 1:
        raise UsageError(f"Expected a share from 0.0 to 1.0 in --label-map, found {name!r:.40}.")
    return float(name)


def _soft_share(label: Label) -> float | None:
    """A share in any form that programs write, `1e-05` and `.5` among them; None for all else."""
    if isinstance(label, str) and not re.fullmatch(_FLOAT, label, re.ASCII | re.IGNORECASE):
        return None
    share = float(label) if isinstance(label, str) else label
    return float(share) if 0 <= share <= 1 else None


def _number(text: str) -> Label:
    """`"7"` -> 7, `"3.5"` -> 3.5, `"7.0"` -> 7; anything else stays a string."""
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d+)?", text, re.ASCII):
        return text
    return _whole(float(text))


def _whole(value: float) -> Label:
    return int(value) if value.is_integer() else value


def _is_clean(name: str) -> bool:
    """Fit to be a class name: short, without NUL, and it can be written as UTF-8."""
    if len(name) > MOST_CHARACTERS:
        return False
    return "\0" not in name and not any("\ud800" <= c <= "\udfff" for c in name)


def _in_order(names: Iterable[str]) -> list[str]:
    def key(name: str) -> tuple[int, int, str]:
        label = _number(name)
        return (0, label, "") if isinstance(label, int) else (1, 0, name)

    return sorted(names, key=key)
