"""Labels in their plain form, and the label map, which says what each label means.

This file knows nothing of the classes of a source or a model.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence

from sentiment_lstm.errors import UsageError
from sentiment_lstm.wording import first_names

MOST_CHARACTERS = 100
"""A longer label is taken for a text, not for a class name."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
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
    return None if text.lower() in ("", "nan") else to_number(text)


class LabelMap:
    """`--label-map`: what each label means.

    A key is a label (`5`, `good`) or a comparison with a number (`>=7`). A value is the name of a
    class, or a soft label: the second class's probability, written with a decimal point (`3=0.5`
    for a neutral grade).

    Raises:
        UsageError: a comparison has no number, a class name cannot be written, or a soft label is
            not from 0 to 1.
    """

    def __init__(self, label_map: Mapping[str, str]) -> None:
        self._exact: dict[Label, str] = {}
        self._comparisons: list[tuple[Callable[[float, float], bool], float, str]] = []
        for key, value in label_map.items():
            self._add(key, value)
        values = dict.fromkeys(label_map.values())
        self.soft_labels = {v: soft for v in values if (soft := _read_soft_label(v)) is not None}
        """The values that are soft labels, as written and as numbers."""
        self.class_names = [value for value in values if value not in self.soft_labels]
        """The values that are classes, in the map's order."""

    def value_of(self, label: Label, names: Sequence[str] | None) -> str | None:
        """The map's value for a label; the map may also hold the label's name in `names`."""
        for form in _forms(label, names):
            if form in self._exact:
                return self._exact[form]
        if isinstance(label, int | float):
            for compare, bound, value in self._comparisons:
                if compare(label, bound):
                    return value
        return None

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse a map if the model knows none of its classes. Upper and lower case are equal.

        Raises:
            UsageError: the model knows none of them.
        """
        known = set(map(str.casefold, classes))
        if self.class_names and known and not known & set(map(str.casefold, self.class_names)):
            raise UsageError(
                f"Expected --label-map to lead to the classes {first_names(classes)}, "
                f"found {first_names(self.class_names)}."
            )

    def _add(self, key: str, value: str) -> None:
        if not (value and is_clean(value)):
            raise UsageError(
                f"Expected names of 1 to {MOST_CHARACTERS} characters for classes in --label-map, "
                f"found {value!r:.40} for {key!r:.40}."
            )
        if match := _COMPARISON.fullmatch(key.strip()):
            bound = to_number(match[2].strip())
            if isinstance(bound, str):
                raise UsageError(
                    f"Expected a number to compare with in --label-map, found {key!r}."
                )
            self._comparisons.append((_COMPARISONS[match[1]], bound, value))
        elif (label := normal_label(key)) is not None:
            self._exact[label] = value


def _forms(label: Label, names: Sequence[str] | None) -> list[Label]:
    """The keys that may match a label: itself, its name in the source, 1 or 0 for a boolean."""
    forms: list[Label] = [label]
    if isinstance(label, int) and names and 0 <= label < len(names):
        forms.append(names[label])
    if label in ("true", "false"):
        forms.append(int(label == "true"))
    return forms


def _read_soft_label(value: str) -> float | None:
    """`"0.5"` -> 0.5; None for a name. `"1"` is a name: soft labels have a decimal point."""
    if not re.fullmatch(r"[+-]?\d*\.\d+", value, re.ASCII):
        return None
    if not 0 <= float(value) <= 1:
        raise UsageError(
            f"Expected soft labels from 0.0 to 1.0 in --label-map, found {value!r:.40}."
        )
    return float(value)


def to_number(text: str) -> Label:
    """`"7"` -> 7, `"3.5"` -> 3.5, `"7.0"` -> 7; anything else stays a string."""
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d+)?", text, re.ASCII):
        return text
    return _whole(float(text))


def _whole(value: float) -> Label:
    return int(value) if value.is_integer() else value


def is_clean(name: str) -> bool:
    """Whether a class can have this name: it is short, has no NUL, and is valid UTF-8."""
    if len(name) > MOST_CHARACTERS:
        return False
    return "\0" not in name and not any("\ud800" <= c <= "\udfff" for c in name)
