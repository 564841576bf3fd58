import subprocess
import sys
from pathlib import Path

import pytest

from sentiment_lstm.cores import usable_cores
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training import ranks
from sentiment_lstm.training.hardware import resolve_auto


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of rank 1 of 3, all on one machine."""
    names = {"RANK": 1, "WORLD_SIZE": 3, "LOCAL_WORLD_SIZE": 3, "MASTER_ADDR": "x"}
    for name, value in (names | {"MASTER_PORT": 1}).items():
        monkeypatch.setenv(name, str(value))
    return monkeypatch


def test_a_variable_without_a_number_is_refused(launched):
    launched.setenv("WORLD_SIZE", "two")
    with pytest.raises(UsageError, match="Expected a number in the variable WORLD_SIZE, found 'tw"):
        ranks.rank_count()


def test_without_torchrun_there_is_one_process(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    assert (ranks.rank(), ranks.rank_count(), ranks.ranks_on_this_machine()) == (0, 1, 1)
    assert ranks.updates_for(7) == 7
    ranks.require_one_process("--minutes")


def test_torchrun_says_which_process_this_is(launched):
    assert (ranks.rank(), ranks.rank_count(), ranks.ranks_on_this_machine()) == (1, 3, 3)
    assert [ranks.updates_for(batches) for batches in (0, 6, 7)] == [0, 2, 3]
    assert resolve_auto(TrainingSettings()).threads == max(1, usable_cores() // 3)


def test_an_option_for_one_process_is_refused_once(launched):
    with pytest.raises(SystemExit):
        ranks.require_one_process("--minutes")
    launched.setenv("RANK", "0")
    with pytest.raises(UsageError, match="one process with --minutes, found 3"):
        ranks.require_one_process("--minutes")


def test_a_run_goes_on_with_the_number_of_processes_that_began_it(tmp_path: Path, launched):
    with pytest.raises(TrainingError, match=r"Expected 1 process, .*: start it without torchrun"):
        ranks.require_same_count(tmp_path)
    ranks.remember_count(tmp_path)
    ranks.require_same_count(tmp_path)
    launched.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match=r"Expected 3 processes, .* found 2: start 3 with"):
        ranks.require_same_count(tmp_path)
    launched.setenv("WORLD_SIZE", "1")
    ranks.remember_count(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_advice_to_continue_names_the_number_of_processes(launched):
    advice = ranks.advice_to_continue(Path("run"))
    assert advice == "Continue with 'train --resume run' in 3 processes: start 3 with torchrun."
    launched.delenv("RANK")
    advice = ranks.advice_to_continue(Path("run"))
    assert advice == "Continue with 'sentiment-lstm train --resume run'."


@pytest.mark.parametrize(("count", "level"), [("2", "ERROR"), (None, "None")])
def test_torch_prints_no_stack_if_another_process_ends(count, level, monkeypatch):
    monkeypatch.delenv("TORCH_CPP_LOG_LEVEL", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if count:
        monkeypatch.setenv("WORLD_SIZE", count)
    code = "import os, sentiment_lstm\nprint(os.environ.get('TORCH_CPP_LOG_LEVEL'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [level]
