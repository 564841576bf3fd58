r"""Write the settings file of one training: a template with the names of files filled in.

    python -m factory.configure --template factory/settings/reading.toml \
        --name judged=runs/factory/round_2/judged.jsonl --set training.learning_rate=8e-4 \
        --out runs/factory/round_2/slow.toml

A source `"{judged}"` in the template stands for the file that `--name judged=...` names.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.storage import write_atomically


def configured(
    template: Mapping[str, Any], names: Mapping[str, str], changes: Mapping[str, str]
) -> dict[str, Any]:
    """The template's settings with sources filled in and settings changed.

    Args:
        template: sections of settings, as in TOML.
        names: the file for each name in braces.
        changes: values in TOML, by `section.key`.

    Raises:
        UsageError: a source names a file that is not in `names`.
    """
    settings: dict[str, Any] = {
        section: [_with_source(table, names) for table in tables]
        if isinstance(tables, list)
        else _with_source(tables, names)
        for section, tables in template.items()
    }
    for name, value in changes.items():
        section, _, key = name.partition(".")
        settings.setdefault(section, {})[key] = tomllib.loads(f"value = {value}")["value"]
    return settings


def _with_source(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    source = str(table.get("source", ""))
    if not source.startswith("{"):
        return dict(table)
    name = source.strip("{}")
    if name not in names:
        raise UsageError(f"Expected a file for the source {source}, found none: give it by --name.")
    return {**table, "source": names[name]}


def as_toml(settings: Mapping[str, Any]) -> str:
    """Sections of plain values, and lists of such sections, in TOML."""
    lines = []
    for section, tables in settings.items():
        several = isinstance(tables, list)
        for table in tables if several else [tables]:
            lines.append(f"[[{section}]]" if several else f"[{section}]")
            lines += [f"{key} = {_value(value)}" for key, value in table.items()]
            lines.append("")
    return "\n".join(lines)


def _value(value: object) -> str:
    """Strings, numbers, lists and truth values are written as in JSON."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(k)} = {_value(v)}' for k, v in value.items())} }}"
    return json.dumps(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, fill in, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--name", action="append", default=[], help="NAME=FILE")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, in TOML")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    names, changes = (dict(pair.split("=", 1) for pair in p) for p in (options.name, options.set))
    template = tomllib.loads(options.template.read_text("utf-8"))
    settings = configured(template, names, changes)
    write_atomically(options.out, as_toml(settings).encode())
    return 0


if __name__ == "__main__":
    run_script(main)
