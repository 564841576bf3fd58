"""The wheel and the source distribution are small and hold the right files."""

import os
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from documents import ROOT

from sentiment_lstm import __version__

build = pytest.importorskip("hatchling.build", reason="the extra `dev` is not installed")


def test_the_version_is_the_same_everywhere():
    """Before a release, the version ends with .dev0, and only older versions can be cited."""
    entries = re.findall(r"^## (\S+) \((.+)\)$", read("CHANGELOG.md"), re.MULTILINE)
    is_released = entries[0][1] != "unreleased"
    assert __version__ == entries[0][0] + ("" if is_released else ".dev0")
    version, date = entries[0] if is_released else entries[1]
    assert f"\nversion: {version}\ndate-released: {date}\n" in read("CITATION.cff")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_source_distribution_leaves_the_factory_out(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(ROOT)
    archive = tmp_path / build.build_sdist(os.fspath(tmp_path))
    with tarfile.open(archive) as members:
        names = {name.partition("/")[2] for name in members.getnames()}
    tops = {name.partition("/")[0] for name in names}
    assert {"src", "tests", "benchmarks", "recipes", "docs", "README.md", "CHANGELOG.md"} <= tops
    assert {"CITATION.cff", "SECURITY.md", "LICENSE", "pyproject.toml", "constraints.txt"} <= tops
    assert {"tests/conftest.py", "js/src/index.js", "js/package.json"} <= names
    assert [name for name in names if name.startswith(("js/node_modules", "js/model"))] == []
    assert [name for name in names if "factory/" in name] == []
    assert archive.stat().st_size <= 16_000_000


@pytest.mark.slow
def test_the_wheel_holds_only_the_package(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(ROOT)
    archive = tmp_path / build.build_wheel(os.fspath(tmp_path))
    with zipfile.ZipFile(archive) as members:
        names = members.namelist()
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops == {"sentiment_lstm"}
    package = ROOT / "src" / "sentiment_lstm"
    ours = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in str(path)
    }
    scripts = {f"sentiment_lstm/javascript/{path.name}" for path in (ROOT / "js/src").iterdir()}
    assert ours | scripts == {name for name in names if name.startswith("sentiment_lstm/")}
    assert archive.stat().st_size <= 16_000_000
