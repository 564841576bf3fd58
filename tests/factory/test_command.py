"""`python -m factory`: stages in a table, and calls that cannot be done."""

import pytest

from factory import __main__ as command
from factory.rounds import SCALES
from factory.stages import Record, Stage, write_record


def test_status_lists_every_stage_with_its_minutes(tmp_path, capsys):
    write_record(Stage("start/words", "x", ()), tmp_path, Record("a", finished=True, minutes=2.5))
    assert command.main(["status", "--out", str(tmp_path)]) == 0
    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if "│" in line}
    names = {stage.name for stage in command.road(SCALES["full"])}
    assert names <= lines.keys()
    assert "outdated" in lines["start/words"]
    assert "2.5" in lines["start/words"]
    assert "to do" in lines["round_6/mean"]


def test_a_run_says_how_many_stages_ran(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "run", lambda *_, until, **__: [until] if until else [])
    command.main(["run", "--out", str(tmp_path)])
    assert capsys.readouterr().out == "Nothing to do.\n"
    command.main(["run", "--out", str(tmp_path), "--until", "start/words"])
    assert capsys.readouterr().out == "Stages that ran: 1.\n"


def test_no_job_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["run", "--jobs", "0"])
    assert "Expected --jobs of 1 or more, found 0" in capsys.readouterr().err
