"""`make reproduce-shipped` takes most of a day: what can be told of its steps beforehand."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = re.compile(r"(?:--out|--rest|--first|>) (runs/\S+)")
NEEDED = re.compile(r"(?:--model|--init|--taught|--unlabelled|awk '[^']*') (runs/\S+)")


@pytest.fixture(scope="module")
def steps():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    call = ["make", "--dry-run", "reproduce-shipped"]
    shown = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()


def recipe(step):
    """The settings of a training, of other steps none."""
    found = re.search(r"--config (\S+)", step)
    return tomllib.loads((ROOT / found[1]).read_text("utf-8")) if found else {}


def sources(settings):
    mixture = settings.get("mixture", [])
    return [str(one["source"]) for one in (settings.get("data", {}), *mixture) if "source" in one]


def test_every_step_finds_what_it_needs(steps):
    made = set()
    for step in steps:
        needed = NEEDED.findall(step)
        needed += [one for one in sources(recipe(step)) if one.startswith("runs/")]
        assert [one for one in needed if one not in made] == [], step
        made.update(MADE.findall(step))
        if "language.toml" in step:
            made.add("runs/language/language")
    assert "runs/default" in made


def test_models_are_averaged_with_such_as_read_the_same_words(steps):
    corrects = {"runs/language/language": False}
    for step in steps:
        models = re.findall(r"(?:--model|--init) (runs/\S+)", step)
        before = [corrects[one] for one in models]
        if "average.py" in step:
            assert len(set(before)) == 1, step
        own = recipe(step).get("text", {}).get("correct_slips", False)
        corrects.update(dict.fromkeys(MADE.findall(step), own or any(before)))
