"""THIRD_PARTY.md agrees with the registry, pyproject.toml and the installed packages."""

import re
import tomllib
from importlib import metadata

import pytest
from documents import ROOT

from sentiment_lstm.data.registry import DataSet, registered

PAGE = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FAMILIES = {"Apache": "Apache", "MIT": "MIT", "BSD": "BSD", "LGPL": "LGPL", "ISC": "ISC"}


def line(entry: DataSet) -> str:
    """Return the line of a data set in the table."""
    models = ", ".join(entry.models) or "none"
    cells = [f"`{entry.name}`", entry.title, entry.terms, entry.commercial_use,
             ", ".join(entry.uses), models]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def test_every_data_set_is_listed():
    lines = re.findall(r"^\| `\w+` \|.*(?:default|tiny|english|none) \|$", PAGE, re.MULTILINE)
    assert [row for row in lines if row.count("|") == 7] == [*map(line, registered().values())]


@pytest.mark.parametrize("use", ["allowed", "forbidden", "research only", "not stated"])
def test_each_set_states_commercial_use(use):
    bullet = re.search(rf"- \*\*{use.capitalize()}:\*\*(.*?)(?:\n- |\n\n)", PAGE, re.DOTALL)
    names = {name for name, entry in registered().items() if entry.commercial_use == use}
    first_sentences = re.split(r"(?:Both|No) shipped models?", bullet[1])[0]
    assert names == {n for n in re.findall(r"`(\w+)`", first_sentences) if n in registered()}


def dependencies() -> dict[str, str]:
    """Map each package in the table of software to its licence on the page."""
    table = PAGE.partition("## Software")[2]
    return dict(re.findall(r"([\w-]+) \(([^)]+)\)", table))


def test_every_dependency_is_listed():
    extras = PROJECT["optional-dependencies"]
    requirements = [*PROJECT["dependencies"]]
    for name in extras.keys() - {"dev"}:
        requirements += extras[name]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}
    assert names - {PROJECT["name"]} <= dependencies().keys()


def installed_dependencies() -> list[str]:
    """Those on the page that are installed; the extra `benchmarks` seldom is."""
    return [name for name in dependencies() if any(metadata.distributions(name=name))]


@pytest.mark.parametrize("name", installed_dependencies())
def test_licences_are_those_of_the_installed_packages(name):
    installed = metadata.metadata(name)
    stated = [installed.get("License-Expression"), installed.get("License"),
              *(installed.get_all("Classifier") or [])]  # fmt: skip
    licence = dependencies()[name]
    families = [family for family in FAMILIES if family in licence]
    if families:
        assert any(family in (text or "") for family in families for text in stated)
