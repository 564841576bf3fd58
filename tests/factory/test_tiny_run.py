"""The whole road on small stand-ins: from nothing to a stored and measured bundle, in minutes."""

import os
from dataclasses import replace

import pytest

pytest.importorskip("faker", reason="the extra `factory` is not installed")
pytest.importorskip("gensim", reason="the extra `train` is not installed")
from factory.road import road
from factory.rounds import ROUNDS, TINY
from factory.runner import run
from factory.stages import predecessors, states
from sentiment_lstm.bundle import load_bundle

MOST_MINUTES = 10
"""Of two cores that do nothing else."""


@pytest.mark.slow
def test_from_nothing_to_a_bundle_and_again_for_what_changed(tmp_path, monkeypatch):
    monkeypatch.delenv("SENTIMENT_LSTM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # no data set is at hand
    stages, folder = road(TINY), tmp_path / "run"
    data = folder / str(TINY.data)
    made = run(stages, folder, data=data)
    assert sorted(made) == sorted(stage.name for stage in stages)
    spent = os.times()
    assert spent.children_user + spent.children_system < 2 * 60 * MOST_MINUTES

    bundle = load_bundle(folder / "shipped" / "default")
    assert bundle.half
    assert bundle.metrics["tests"]["IMDb reviews"]["n"] == 60
    assert bundle.metrics["behaviour"]

    assert run(stages, folder, data=data) == []
    assert set(states(stages, folder).values()) == {"done"}

    last = replace(ROUNDS[-1], rates=(1e-3, ROUNDS[-1].rates[1]))
    changed = road(TINY, (*ROUNDS[:-1], last))
    made = run(changed, folder, data=data)
    same = {"three/judged_part", "three/written"}  # their parts of the texts do not change
    assert set(made) == {"round_6/slow_settings", *following("round_6/slow", changed)} - same
    assert run(changed, folder, data=data) == []


def following(name, stages):
    """A stage and all that need it."""
    before, names = predecessors(stages), {name}
    names |= {stage.name for stage in stages if stage.name == name}
    for stage in stages:
        if before[stage.name] & names:
            names.add(stage.name)
    return names
