"""A listener is called through a whole training, and may end it."""

from pathlib import Path

import pytest
from tiny_runs import tiny

from sentiment_lstm.training.listener import Listener, Listeners, Stage
from sentiment_lstm.training.run import resume, train


class Recorder(Listener):
    """Remembers the names of the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.stages: list[Stage] = []

    def on_note(self, sentence: str) -> None:
        self.calls.append("note")

    def on_start(self, stage: Stage) -> None:
        self.calls.append("start")
        self.stages.append(stage)

    def on_update(self, numbers) -> None:
        self.calls.append("update")
        assert numbers["tokens_per_second"] > 0

    def on_epoch(self, numbers) -> None:
        self.calls.append("epoch")
        assert numbers["seconds"] >= 0

    def on_end(self) -> None:
        self.calls.append("end")


class Ender(Listener):
    """Ends the training after an epoch."""

    def on_epoch(self, numbers) -> None:
        raise LookupError


def test_a_training_calls_all_its_listeners(csv_file: Path, tmp_path: Path):
    first, second = Recorder(), Recorder()
    settings = tiny(csv_file, training__max_steps=2)
    train(settings, tmp_path / "run", Listeners([first, second]))
    assert first.calls == second.calls
    assert first.calls[:2] == ["note", "start"]
    assert [c for c in first.calls if c != "note"] == ["start", "update", "update", "epoch", "end"]
    assert first.stages == [Stage(tmp_path / "run", total_updates=2)]


def test_each_stage_starts_and_ends(csv_file: Path, tmp_path: Path):
    recorder = Recorder()
    settings = tiny(csv_file, training__max_steps=1, language__epochs=1)
    train(settings, tmp_path / "run", recorder)
    assert [stage.folder.name for stage in recorder.stages] == ["language", "run"]
    assert recorder.calls.count("start") == recorder.calls.count("end") == 2


def test_a_listener_may_end_a_training_that_can_be_resumed(csv_file: Path, tmp_path: Path):
    recorder = Recorder()
    with pytest.raises(LookupError):
        train(tiny(csv_file), tmp_path / "run", Listeners([recorder, Ender()]))
    assert recorder.calls[-1] == "end"
    assert resume(tmp_path / "run", Recorder()) is not None


def test_on_end_is_called_after_an_error_of_on_start(csv_file: Path, tmp_path: Path):
    class Failing(Listener):
        ended = 0

        def on_start(self, stage):
            raise ValueError("no")

        def on_end(self):
            self.ended += 1

    failing = Failing()
    with pytest.raises(ValueError, match="no"):
        train(tiny(csv_file), tmp_path / "run", failing)
    assert failing.ended == 1


def test_by_default_progress_goes_to_standard_error(csv_file: Path, tmp_path: Path, capsys):
    train(tiny(csv_file, training__max_steps=1), tmp_path / "run")
    out, err = capsys.readouterr()
    assert out == ""
    assert "360 texts to train on, 40 to validate" in err
    assert "epoch 1: train loss" in err
