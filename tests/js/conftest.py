"""Runs the JavaScript package in node, if node and `onnxruntime-web` are installed."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

JS = Path(__file__).parents[2] / "js"
RUNTIME = JS / "node_modules" / "onnxruntime-web"


@pytest.fixture
def node() -> str:
    """The program `node`."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node")
    return program


@pytest.fixture
def runtime() -> Path:
    """The npm package `onnxruntime-web`."""
    if not RUNTIME.is_dir():
        pytest.skip("run `npm install --prefix js`")
    return RUNTIME


@pytest.fixture
def score(
    node: str, runtime: Path, tmp_path: Path
) -> Callable[[Path, Sequence[str]], dict[str, Any]]:
    """Return a function that scores texts in node with the model of a folder."""

    def scored(model: Path, texts: Sequence[str]) -> dict[str, Any]:
        file = tmp_path / "texts.json"
        file.write_text(json.dumps(list(texts)))
        script = Path(__file__).parent / "score.mjs"
        done = subprocess.run(
            [node, script, model, file], capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    return scored
