"""Compares the plan of a new output with the plan of an existing one.

A plan holds everything that determines an output: input, model, version and options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CAUSES = {
    "input": "another input",
    "model": "another model (`export` changes a model too)",
    "version": "another version of sentiment-lstm",
}
"""How messages name the parts of a plan. The others are options."""


def difference(note: object, plan: Mapping[str, Any]) -> str:
    """How an existing output differs from the wanted one, for a message.

    Args:
        note: the record of the existing output; anything else if there is none.
        plan: the plan of the wanted output.
    """
    if not isinstance(note, dict) or not isinstance(note.get("plan"), dict):
        return "a file without a record of how it was made"
    changed = {name for name in plan if plan[name] != note["plan"].get(name, plan[name])}
    if not changed:
        return "that it was changed after it was written"
    parts = [cause for name, cause in _CAUSES.items() if name in changed]
    if options := sorted(name.replace("_", " ") for name in changed.difference(_CAUSES)):
        parts.append(f"other options ({', '.join(options)})")
    return f"one made from {' and '.join(parts)}"
