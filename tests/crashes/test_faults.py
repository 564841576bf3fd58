"""If the disk or the system fails, a command says one sentence, and the next one works."""

import shutil
import sys
from pathlib import Path

import pytest
from crashing import MODEL, OUTPUTS, SENTENCE, crash, snapshot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
ERRORS = ["ENOSPC", "EIO", "EROFS", "EACCES", "EDQUOT", "EPERM"]
"""A full disk, a broken one, a read-only folder, and files of another user."""


@pytest.mark.parametrize("errors", [ERRORS[:2], ERRORS[2:4], ERRORS[4:]])
def test_scoring_on_a_failing_disk(server, template, errors):
    server.run(template, "predict csv")
    crash(server, template, "predict csv again", 4, OUTPUTS, faults=errors).check()


@pytest.mark.parametrize(("command", "every"), [("save_pretrained", 3), ("export", 7)])
def test_a_model_on_a_failing_disk(server, template, small_model, command, every):
    crash(server, template, command, every, MODEL, faults=ERRORS).check()


@pytest.mark.parametrize(("command", "every"), [("train quick", 12), ("predict -", 13)])
def test_other_commands_on_a_failing_disk(server, template, command, every):
    crash(server, template, command, every, faults=ERRORS).check()


@pytest.mark.exhaustive
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("command", ["predict csv", "export", "score_folder", "train quick"])
def test_every_point_on_a_failing_disk(server, template, small_model, command, error):
    crash(server, template, command, faults=[error]).check()


@pytest.mark.parametrize(
    "circumstance", [{"kind": "short"}, {"jumping": True}, {"signals": True}], ids=str
)
@pytest.mark.parametrize("command", ["predict csv", "predict parquet", "save_pretrained"])
def test_short_writes_jumping_clocks_and_signals_change_nothing(
    server, template, command, circumstance
):
    roots = [copy(template, name) for name in ("plain", "other")]
    for root, options in zip(roots, ({}, circumstance), strict=True):
        ((code, said, _),) = server.run(root, command, **options)
        assert code == 0, said
    assert snapshot(roots[0]) == snapshot(roots[1])


@pytest.mark.parametrize("command", ["predict csv", "save_pretrained", "export", "train quick"])
def test_two_at_once_do_not_disturb_each_other(server, template, small_model, command):
    roots = [copy(template, name) for name in ("alone", "together")]
    ((code, said, _),) = server.run(roots[0], command)
    assert code == 0, said
    endings = server.run(roots[1], command, command)
    assert 0 in [code for code, _, _ in endings], endings
    for code, said, _ in endings:
        assert code == 0 or said.splitlines()[-1].startswith(SENTENCE), said
    ((code, said, _),) = server.run(roots[1], command)
    assert code == 0, said
    assert snapshot(roots[0]) == snapshot(roots[1])


def copy(template: Path, name: str) -> Path:
    return Path(shutil.copytree(template, template.parent / name / "work"))
