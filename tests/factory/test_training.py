"""A training begins or goes on."""

import sys

import pytest

from factory import training


@pytest.fixture
def calls(monkeypatch):
    """What the command was called with."""
    called = []
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(training, "sentiment_lstm", lambda: called.append(sys.argv[1:]))
    return called


def test_a_training_begins_and_an_interrupted_one_goes_on(calls, tmp_path):
    run = tmp_path / "run"
    arguments = ["--config", "x.toml", "--model", "start", "--out", str(run)]
    training.main(arguments)
    assert calls[-1] == ["train", "--config", "x.toml", "--init", "start", "--out", str(run)]
    run.mkdir()
    (run / "settings.json").touch()
    training.main(arguments)
    assert calls[-1] == ["train", "--resume", str(run)]
