"""Values as people write them, from TOML, JSON or the command line, into a setting's type.

Knows types, no setting by name.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from sentiment_lstm.errors import UsageError


def converted(name: str, hint: Any, value: object) -> object:  # noqa: ANN401
    """`value` as the type `hint`; strings are parsed, anything else must already fit.

    Args:
        name: the setting's, for the message.
        hint: a type, as annotations give it.
        value: what was given.

    Raises:
        UsageError: the value does not fit.
    """
    try:
        return _parse(hint, value)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        wanted = _described(hint)
        raise UsageError(f"Expected {name} to be {wanted}, found {value!r}.") from error


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
        return _choice(typing.get_args(hint), value)
    if origin is types.UnionType:
        return None if value in (None, "", "none") else _parse(typing.get_args(hint)[0], value)
    if origin is tuple:
        return _parse_names(value)
    if origin is not None:
        return _parse_map(value)
    return _scalar(hint, value)


def _choice(options: tuple[Any, ...], value: Any) -> object:  # noqa: ANN401
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
    pairs = [item.rpartition("=") for item in value.split(",") if item]
    found = {key.strip(): name.strip() for key, _, name in pairs}
    if not all(key and name for key, name in found.items()) or len(found) < len(pairs):
        raise ValueError(value)
    return found


def _scalar(hint: Any, value: Any) -> object:  # noqa: ANN401
    if hint is bool:
        return _choice_bool(value)
    if hint is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    if isinstance(value, bool) or (hint is str and not isinstance(value, str)):
        raise TypeError(value)
    return hint(value)


def _choice_bool(value: Any) -> bool:  # noqa: ANN401
    names = {"true": True, "1": True, "false": False, "0": False}
    return value if isinstance(value, bool) else names[str(value).lower()]
