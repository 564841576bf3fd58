"""Stages run when they have to, go on where they were stopped, and overwrite nothing."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from factory import stages as stages_module
from factory.runner import _processes, log_of, needed, run
from factory.stages import Stage, code_digest, states
from sentiment_lstm.errors import DataError, SentimentError, UsageError

SCRIPT = '''
"""Joins files; with `--fail` it ends half way, unless it has begun before."""
import sys
from pathlib import Path

options = sys.argv[1:]
out = Path(options[options.index("--out") + 1])
if "--fail" in options and not out.exists():
    out.mkdir()
    sys.exit("stopped half way")
texts = [Path(o).read_text() if Path(o).is_file() else o for o in options if not o.startswith("--")]
if "--fail" in options:
    (out / "end").write_text("resumed")
else:
    out.write_text(" ".join(t for t in texts if t != str(out)))
'''


@pytest.fixture(autouse=True)
def _script(tmp_path, monkeypatch):
    """A module `join_files`, for this process and those that it starts."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "join_files.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(modules)
    monkeypatch.setenv("PYTHONPATH", f"{modules}:{':'.join(filter(None, sys.path))}")
    code_digest.cache_clear()
    yield
    code_digest.cache_clear()


def stage(name, *arguments, out=None):
    return Stage(name, "join_files", (*arguments, "--out", f"{{run}}/{out or name}"))


CHAIN = (
    stage("a", "one"),
    stage("b", "{run}/a", "two"),
    stage("c", "{run}/a", "three"),
    stage("d", "{run}/b", "{run}/c"),
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def test_all_run_once_and_then_nothing_is_to_do(folder):
    assert set(states(CHAIN, folder).values()) == {"to do"}
    assert sorted(run(CHAIN, folder)) == ["a", "b", "c", "d"]
    assert (folder / "d").read_text() == "one two one three"
    assert set(states(CHAIN, folder).values()) == {"done"}
    assert run(CHAIN, folder) == []


def test_a_changed_argument_reruns_its_stage_and_what_follows(folder):
    run(CHAIN, folder)
    changed = tuple(s if s.name != "b" else stage("b", "{run}/a", "new") for s in CHAIN)
    assert states(changed, folder) == {"a": "done", "b": "outdated", "c": "done", "d": "outdated"}
    assert run(changed, folder) == ["b", "d"]
    assert (folder / "d").read_text() == "one new one three"


def test_a_changed_input_reruns_what_reads_it(folder):
    source = folder / "source"
    chain = (stage("a", "{run}/source"), *CHAIN[1:])
    folder.mkdir()
    source.write_text("one")
    run(chain, folder)
    source.write_text("nine")
    assert run(chain, folder) == ["a", "b", "c", "d"]


def test_changed_code_reruns_but_a_changed_comment_does_not(folder, tmp_path):
    run(CHAIN, folder)
    file = tmp_path / "modules" / "join_files.py"
    file.write_text(f"# A comment\n{SCRIPT.replace('Joins files', 'It joins files')}")
    code_digest.cache_clear()
    assert run(CHAIN, folder) == []
    file.write_text(SCRIPT.replace('" ".join', '", ".join'))
    code_digest.cache_clear()
    assert sorted(run(CHAIN, folder)) == ["a", "b", "c", "d"]


def test_a_stage_that_makes_the_same_again_reruns_nothing_else(folder):
    run(CHAIN, folder)
    (folder / "state" / "b.json").unlink()
    assert run(CHAIN, folder) == ["b"]


def test_outputs_of_earlier_calls_are_kept(folder):
    run(CHAIN, folder)
    for number, word in enumerate(("new", "newer"), start=1):
        run((stage("a", word), *CHAIN[1:]), folder)
        assert (folder / "earlier" / str(number) / "a").exists()
    assert (folder / "earlier" / "1" / "d").read_text() == "one two one three"
    assert (folder / "a").read_text() == "newer"


def test_a_stopped_stage_goes_on_where_it_was_and_those_before_do_not_run(folder):
    chain = (*CHAIN[:2], stage("model", "{run}/b", "--fail"), stage("end", "{run}/model", "x"))
    with pytest.raises(SentimentError, match=r"Expected model to end well(.|\n)*stopped half way"):
        run(chain, folder)
    assert states(chain, folder) == {
        **{"a": "done", "b": "done"},
        **{"model": "interrupted", "end": "to do"},
    }
    assert run(chain, folder) == ["model", "end"]
    assert (folder / "model" / "end").read_text() == "resumed"
    assert run(chain, folder) == []


def test_a_stopped_stage_with_other_settings_starts_again(folder):
    chain = (*CHAIN[:2], stage("model", "{run}/b", "--fail"))
    with pytest.raises(SentimentError):
        run(chain, folder)
    with pytest.raises(SentimentError):
        run((*CHAIN[:2], stage("model", "{run}/b", "--fail", "more")), folder)
    assert (folder / "earlier" / "1" / "model").exists()


def test_until_a_stage_runs_what_it_needs(folder):
    assert run(CHAIN, folder, until="b") == ["a", "b"]
    assert [s.name for s in needed(CHAIN, "c")] == ["a", "c"]
    with pytest.raises(UsageError, match="Expected the name of a stage, found 'x'"):
        run(CHAIN, folder, until="x")


def test_a_missing_data_set_is_told_before_anything_runs(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_LSTM_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match="Expected the data set products"):
        run((replace(CHAIN[0], reads=("data:products",)), *CHAIN[1:]), folder)
    assert not folder.exists()


def test_what_a_stage_prints_and_its_command_are_logged(folder):
    run(CHAIN, folder)
    log = log_of(CHAIN[0], folder).read_text()
    assert log.startswith(f"python -m join_files one --out {folder / 'a'}")
    assert json.loads((folder / "state" / "a.json").read_text())["finished"] is True


def test_code_that_a_module_imports_counts():
    modules = stages_module._modules_of("factory.texts.judged", set())
    assert {"factory.texts.excerpts", "factory.texts.sources"} <= modules
    assert not [name for name in modules if name.startswith("sentiment_lstm")]


def interrupted(running):
    running["a"] = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    raise KeyboardInterrupt


def test_an_interruption_stops_what_runs():
    with pytest.raises(KeyboardInterrupt), _processes() as running:
        interrupted(running)
    assert running["a"].returncode is not None
