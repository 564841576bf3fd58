"""A kill between any two changes of the disk loses nothing: the same command completes the work."""

import sys

import pytest
from crash_server import COMMANDS
from crashing import MODEL, OUTPUTS, crash

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


def test_a_killed_scoring_of_csv_is_completed(server, template):
    crash(server, template, "predict csv", whole=OUTPUTS).check()


def test_a_killed_replacement_of_an_output_is_completed(server, template):
    server.run(template, "predict csv")
    crash(server, template, "predict csv again", every=5, whole=OUTPUTS).check()


@pytest.mark.parametrize(
    ("command", "every"),
    [("predict parquet", 7), ("predict jsonl.gz", 11), ("predict -", 8), ("score_folder", 13)],
)
def test_killed_scoring_of_other_kinds_is_completed(server, template, command, every):
    crash(server, template, command, every).check()


def test_a_killed_save_of_a_new_model_is_completed(server, template):
    crash(server, template, "save_pretrained", every=4, whole=MODEL).check()


@pytest.mark.parametrize(("command", "every"), [("save_pretrained", 5), ("export", 9)])
def test_a_killed_replacement_of_a_model_is_completed(
    server, template, small_model, command, every
):
    crash(server, template, command, every, whole=MODEL).check()


@pytest.mark.parametrize(("command", "every"), [("train quick", 14), ("train auto", 40)])
def test_a_killed_training_is_resumed(server, template, command, every):
    crash(server, template, command, every).check()


@pytest.mark.parametrize(("command", "again_at"), [("predict csv", 9), ("export", 25)])
def test_a_second_kill_loses_nothing_either(server, template, small_model, command, again_at):
    crash(server, template, command, every=8, again_at=again_at).check()


@pytest.mark.exhaustive
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_kill_at_any_point_loses_nothing(server, template, small_model, command, capsys):
    if command == "predict csv again":
        server.run(template, "predict csv")
    report = crash(server, template, command)
    with capsys.disabled():
        print(f"\n{report}")
    report.check()
