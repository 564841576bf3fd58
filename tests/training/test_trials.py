"""Trials leave out parts of the texts; a finished one is not repeated."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import Heard

from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.records import Example
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.trials import everything, folders_of_trials, remove_trials, run_trials


def _corpus(mixture: int = 0) -> Corpus:
    examples = [Example(f"text {n}", "ab"[n % 2], str(n)) for n in range(40)]
    more = [Example(f"more {n}", "ab"[n % 2], f"m{n}") for n in range(mixture)]
    first = 30 if mixture else None
    return Corpus(("a", "b"), examples[:30] + more, examples[30:], False, {}, None, first)


class _Score:
    """Scores each text by its id, and keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Corpus, Path]] = []

    def __call__(self, corpus: Corpus, folder: Path):
        self.calls.append((corpus, folder))
        return np.array([float(e.id) for e in corpus.validation], dtype=np.float32)


def _trials(corpus: Corpus, count: int, folder: Path, score: _Score, clock: Clock | None = None):
    return run_trials(corpus, count, 0, folder, clock or Clock(), Heard(), score)


def test_one_trial_leaves_out_the_validation_texts(tmp_path: Path):
    corpus, score = _corpus(), _Score()
    (trial,) = _trials(corpus, 1, tmp_path, score)
    assert trial.training == corpus.sample
    assert trial.held_out == corpus.validation
    assert trial.logits.tolist() == [float(n) for n in range(30, 40)]
    assert score.calls[0][1] == tmp_path / "trials" / "1"
    assert folders_of_trials(tmp_path) == [tmp_path / "trials" / "1"]
    remove_trials(tmp_path)
    assert not (tmp_path / "trials").exists()


def test_four_trials_share_all_texts(tmp_path: Path):
    corpus, score = _corpus(), _Score()
    trials = _trials(corpus, 4, tmp_path, score)
    held_out = [example.id for trial in trials for example in trial.held_out]
    assert sorted(held_out, key=int) == [str(n) for n in range(40)]
    for trial, (part, _) in zip(trials, score.calls, strict=True):
        assert part.sample == trial.training
        assert part.validation == trial.held_out
        assert not {e.id for e in trial.training} & {e.id for e in trial.held_out}
        assert len(trial.training) + len(trial.held_out) == 40
        assert trial.logits.tolist() == [float(e.id) for e in trial.held_out]


def test_texts_of_a_mixture_are_never_left_out(tmp_path: Path):
    score = _Score()
    for trial in _trials(_corpus(mixture=20), 4, tmp_path, score):
        assert not [e.id for e in trial.held_out if e.id.startswith("m")]
        assert len([e.id for e in trial.training if e.id.startswith("m")]) == 20


def test_a_finished_trial_is_not_repeated_and_its_seconds_count(tmp_path: Path):
    first = _trials(_corpus(), 4, tmp_path, _Score(), Clock(started=time.monotonic() - 100))
    (tmp_path / "trials" / "4" / "logits.safetensors").unlink()
    score, clock = _Score(), Clock()
    second = _trials(_corpus(), 4, tmp_path, score, clock)
    assert [folder.name for _, folder in score.calls] == ["4"]
    assert [t.logits.tolist() for t in first] == [t.logits.tolist() for t in second]
    assert 100 <= clock.seconds < 110
    _trials(_corpus(), 4, tmp_path, _Score(), clock)
    assert 100 <= clock.seconds < 110


@pytest.mark.parametrize("change", [{"text": "other"}, {"label": "b"}])
def test_a_trial_on_other_texts_is_not_taken_over(tmp_path: Path, change):
    corpus = _corpus()
    _trials(corpus, 1, tmp_path, _Score())
    corpus.sample[0] = replace(corpus.sample[0], **change)
    with pytest.raises(TrainingError, match=r"Expected the texts that the run .* began with"):
        _trials(corpus, 1, tmp_path, _Score())


def test_the_trials_of_few_texts_are_counted(tmp_path: Path):
    corpus, heard = _corpus(), Heard()
    corpus.sample, corpus.validation = corpus.sample[:3], []
    trials = run_trials(corpus, 4, 0, tmp_path, Clock(), heard, _Score())
    assert heard.sentences == ["trial 1 of 2", "trial 2 of 2"]
    assert len(trials) == 2


def test_a_stream_has_no_trials(tmp_path: Path):
    with pytest.raises(UsageError, match=r"set training\.trials=0, or leave --streaming out"):
        _trials(replace(_corpus(), streaming=True), 1, tmp_path, _Score())


def test_everything_trains():
    corpus = everything(_corpus())
    assert len(corpus.sample) == 40
    assert corpus.validation == []
