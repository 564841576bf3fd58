"""`make reproduce-shipped` takes hours: what can be told of its steps beforehand."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from sentiment_lstm.data.grammar import lines_of

ROOT = Path(__file__).parents[2]
MADE = re.compile(r"(?:--out|--rest|--first|>|touch) (runs/shipped/[^\s;]+)")
NEEDED = re.compile(
    r"(?:--(?:config|model|init|taught|unlabelled|documents)|awk '[^']*') (runs/shipped/[^\s;]+)"
)
COMMAND = """#!/bin/sh
echo "$(basename $0) $*" >> calls
while [ $# -gt 0 ]; do
  case $1 in --resume | --out | --rest | --first) made="$made $2" ;; esac
  shift
done
for one in $made; do
  case $one in
    *.jsonl | *.npz) touch $one ;;
    $(cat stopped)) mkdir -p $one; touch $one/settings.json; exit 1 ;;
    *) mkdir -p $one; touch $one/settings.json $one/config.json ;;
  esac
done
"""
"""Stands in for every command: makes what it is asked for, of a stopped training its start."""


@pytest.fixture(autouse=True)
def _make():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")


@pytest.fixture(scope="module")
def steps():
    call = [
        "make",
        "--dry-run",
        "--always-make",
        "--no-print-directory",
        "--file",
        "factory/shipped.mk",
    ]
    shown = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()


def recipes(steps):
    """Each step with the settings of its training, or none; `sed` makes one recipe, ever anew."""
    made = ""
    for step in steps:
        if step.startswith("sed"):
            made = output_of(step)
        found = re.search(r"--config (\S+)", step)
        if found and found[1].startswith(("recipes", "factory")):
            yield step, tomllib.loads((ROOT / found[1]).read_text("utf-8"))
        else:
            yield step, tomllib.loads(made) if found else {}


def output_of(step):
    """What a step would write."""
    call, _ = step.split(" > ")
    shown = subprocess.run(shlex.split(call), cwd=ROOT, capture_output=True, text=True, check=True)
    return shown.stdout


def sources(settings):
    mixture = settings.get("mixture", [])
    return [str(one["source"]) for one in (settings.get("data", {}), *mixture) if "source" in one]


def test_every_step_finds_what_it_needs(steps):
    made = set()
    for step, settings in recipes(steps):
        needed = NEEDED.findall(step)
        needed += [one for one in sources(settings) if one.startswith("runs/")]
        assert [one for one in needed if one not in made] == [], step
        made.update(MADE.findall(step))
    assert "runs/shipped/default" in made
    assert "measure.ship" in steps[-2]


def test_models_are_averaged_with_such_as_read_the_same_words(steps):
    corrects = {}
    for step, settings in recipes(steps):
        models = re.findall(r"(?:--model|--init) (runs/shipped/\S+)", step)
        before = [corrects[one] for one in models]
        if "surgery.average" in step:
            assert len(set(before)) == 1, step
        own = settings.get("text", {}).get("correct_slips", False)
        corrects.update(dict.fromkeys(MADE.findall(step), own or any(before)))


def test_every_round_reads_sentences_that_none_has_read(steps):
    read = {one for _, settings in recipes(steps) for one in sources(settings)}
    ranges = [lines_of(one) for one in read if one.startswith("grammar:")]
    in_order = sorted(ranges, key=lambda lines: lines.start)
    assert len(in_order) == 6
    assert all(one.stop <= after.start for one, after in pairwise(in_order))


def test_a_part_is_of_all_that_is_cut_for_it(steps):
    made = {one for one in MADE.findall("\n".join(steps)) if "_some.jsonl" in one}
    parts = [sources(settings) for step, settings in recipes(steps) if "--config runs/" in step]
    assert len(parts) == 10
    assert all({one for one in part if one.endswith("_some.jsonl")} == made for part in parts)


@pytest.fixture
def project(tmp_path):
    """A folder with the steps, and commands that do nothing but make files."""
    for name in ("python", "sentiment-lstm"):
        (tmp_path / name).write_text(COMMAND)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "factory/settings").mkdir(parents=True)
    (tmp_path / "factory/texts").mkdir()
    for name in ("texts/written.jsonl", "settings/reading.toml"):
        (tmp_path / "factory" / name).touch()
    shutil.copy(ROOT / "factory/shipped.mk", tmp_path / "factory")
    (tmp_path / "runs/shipped").mkdir(parents=True)
    return tmp_path


def make(project, stopped):
    """Whether it came to the end, and the commands that it gave to make models."""
    (project / "stopped").write_text(stopped)
    (project / "calls").write_text("")
    call = ["make", "--jobs", "2", "--file", "factory/shipped.mk", "PYTHON=./python"]
    path = f"{project}:{os.environ['PATH']}"
    made = subprocess.run(call, cwd=project, env={**os.environ, "PATH": path}, capture_output=True)
    calls = (project / "calls").read_text().splitlines()
    return made.returncode == 0, [call for call in calls if "jsonl" not in call]


def test_a_stopped_call_goes_on_where_it_was(project):
    finished, before = make(project, "runs/shipped/second_fast")
    assert not finished
    assert any(call.endswith("--out runs/shipped/second_slow") for call in before)
    finished, after = make(project, "none")
    assert finished
    assert "sentiment-lstm train --resume runs/shipped/second_fast" in after
    assert set(before).isdisjoint(after)
    assert "factory.measure.ship" in after[-1]
    assert make(project, "none") == (True, [])


def test_the_network_is_of_the_shape_that_ships():
    model = tomllib.loads((ROOT / "factory/settings/language.toml").read_text("utf-8"))["model"]
    shipped = ROOT / "src/sentiment_lstm/pretrained/default/config.json"
    wanted = json.loads(shipped.read_text("utf-8"))["model"]
    for name in ("embedding", "hidden", "layers", "pooling"):
        assert model[name] == wanted[name]
