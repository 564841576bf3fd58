"""The tour: every stop is a command that exists and runs, wherever it is taken."""

import io
import sys
import tempfile

import pytest
import typer.main

from sentiment_lstm.cli import app
from sentiment_lstm.commands import touring
from sentiment_lstm.data import grammar
from sentiment_lstm.interrupts import Interrupted

COMMANDS = typer.main.get_command(app).commands
STOPS = ("predict", "stream", "explain", "train", "predict")


@pytest.fixture(autouse=True)
def temporary(monkeypatch, tmp_path):
    """Where temporary folders go; and a training on fewer sentences."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(grammar, "lines_of", lambda source: range(1, 201))
    return tmp_path


def left(folder):
    """What stands there, but for torch's cache."""
    names = [path.name for path in folder.iterdir()]
    return [name for name in names if not name.startswith("torchinductor")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.slow
def test_every_stop_is_a_command_with_its_output_and_nothing_is_left(run, temporary):
    code, out, err = run("tour")
    assert code == 0
    for number, name in enumerate(STOPS, start=1):
        assert f"{number} of {len(STOPS)}. " in out
        assert f"\n$ sentiment-lstm {name} " in out
    assert "turned" in out
    assert "validation accuracy" in err
    assert "Skipped" not in err
    assert left(temporary) == []


def test_the_stops_fit_the_commands_that_there_are(temporary):
    way = touring.stops(temporary)
    assert tuple(stop.arguments[0] for stop in way) == STOPS
    for stop in way:
        name, *rest = stop.arguments
        COMMANDS[name].make_context(name, rest)


def test_what_is_not_installed_is_passed_by(run, monkeypatch):
    last = touring.stops
    monkeypatch.setattr(touring, "stops", lambda folder: last(folder)[3:])
    monkeypatch.setitem(sys.modules, "sentiment_lstm.training.run", None)
    code, out, err = run("tour")
    assert code == 0
    assert "Skipped: " in err
    assert "pip install 'sentiment-lstm[train]'" in err
    assert "1 of 2" in out
    assert "2 of 2" not in out  # it would ask the model that was not trained


def test_it_waits_at_a_terminal_alone(run, monkeypatch):
    messages = []
    monkeypatch.setattr(touring, "_run", lambda *arguments: None)
    monkeypatch.setattr(touring, "say", messages.append)
    assert run("tour")[0] == 0
    assert not messages
    monkeypatch.setattr(sys, "stdin", Terminal("\n" * 9))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run("tour")[0] == 0
    assert len(messages) == len(STOPS) - 1


def test_an_interrupt_ends_it_and_leaves_nothing(run, monkeypatch, temporary):
    def interrupted(*arguments):
        raise Interrupted(2)

    monkeypatch.setattr(touring, "_run", interrupted)
    code, _, err = run("tour")
    assert code == 130
    assert err == "Interrupted by SIGINT.\n"
    assert left(temporary) == []
