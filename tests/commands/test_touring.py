"""The tour: every stop is an existing command that runs in any folder."""

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
    """The folder for temporary folders. The tour trains on fewer sentences here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(grammar, "lines_of", lambda source: range(1, 201))
    return tmp_path


def left(folder):
    """Return the names of the files, without the cache of torch."""
    names = [path.name for path in folder.iterdir()]
    return [name for name in names if not name.startswith("torchinductor")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.slow
def test_every_stop_shows_a_command_and_its_output_and_no_file_remains(run, temporary):
    code, out, err = run("tour")
    assert code == 0
    for number, name in enumerate(STOPS, start=1):
        assert f"{number} of {len(STOPS)}. " in out
        assert f"\n$ sentiment-lstm {name} " in out
    assert "turned" in out
    assert "validation accuracy" in err
    assert "Skipped" not in err
    assert left(temporary) == []


def test_every_stop_calls_an_existing_command(temporary):
    way = touring.stops(temporary)
    assert tuple(stop.arguments[0] for stop in way) == STOPS
    for stop in way:
        name, *rest = stop.arguments
        COMMANDS[name].make_context(name, rest)


def test_stops_without_their_libraries_are_skipped(run, monkeypatch):
    last = touring.stops
    monkeypatch.setattr(touring, "stops", lambda folder: last(folder)[3:])
    monkeypatch.setitem(sys.modules, "sentiment_lstm.training.run", None)
    code, out, err = run("tour")
    assert code == 0
    assert "Skipped: " in err
    assert "pip install 'sentiment-lstm[train]'" in err
    assert "1 of 2" in out
    assert "2 of 2" not in out  # it would need the model that was not trained


def test_the_tour_waits_only_at_a_terminal(run, monkeypatch):
    messages = []
    monkeypatch.setattr(touring, "_run", lambda *arguments: None)
    monkeypatch.setattr(touring, "say", messages.append)
    assert run("tour")[0] == 0
    assert not messages
    monkeypatch.setattr(sys, "stdin", Terminal("\n" * 9))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run("tour")[0] == 0
    assert len(messages) == len(STOPS) - 1


def test_an_interrupt_ends_the_tour_and_leaves_no_file(run, monkeypatch, temporary):
    def interrupted(*arguments):
        raise Interrupted(2)

    monkeypatch.setattr(touring, "_run", interrupted)
    code, _, err = run("tour")
    assert code == 130
    assert err == "Interrupted by SIGINT.\n"
    assert left(temporary) == []
