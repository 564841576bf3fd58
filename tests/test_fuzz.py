"""The files that failed once, and a few seconds of every target of `fuzz/`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "fuzz"
if not ROOT.is_dir():
    pytest.skip("the folder fuzz is not here", allow_module_level=True)

pytest.importorskip("pyarrow")
pytest.importorskip("zstandard")
from fuzz import checks  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402

FILES = sorted(file for file in (ROOT / "corpus").rglob("*") if file.is_file())


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of openpyxl
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_files_of_the_corpus_keep_the_rules(file, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "FOLDER", tmp_path)
    TARGETS[file.parent.name].check(file.read_bytes())


def test_every_target_has_a_corpus():
    assert {file.parent.name for file in FILES} == set(TARGETS)


@pytest.mark.exhaustive
@pytest.mark.parametrize("target", TARGETS)
def test_a_few_seconds_of_every_target(target):
    call = [sys.executable, ROOT / "run.py", "--target", target, "--minutes", "0.05"]
    ended = subprocess.run(call, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
