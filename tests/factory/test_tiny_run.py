"""The whole road on small stand-ins: from nothing to a stored and measured bundle, in minutes."""

import os

import pytest

pytest.importorskip("faker", reason="the extra `factory` is not installed")
pytest.importorskip("gensim", reason="the extra `train` is not installed")
from factory.road import road
from factory.rounds import TINY
from factory.runner import run
from factory.stages import states
from sentiment_lstm.bundle import load_bundle

MOST_MINUTES = 5
"""Of two cores that do nothing else."""


@pytest.mark.slow
def test_from_nothing_to_a_bundle(tmp_path, monkeypatch):
    monkeypatch.delenv("SENTIMENT_LSTM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # no data set is at hand
    stages, folder = road(TINY), tmp_path / "run"
    data = folder / str(TINY.data)
    before = seconds_of_children()
    made = run(stages, folder, data=data)
    assert sorted(made) == sorted(stage.name for stage in stages)
    assert seconds_of_children() - before < 2 * 60 * MOST_MINUTES

    bundle = load_bundle(folder / "shipped" / "default")
    assert bundle.half
    assert bundle.metrics["tests"]["IMDb reviews"]["n"] == 60
    assert bundle.metrics["behaviour"]

    assert run(stages, folder, data=data) == []
    assert set(states(stages, folder).values()) == {"done"}


def seconds_of_children():
    """Processor seconds of the processes that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system
