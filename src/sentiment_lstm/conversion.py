"""Values as people write them (TOML, JSON, the command line) become values of a setting's type.

This file knows types and ranges. It knows no setting by name.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sentiment_lstm.errors import UsageError

_LARGEST = 2**31 - 1
"""A larger number in a setting is a mistake, and libraries cannot count that far."""


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a setting may have: a condition, and the same condition in words."""

    words: str
    holds: Callable[[float], bool]

    def check(self, name: str, value: float) -> None:
        """Raise `UsageError` if the value is outside the range. NaN is outside every range."""
        if not self.holds(value):
            raise UsageError(f"Expected {name} to be {self.words}, found {value!r:.200}.")
        if value > _LARGEST:
            raise UsageError(f"Expected {name} to be at most {_LARGEST:,}, found {value!r:.30}.")


POSITIVE = Range("above 0", lambda value: value > 0)
NOT_NEGATIVE = Range("0 or more", lambda value: value >= 0)
POSITIVE_TO_1000 = Range("above 0, at most 1000", lambda value: 0 < value <= 1000)
FROM_1_TO_100 = Range("from 1 to 100", lambda value: 1 <= value <= 100)
FRACTION = Range("between 0 and 1", lambda value: 0 < value < 1)
PROBABILITY = Range("at least 0 and below 1", lambda value: 0 <= value < 1)


def at_least(least: int) -> Range:
    """The numbers from `least` on."""
    return Range(f"at least {least}", lambda value: value >= least)


def check_ranges(section: str, values: object) -> None:
    """Check every field of a settings dataclass that is annotated with a `Range`.

    Args:
        section: the first part of the settings' names, for the message: `model`.
        values: an instance of the dataclass.

    Raises:
        UsageError: a number is outside its range.
    """
    for field, allowed in _ranges(type(values)).items():  # type: ignore[arg-type]
        allowed.check(f"{section}.{field}", getattr(values, field))


@cache
def _ranges(kind: type) -> dict[str, Range]:
    """The range of each field that has one."""
    hints = typing.get_type_hints(kind, include_extras=True)
    annotations = {name: getattr(hint, "__metadata__", (None,))[0] for name, hint in hints.items()}
    return {name: first for name, first in annotations.items() if isinstance(first, Range)}


def converted(name: str, hint: Any, value: object) -> object:  # noqa: ANN401
    """Convert a value to a setting's type. A string is parsed; any other value must already fit.

    Args:
        name: the setting's name, for the message.
        hint: the type, as annotations give it.
        value: the value that was given.

    Raises:
        UsageError: the value does not fit the type.
    """
    try:
        return _parse(hint, value)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        expected = _described(hint)
        raise UsageError(f"Expected {name} to be {expected}, found {value!r:.200}.") from error


def _described(hint: Any) -> str:  # noqa: ANN401
    """A type in words: `int`, `one of word, bpe`, `LABEL=CLASS pairs`."""
    origin = typing.get_origin(hint)
    if origin is Literal:
        return f"one of {', '.join(typing.get_args(hint))}"
    if origin is Mapping:
        return "LABEL=CLASS pairs, a comma between them, no label twice"
    if origin is tuple:
        return "names, a comma between them"
    return "str or none" if origin is types.UnionType else str(hint.__name__)


def _parse(hint: Any, value: Any) -> object:  # noqa: ANN401
    origin = typing.get_origin(hint)
    if origin is Literal:
        return _parse_choice(typing.get_args(hint), value)
    if origin is types.UnionType:
        return None if value in (None, "", "none") else _parse(typing.get_args(hint)[0], value)
    if origin is tuple:
        return _parse_names(value)
    if origin is not None:
        return _parse_map(value)
    return _parse_scalar(hint, value)


def _parse_choice(options: tuple[Any, ...], value: Any) -> object:  # noqa: ANN401
    if value not in options:
        raise ValueError(value)
    return value


def _parse_names(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    """`"a, b"` or a list of strings -> `("a", "b")`."""
    if isinstance(value, str):
        return tuple(name for part in value.split(",") if (name := part.strip()))
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise TypeError(value)
    return tuple(value)


def _parse_map(value: Any) -> dict[str, str]:  # noqa: ANN401
    """`"0=negative,>=7=positive"` or a mapping -> `{"0": "negative", ">=7": "positive"}`."""
    if isinstance(value, Mapping):
        if not all(isinstance(v, str | int | float) and v == v for v in value.values()):
            raise TypeError(value)
        return {str(k): str(v) for k, v in value.items()}
    items = [item.rpartition("=") for item in value.split(",") if item]
    pairs = {key.strip(): name.strip() for key, _, name in items}
    if not all(key and name for key, name in pairs.items()) or len(pairs) < len(items):
        raise ValueError(value)
    return pairs


def _parse_scalar(hint: Any, value: Any) -> object:  # noqa: ANN401
    if hint is bool:
        return _parse_bool(value)
    if hint is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    if isinstance(value, bool) or (hint is str and not isinstance(value, str)):
        raise TypeError(value)
    return hint(value)


def _parse_bool(value: Any) -> bool:  # noqa: ANN401
    names = {"true": True, "1": True, "false": False, "0": False}
    return value if isinstance(value, bool) else names[str(value).lower()]
