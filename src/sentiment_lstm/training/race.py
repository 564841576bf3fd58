"""`train --minutes`: races candidates until the time is needed for the last training.

The choice of preset `auto` is trained first, so that it can always be the result. Then challengers
are trained in rounds by successive halving (Jamieson & Talwalkar 2016): all of them for a fraction
of their updates, the better half for twice as many, and so on. The last one of a round replaces the
best candidate so far if it is better by more than one standard error. A training with fewer updates
starts from the beginning and is complete: its learning rate falls to 0 at its end.

The folder `race` in the run holds `race.json` and the finished trials, so that an interrupted race
can continue. This file handles times and results. It does not train.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.settings import Settings
from sentiment_lstm.storage import as_json, write_atomically
from sentiment_lstm.training.automatic import Look
from sentiment_lstm.training.candidate_trials import CandidateTrials, Outcome
from sentiment_lstm.training.candidates import (
    LENGTHS,
    Candidate,
    challengers,
    describe,
    first_candidate,
    settings_of,
)
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.listener import Listener

FOLDER, FILE = "race", "race.json"
_MOST_CHALLENGERS = 8
"""The most challengers of a round. It is a power of two."""
_SLOWER = 2.0
"""A network of unknown speed is assumed to take this many times as long as the first one."""
_RESERVE = 12.0
"""Seconds to start the program and to save the model."""
_WIDE_PATHS = 3.0
"""The last wide paths and the linear baseline take about this many times the seconds of the wide
paths of the trials."""
_LEAST_FRACTION = 0.1
"""If there is no time to compare, the training makes at least this fraction of its updates."""


@dataclass(slots=True)
class State:
    """The state of a race, as `race.json` holds it.

    `minutes`: for the whole run. `seconds`: used so far. `wide_seconds`: for the wide paths of the
    trials. `rounds`: the challengers of each round. `results`: a row for each training:
    `candidate`, `fraction` (of its updates), `updates`, `log_loss` and `accuracy` (None if it
    failed), `seconds`.
    """

    minutes: float
    seconds: float = 0.0
    wide_seconds: float = 0.0
    rounds: list[list[str]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)

    def row(self, name: str, fraction: float) -> dict[str, Any] | None:
        """The result of a candidate after a fraction of its updates."""
        rows = (r for r in self.results if (r["candidate"], r["fraction"]) == (name, fraction))
        return next(rows, None)


def check(settings: Settings, minutes: float) -> None:
    """Refuse settings that cannot be raced.

    Raises:
        UsageError: another preset than `auto`, a stream, texts without labels, or no time.
    """
    if not (math.isfinite(minutes) and minutes > 0):
        raise UsageError(f"Expected more than 0 minutes for --minutes, found {minutes:g}.")
    if not settings.training.auto:
        raise UsageError(
            "Expected preset auto with --minutes, found fixed settings: name --data, and leave "
            "--preset out."
        )
    if settings.data.streaming or settings.language.sources or settings.language.epochs:
        option = "--streaming" if settings.data.streaming else "texts without labels"
        raise UsageError(
            f"Expected labelled texts in memory with --minutes, found {option}: leave one of them "
            "out."
        )


def begin(run: Path, minutes: float) -> None:
    """Note in the folder of a new run that candidates are to be raced."""
    _write(run, State(minutes))


def is_begun(run: Path) -> bool:
    """Whether candidates are to be raced, or are being raced."""
    return (run / FOLDER / FILE).exists()


def has_results(run: Path) -> bool:
    """Whether a candidate was trained."""
    return is_begun(run) and bool(_read(run).results)


def remove(run: Path) -> None:
    """Delete the folder of a race, if there was one."""
    if is_begun(run):
        shutil.rmtree(run / FOLDER, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Winner:
    """`settings`: for the run. `folder`: finished trials with these settings, if there are any."""

    settings: Settings
    folder: Path | None


class Race:
    """Races candidates within the time of a run.

    Args:
        asked: the settings of the user, before `auto` chose.
        chosen: the choice of `auto`.
        seen: the look at the texts.
        run: the folder of the run, in which `begin` was called.
        trials: measures candidates.
        listener: gets what is raced and the results.
    """

    def __init__(
        self,
        asked: Settings,
        chosen: Settings,
        seen: Look,
        run: Path,
        trials: CandidateTrials,
        listener: Listener,
    ) -> None:
        self.asked, self.chosen, self.seen, self.run = asked, chosen, seen, run
        self.trials, self.listener = trials, listener
        self.clock: Clock = trials.clock
        self.state = _read(run)
        self.clock.add_before(self.state.seconds)
        self.settings: dict[Candidate, Settings] = {}
        self.speeds: dict[tuple[str | None, float], float] = {}
        self.updates = 1
        self.first = self.champion = first_candidate(chosen)

    def run_to_end(self) -> Winner:
        """Race until the rest of the time is needed for the last training.

        Raises:
            TrainingError: the first candidate failed, or the texts changed.
            Interrupted: by a signal; finished trials are kept.
        """
        self.listener.on_note(
            f"race: within {self.state.minutes:g} minutes other settings are compared with the "
            "choice of auto, and the best are kept. The clock decides how many, so a second call "
            "may choose others."
        )
        if not self.state.results:
            fraction = self._affordable_fraction()
            if fraction < 1:
                return Winner(self._shortened(fraction), None)
        best = self._measured(self.champion, 1.0)
        assert best
        tried, number = {self.first}, 0
        while rivals := self._rivals(tried, number):
            best = self._race_round(rivals, best)
            tried |= set(rivals)
            number += 1
        self._report()
        return Winner(self._settings(self.champion), self._folder(self.champion, 1.0))

    @property
    def left(self) -> float:
        """Seconds that are left for trainings."""
        end = 60 * self.state.minutes - _RESERVE - _WIDE_PATHS * self.state.wide_seconds
        return end - self.clock.seconds

    def _seconds(self, candidate: Candidate) -> float:
        """Seconds of one training with all updates."""
        network = candidate.start, candidate.size
        own = self.speeds[self.first.start, 1.0]
        return self._updates(candidate) * self.speeds.get(network, _SLOWER * own)

    def _seconds_of_trials(self, candidate: Candidate) -> float:
        return max(1, self._settings(candidate).training.trials) * self._seconds(candidate)

    def _seconds_of_last(self, candidate: Candidate) -> float:
        """Without trials, the training that was raced is the last one."""
        return self._seconds(candidate) if self._settings(candidate).training.trials else 0.0

    def _affordable_fraction(self) -> float:
        """The fraction of updates for which the first candidate and its last training have time."""
        speed = self.trials.probe(self.chosen, self.run / FOLDER / "probe")
        self.updates, self.state.wide_seconds = speed.updates, speed.wide_seconds
        self.speeds[self.first.start, 1.0] = speed.seconds
        needed = self._seconds_of_trials(self.first) + self._seconds_of_last(self.first)
        return max(_LEAST_FRACTION, self.left / needed)

    def _shortened(self, fraction: float) -> Settings:
        given = LENGTHS & set(self.chosen.training.given)
        if given:
            self.listener.on_note(
                f"race: no time to compare. {min(given)} is given, so the training takes longer."
            )
            return self.chosen
        updates = max(1, int(self.updates * fraction))
        self.listener.on_note(
            f"race: no time to compare. The training makes {updates:,} updates instead of "
            f"{self.updates:,}."
        )
        return self.chosen.updated({"training.max_steps": updates})

    def _fits(self, candidate: Candidate, fraction: float) -> bool:
        """Whether a training ends early enough for the last training of the slower candidate."""
        last = max(self._seconds_of_last(each) for each in (candidate, self.champion))
        return fraction * self._seconds_of_trials(candidate) + last <= self.left

    def _rivals(self, tried: set[Candidate], number: int) -> list[Candidate]:
        """The challengers of a round: as many as the time allows, or as an earlier process chose.

        Each of the halvings takes as long as one whole candidate.
        """
        rivals = challengers(self.champion, self.asked, self.seen, tried)
        if number < len(self.state.rounds):
            by_name = {describe(each, self.first): each for each in rivals}
            return [by_name[name] for name in self.state.rounds[number]]
        rivals = [each for each in rivals if self._fits(each, 1.0)]
        count = min(_MOST_CHALLENGERS, 1 << len(rivals).bit_length() >> 1)
        while count and not self._round_fits(rivals[:count]):
            count //= 2
        if count:
            names = [describe(each, self.first) for each in rivals[:count]]
            self.listener.on_note(f"race: round {number + 1}: {'; '.join(names)}")
            self.state.rounds.append(names)
            self._save()
        return rivals[:count]

    def _round_fits(self, rivals: list[Candidate]) -> bool:
        mean = sum(map(self._seconds_of_trials, rivals)) / len(rivals)
        last = max(map(self._seconds_of_last, [*rivals, self.champion]))
        return len(rivals).bit_length() * mean + last <= self.left

    def _race_round(self, rivals: list[Candidate], best: Outcome) -> Outcome:
        """Halve the challengers; the last one may become the champion. Returns its outcome."""
        count = len(rivals)
        for left in (count >> halving for halving in range(count.bit_length())):
            outcomes = {rival: self._measured(rival, 1 / left) for rival in rivals[:left]}
            ended = {rival: outcome for rival, outcome in outcomes.items() if outcome}
            rivals = sorted(ended, key=lambda rival: ended[rival].log_loss)
            if left == 1 and rivals and ended[rivals[0]].is_better_than(best):
                self.champion, best = rivals[0], ended[rivals[0]]
        return best

    def _measured(self, candidate: Candidate, fraction: float) -> Outcome | None:
        """The outcome after a fraction of the updates; None if there is no time, or it failed."""
        name = describe(candidate, self.first)
        row = self.state.row(name, fraction)
        if (row and row["log_loss"] is None) or not (
            row or candidate == self.first or self._fits(candidate, fraction)
        ):
            return None
        settings, before = self._settings(candidate), self.clock.seconds
        updates = max(1, round(fraction * self._updates(candidate)))
        if fraction < 1:
            settings = settings.updated({"training.max_steps": updates})
        outcome = None
        try:
            outcome = self.trials.measure(settings, self._folder(candidate, fraction))
        except TrainingError:
            if candidate == self.first:
                raise
        if not row:
            row = {"candidate": name, "fraction": fraction, "updates": updates}
            row["log_loss"] = outcome and round(outcome.log_loss, 5)
            row["accuracy"] = outcome and round(outcome.accuracy, 5)
            row["seconds"] = round(self.clock.seconds - before, 2)
            self.state.results.append(row)
            self._save()
        if outcome:
            made = max(1, settings.training.trials) * row["updates"]
            self.speeds[candidate.start, candidate.size] = row["seconds"] / made
            if candidate == self.first:
                self.updates = row["updates"]
        return outcome

    def _settings(self, candidate: Candidate) -> Settings:
        if candidate not in self.settings:
            self.settings[candidate] = settings_of(candidate, self.asked, self.seen)
        return self.settings[candidate]

    def _updates(self, candidate: Candidate) -> int:
        """The updates of a whole training. If the user gave a length, all have it."""
        if LENGTHS & set(self.asked.training.given):
            return self.updates
        return self._settings(candidate).training.max_steps

    def _folder(self, candidate: Candidate, fraction: float) -> Path:
        start = Path(candidate.start).name if candidate.start else "nothing"
        factors = [f"{value:g}" for value in list(asdict(candidate).values())[1:]]
        return self.run / FOLDER / "-".join([start, *factors]) / f"{fraction:g}"

    def _save(self) -> None:
        self.state.seconds = round(self.clock.seconds, 2)
        _write(self.run, self.state)

    def _report(self) -> None:
        """Report each candidate in a line, the longest training first; then the winner."""
        last = {row["candidate"]: row for row in self.state.results if row["log_loss"] is not None}
        rows = sorted(last.values(), key=lambda row: (-row["fraction"], row["log_loss"]))
        width = max(len("candidate"), *(len(row["candidate"]) for row in rows))
        note = self.listener.on_note
        note(f"race: {'candidate':{width}}  updates  trained  log-loss  accuracy  seconds")
        for row in rows:
            note(
                f"race: {row['candidate']:{width}}  {row['updates']:7,}  {row['fraction']:7.0%}  "
                f"{row['log_loss']:8.4f}  {row['accuracy']:8.4f}  {row['seconds']:7.0f}"
            )
        name = describe(self.champion, self.first)
        if self.champion != self.first:
            note(f"race: {name} is the best, and is kept")
        elif self.state.rounds:
            note(f"race: {name} is kept: no other is better by more than one standard error")
        else:
            note(f"race: {name} is kept: there was no time for others; give more minutes")


def _write(run: Path, state: State) -> None:
    write_atomically(run / FOLDER / FILE, as_json(asdict(state)))


def _read(run: Path) -> State:
    path = run / FOLDER / FILE
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"Expected the state of a race in {path}, found it damaged ({error!r}): start a new "
            "run with another --out."
        ) from error
