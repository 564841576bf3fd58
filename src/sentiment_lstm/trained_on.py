"""Names the texts that trained a model, for its card and for reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentiment_lstm.markdown import as_code, one_line
from sentiment_lstm.python_names import NAMES_OF_GIVEN


def sources(settings: Mapping[str, Any], data: Mapping[str, Any], texts: object = None) -> str:
    """Name the sources that a model was trained on.

    Args:
        settings: all settings, by section.
        data: the settings of the section `data`.
        texts: the number of texts, for texts that were in memory.
    """
    read = (data, *settings.get("mixture", []))
    labelled = list(dict.fromkeys(_with_split(section, texts) for section in read))
    language = settings.get("language", {})
    uses = language.get("epochs") or settings.get("training", {}).get("self_training")
    unlabelled = [_as_name(name) for name in language.get("sources", []) if uses]
    extra = f", and on texts of {', '.join(unlabelled)} without their labels" if unlabelled else ""
    if len(unlabelled) == 1 and unlabelled[0] in NAMES_OF_GIVEN.values():
        extra = f", and on {unlabelled[0]}"
    return ", ".join(labelled) + extra


def _with_split(data: Mapping[str, Any], texts: object) -> str:
    """A source and its split; for texts that were in memory, their number."""
    name = _as_name(str(data.get("source", "unknown")))
    if name in NAMES_OF_GIVEN.values():
        return f"{name} ({texts:,})" if isinstance(texts, int) else name
    return f"{name} ({one_line(str(data.get('split', 'unknown')))})"


def _as_name(source: str) -> str:
    name = NAMES_OF_GIVEN.get(source, source)  # cards have replaced it before
    return name if name in NAMES_OF_GIVEN.values() else as_code(name)
