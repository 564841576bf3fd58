"""Progress is a bar on a terminal, and a line for each epoch everywhere."""

import io
from pathlib import Path

from numbers_of_a_run import EPOCH, STEP
from rich.console import Console

from sentiment_lstm.training.display import Display
from sentiment_lstm.training.listener import Stage


def test_each_epoch_has_a_line_and_a_terminal_shows_a_bar():
    for terminal in (True, False):
        out = io.StringIO()
        display = Display(Console(file=out, force_terminal=terminal, width=120))
        display.on_start(Stage(Path(), total_updates=10))
        display.on_update(STEP | {"tokens_per_second": 5.0})
        display.on_epoch(EPOCH)
        display.on_end()
        assert "validation loss 0.6000" in out.getvalue()
        assert ("5 tokens/s" in out.getvalue()) == terminal


def test_notes_before_and_after_a_stage_are_printed_unchanged(capsys):
    display = Display()
    display.on_note("[bold] 3 texts")
    display.on_start(Stage(Path(), total_updates=None))
    display.on_end()
    display.on_note("done")
    assert capsys.readouterr() == ("", "[bold] 3 texts\ndone\n")


def test_a_notebook_shows_one_line_for_each_stage(monkeypatch, capsys):
    clock = iter(range(0, 100, 10))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    display = Display()
    display.on_note("trial 1 of 2")
    display.on_start(Stage(Path(), total_updates=1_000))
    for _ in range(3):
        display.on_update(STEP | {"tokens_per_second": 5.0})
        display.on_epoch(EPOCH)
    display.on_end()
    display.on_note("done")
    written = capsys.readouterr().err
    shown = [line.rsplit("\r", 1)[-1] for line in written.split("\n")]
    assert shown[0] == "trial 1 of 2"
    assert shown[1].startswith("epoch 1: train loss")
    assert shown[2:] == ["done", ""]
    assert "of 1,000: loss" in written


METRICS = {"train_seconds": 3.2, "validation_accuracy": 0.9, "validation_loss": 0.25}


def test_a_brief_display_writes_what_matters_and_the_end(capsys):
    display = Display(is_brief=True)
    for note in ("3 texts to train on", "auto: 3 texts", "trial 1 of 4"):
        display.on_note(note)
    display.on_start(Stage(Path(), total_updates=10))
    display.on_epoch(EPOCH)
    display.on_end()
    display.on_saved(Path(), METRICS)
    last = "Trained in 3 s: validation accuracy 0.9000, log-loss 0.2500."
    assert capsys.readouterr().err.splitlines() == ["3 texts to train on", last]


def test_a_brief_display_has_one_line_for_all_stages_of_a_notebook(monkeypatch, capsys):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    display = Display(is_brief=True)
    for _ in range(3):
        display.on_start(Stage(Path(), total_updates=1_000))
        display.on_epoch(EPOCH)
        display.on_end()
    display.on_saved(Path(), METRICS)
    shown = [line.rsplit("\r", 1)[-1] for line in capsys.readouterr().err.split("\n")]
    assert len(shown) == 3
    assert shown[1].startswith("Trained in 3 s")
