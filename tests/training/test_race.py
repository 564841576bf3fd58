"""A race of candidates, with trainings that only take time of a clock that the test moves."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from test_candidates import ENGLISH
from tiny_runs import Heard, tiny_auto

from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.settings import Settings
from sentiment_lstm.training import automatic, race
from sentiment_lstm.training.candidate_trials import Outcome, Speed
from sentiment_lstm.training.race import Race, begin, check

FEW = replace(ENGLISH, texts=5_000)  # one trial


class _Clock:
    """A clock that stands still until a training moves it."""

    seconds = 0.0

    def add_before(self, seconds: float) -> None:
        self.seconds = max(self.seconds, seconds)


class _Trials:
    """Each update takes a hundredth of a second; `gains` lower the loss of some settings."""

    def __init__(self, **gains: float) -> None:
        self.clock, self.gains = _Clock(), gains
        self.measured: list[tuple[str, int]] = []

    def probe(self, settings: Settings, folder: Path) -> Speed:
        self.clock.seconds += 1
        return Speed(settings.training.max_steps or 400, 0.01, 2.0)

    def measure(self, settings: Settings, folder: Path) -> Outcome:
        self.measured.append((folder.parent.name, settings.training.max_steps))
        if (folder / "finished").exists():
            self.clock.add_before(float((folder / "finished").read_text()))
        else:
            self.clock.seconds += 0.01 * settings.training.max_steps
            folder.mkdir(parents=True)
            (folder / "finished").write_text(str(self.clock.seconds))
        gain = sum(gain for name, gain in self.gains.items() if name in _facts(settings))
        noise = np.random.default_rng(0).uniform(0, 0.01, 200)
        if gain < -1:
            raise TrainingError("Expected a finite loss.")
        return Outcome(0.7 - gain + noise, 0.8)


def _facts(settings: Settings) -> set[str]:
    usual = automatic.choose(ASKED, FEW)
    return {
        Path(settings.training.init or "nothing").name,
        "fast" if settings.training.learning_rate > usual.training.learning_rate else "usual",
        "strong" if settings.model.dropout > usual.model.dropout else "weak",
    }


ASKED = Settings().updated({"training.auto": True, "data.source": "mine.csv"})


def _race(run: Path, trials: _Trials, minutes: float, asked: Settings = ASKED):
    heard = Heard()
    if not (run / "race").exists():
        run.mkdir(exist_ok=True)
        begin(run, minutes)
    chosen = automatic.choose(asked, FEW)
    racing = Race(asked, chosen, FEW, run, trials, heard)  # type: ignore[arg-type]
    return racing.run_to_end(), heard.sentences


def test_the_choice_of_auto_stays_if_no_other_is_better(tmp_path: Path):
    trials = _Trials()
    winner, sentences = _race(tmp_path / "run", trials, 10)
    assert winner.settings == automatic.choose(ASKED, FEW)
    assert winner.folder == tmp_path / "run" / "race" / "english-1-1-1-1" / "1"
    assert trials.measured[0] == ("english-1-1-1-1", winner.settings.training.max_steps)
    assert "a second call may choose others" in sentences[0]
    assert sentences[1].startswith("race: round 1: start default; updates x2; learning rate x2")
    assert sentences[2].split() == (
        ["race:", "candidate", "updates", "trained", "log-loss", "accuracy", "seconds"]
    )
    assert sentences[-1] == (
        "race: auto is kept: no other is better by more than one standard error"
    )


def test_challengers_are_halved(tmp_path: Path):
    trials = _Trials(fast=0.1)
    winner, sentences = _race(tmp_path / "run", trials, 1.5)
    usual = automatic.choose(ASKED, FEW).training
    state = json.loads((tmp_path / "run" / "race" / "race.json").read_text())
    count = len(state["rounds"][0])
    assert count >= 4
    measured, rungs = trials.measured[1:], []
    for left in (count >> halving for halving in range(count.bit_length())):
        rungs.append([name for name, _ in measured[:left]])
        assert ("english-1-2-1-1", round(usual.max_steps / left)) in measured[:left]
        measured = measured[left:]
    for before, after in pairwise(rungs):
        assert set(after) < set(before)
    assert winner.settings.training.learning_rate == 2 * usual.learning_rate
    assert "race: learning rate x2 is the best, and is kept" in sentences


def test_the_next_round_is_around_the_winner(tmp_path: Path):
    trials = _Trials(fast=0.1, strong=0.1)
    winner, sentences = _race(tmp_path / "run", trials, 10)
    assert _facts(winner.settings) == {"english", "fast", "strong"}
    assert any(s.startswith("race: round 2: ") for s in sentences)
    assert trials.clock.seconds < 600


@pytest.mark.parametrize("minutes", [0.45, 0.6, 1, 2])
def test_the_last_training_has_its_time(tmp_path: Path, minutes):
    trials = _Trials(fast=0.1, default=0.1)
    winner, _ = _race(tmp_path / "run", trials, minutes)
    last = 0.01 * winner.settings.training.max_steps
    assert trials.clock.seconds + last <= 60 * minutes - 12 - 3 * 2


def test_a_short_time_cuts_the_updates(tmp_path: Path):
    trials = _Trials()
    winner, sentences = _race(tmp_path / "run", trials, 0.5)
    updates = automatic.choose(ASKED, FEW).training.max_steps
    assert 1 <= winner.settings.training.max_steps < updates
    assert winner.folder is None
    assert trials.measured == []
    assert sentences[-1].endswith(f"instead of {updates:,}.")
    winner, _ = _race(tmp_path / "none", trials, 0.01)
    assert winner.settings.training.max_steps == updates // 10
    given = ASKED.updated({"training.max_steps": 900, "training.given": ("training.max_steps",)})
    winner, sentences = _race(tmp_path / "other", trials, 0.5, given)
    assert winner.settings.training.max_steps == 900
    assert sentences[-1].endswith("training.max_steps is given, so the training takes longer.")


def test_a_challenger_that_fails_is_dropped(tmp_path: Path):
    trials = _Trials(fast=-2.0, strong=0.1)
    winner, sentences = _race(tmp_path / "run", trials, 10)
    assert _facts(winner.settings) == {"english", "usual", "strong"}
    assert not any(s.startswith("race: learning rate x2") for s in sentences)
    with pytest.raises(TrainingError):
        _race(tmp_path / "other", _Trials(usual=-2.0), 10)


class _KilledError(BaseException):
    """Ends a race like SIGKILL."""


@pytest.mark.parametrize("at", [1, 2, 4, 7, 8, 12])
def test_a_killed_race_goes_on(tmp_path: Path, at):
    gains = {"fast": 0.1, "strong": 0.1}
    whole = _Trials(**gains)
    winner, sentences = _race(tmp_path / "whole", whole, 1)
    killed = _Trials(**gains)
    measure, calls = killed.measure, []

    def ended(settings: Settings, folder: Path) -> Outcome:
        calls.append(folder)
        if len(calls) == at:
            raise _KilledError
        return measure(settings, folder)

    killed.measure = ended  # type: ignore[method-assign]
    if at <= len(whole.measured):
        with pytest.raises(_KilledError):
            _race(tmp_path / "run", killed, 1)
    resumed = _Trials(**gains)
    again, later = _race(tmp_path / "run", resumed, 1)
    assert again.settings == winner.settings
    assert resumed.clock.seconds == pytest.approx(whole.clock.seconds, abs=1.1)
    assert later[-1] == sentences[-1]


def test_the_state_is_a_small_file(tmp_path: Path):
    _race(tmp_path, _Trials(), 1)
    state = json.loads((tmp_path / "race" / "race.json").read_text())
    assert (state["minutes"], state["wide_seconds"]) == (1, 2.0)
    assert state["results"][0]["candidate"] == "auto"
    assert state["seconds"] > state["results"][0]["seconds"] > 0
    assert race.has_results(tmp_path)
    race.remove(tmp_path)
    assert not (tmp_path / "race").exists()
    (tmp_path / "race").mkdir()
    (tmp_path / "race" / "race.json").write_text("{")
    with pytest.raises(UsageError, match="Expected the state of a race"):
        race.has_results(tmp_path)


def test_a_better_outcome_is_better_than_noise():
    losses = np.random.default_rng(0).uniform(0, 1, 100)
    usual = Outcome(losses, 0.8)
    assert Outcome(losses - 0.1, 0.7).is_better_than(usual)
    assert not usual.is_better_than(usual)
    assert not Outcome(losses[::-1] - 0.01, 0.9).is_better_than(usual)


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_no_time_is_refused(minutes):
    with pytest.raises(UsageError, match="Expected more than 0 minutes"):
        check(ASKED, minutes)


def test_settings_that_cannot_be_raced_are_refused(tmp_path: Path):
    check(tiny_auto("a.csv"), 1)
    with pytest.raises(UsageError, match="Expected preset auto with --minutes"):
        check(Settings(), 1)
    with pytest.raises(UsageError, match="found --streaming"):
        check(tiny_auto("a.csv", data__streaming=True), 1)
    with pytest.raises(UsageError, match="found texts without labels"):
        check(tiny_auto("a.csv", language__epochs=1), 1)
