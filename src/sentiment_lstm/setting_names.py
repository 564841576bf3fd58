"""Names of settings: nested as in files, flat as `section.key`, and old names.

This file knows only renamed settings.
"""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sentiment_lstm.errors import UsageError

MIXTURE = "mixture"
"""The one setting without a section: a list of `[data]` tables."""
OLD_NAMES = {
    "model.embedding": "model.embedding_size",
    "model.hidden": "model.hidden_size",
}
"""A setting's name in bundles of format 1 -> its current name. Both are read everywhere."""
REMOVED = {"training.virtual_adversarial", "training.entropy"}
"""Settings of version 0.2 that no longer exist. Files of runs and bundles may hold them with the
value 0, which switched them off."""

_logger = logging.getLogger(__name__)


def current_name(name: str) -> str:
    """`model.hidden` -> `model.hidden_size`; any other name stays."""
    return OLD_NAMES.get(name, name)


def warn_of_old_names(names: Iterable[str]) -> None:
    """Log one warning for each old name, in the order of the alphabet."""
    for name in sorted(OLD_NAMES.keys() & set(names)):
        _warn(name)


@cache
def _warn(name: str) -> None:
    _logger.warning("%s is now %s", name, OLD_NAMES[name])


def to_format_1(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Use format-1 names, so that older versions can read the file of a model without a wide path.

    `{"model": {"hidden_size": 8}}` -> `{"model": {"hidden": 8}}`
    """
    old = {current: before for before, current in OLD_NAMES.items()}
    model = {k: v for k, v in sections["model"].items() if k != "wide_features" or v}

    def renamed(section: str, key: str) -> str:
        return old.get(f"{section}.{key}", f"{section}.{key}").removeprefix(f"{section}.")

    return {
        section: {renamed(section, key): value for key, value in keys.items()}
        if isinstance(keys, Mapping)
        else keys
        for section, keys in {**sections, "model": model}.items()
    }


def flattened(sections: Mapping[str, Any]) -> dict[str, object]:
    """Nested settings by `section.key`, under current names.

    `{"model": {"hidden_size": 8}}` -> `{"model.hidden_size": 8}`

    Raises:
        UsageError: these are not sections of settings.
    """
    return {
        current_name(name): value
        for name, value in _flat(sections).items()
        if name not in REMOVED or value
    }


def read_toml(path: Path) -> dict[str, object]:
    """The settings of a TOML file by `section.key`. An old name is logged as a warning.

    A file whose name ends in .json is read as JSON: the `settings.json` of a run.

    Raises:
        UsageError: the file is missing, or not TOML or JSON.
    """
    is_json = path.suffix == ".json"
    parse = json.loads if is_json else tomllib.loads
    try:
        sections = parse(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        kind = "JSON" if is_json else "TOML"
        raise UsageError(
            f"Expected a settings file in {kind} at {path}, found: {error}."
        ) from error
    warn_of_old_names(_flat(sections))
    return flattened(sections)


def _flat(sections: Mapping[str, Any]) -> dict[str, object]:
    if not isinstance(sections, Mapping):
        raise UsageError(f"Expected sections of settings, found {sections!r:.200}.")
    flat: dict[str, object] = {}
    for section, keys in sections.items():
        if section == MIXTURE:
            flat[section] = keys
            continue
        if not isinstance(keys, Mapping):
            raise UsageError(
                f"Expected a section of settings, found {section!r:.200} = {keys!r:.200}."
            )
        flat.update({f"{section}.{key}": value for key, value in keys.items()})
    return flat
