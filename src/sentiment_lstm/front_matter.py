"""The front matter of a model card: what model hubs read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence

from sentiment_lstm.data.registry import DataSet
from sentiment_lstm.data.source_names import is_remote, scheme_and_name
from sentiment_lstm.provenance import registered_set

MEASURED = "validation_"
"""Metrics with this prefix were measured on texts kept out of training."""

_PLAIN = re.compile(r"[a-z][a-zA-Z0-9._/-]+")


def metadata_lines(
    license_: str, language: Sequence[str], known: Sequence[DataSet], source: str
) -> str:
    """The front matter's lines about licence, languages and data sets on the hub."""
    hub_ids = [*(entry.hub for entry in known), _hub_id(source)]
    lines = [f"license: {_yaml(license_)}"] if license_ else []
    for key, values in (("language", language), ("datasets", filter(None, hub_ids))):
        listed = [f"- {_yaml(value)}" for value in dict.fromkeys(values)]
        lines += [f"{key}:", *listed] if listed else []
    return "".join(f"{line}\n" for line in lines)


def _yaml(value: str) -> str:
    """A string for the front matter. It is quoted if YAML would misread it: `no` would be false."""
    return value if _PLAIN.fullmatch(value) and value != "no" else json.dumps(value)


def _hub_id(source: str) -> str:
    """`hf:OWNER/NAME/CONFIG` -> `OWNER/NAME`; empty for other sources."""
    scheme, name = scheme_and_name(source)
    return "/".join(name.split("/")[:2]) if scheme == "hf" and is_remote(source) else ""


def model_index(name: str, source: str, metrics: Mapping[str, object]) -> str:
    """The results for the front matter as JSON, which is valid YAML and easy to quote."""
    measured = [
        {"type": key.removeprefix(MEASURED), "name": key, "value": value}
        for key, value in metrics.items()
        if key.startswith(MEASURED) and isinstance(value, (int, float)) and math.isfinite(value)
    ]
    bare = source.removeprefix("data:").removeprefix("hf:")
    entry = registered_set(source) if source.startswith("data:") else None
    type_ = entry.hub if entry and entry.hub else _hub_id(source) or bare
    result = {
        "task": {"type": "text-classification"},
        "dataset": {"type": type_, "name": bare, "split": "validation"},
        "metrics": measured,
    }
    return f"- {json.dumps({'name': name, 'results': [result] if measured else []})}"
