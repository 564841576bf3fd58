"""What `train --minutes` races: the choice of `auto`, and changes of it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sentiment_lstm.settings import Settings
from sentiment_lstm.training import automatic, candidates
from sentiment_lstm.training.automatic import START, Look
from sentiment_lstm.training.candidates import (
    DEFAULT,
    Candidate,
    challengers,
    describe,
    first_candidate,
    settings_of,
)

ENGLISH = Look(
    texts=1_000,
    classes=Counter({"a": 600, "b": 400}),
    words=20.0,
    whole_words=0.9,
    english_words=0.2,
    has_spaces=True,
    has_validation=False,
    start_has_read=False,
    streaming=False,
)
FOREIGN = replace(ENGLISH, whole_words=0.3, english_words=0.0)


def _asked(**changes: object) -> Settings:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    given = {"training.auto": True, "training.given": tuple(named), "data.source": "mine.csv"}
    return Settings().updated({**named, **given})


def _names(asked: Settings, seen: Look) -> list[str]:
    first = first_candidate(automatic.choose(asked, seen))
    return [describe(each, first) for each in challengers(first, asked, seen, {first})]


@pytest.mark.parametrize("seen", [ENGLISH, FOREIGN])
@pytest.mark.parametrize(
    "given", [{}, {"training__init": "mine"}, {"training__epochs": 3}, {"model__hidden_size": 16}]
)
def test_the_first_candidate_is_the_choice_of_auto(seen, given):
    asked = _asked(**given)
    chosen = automatic.choose(asked, seen)
    first = first_candidate(chosen)
    assert settings_of(first, asked, seen) == chosen
    assert describe(first, first) == "auto"


def test_english_texts_try_other_starts():
    assert _names(_asked(), ENGLISH) == [
        *("start default", "updates x2", "learning rate x2", "dropout x0.5"),
        *("start nothing", "updates x0.5", "learning rate x0.5", "dropout x1.3"),
    ]


def test_other_texts_try_other_sizes():
    assert _names(_asked(), FOREIGN) == [
        *("updates x2", "learning rate x2", "dropout x0.5", "hidden size x2"),
        *("updates x0.5", "learning rate x0.5", "dropout x1.3", "hidden size x0.5"),
    ]


def test_given_settings_are_not_varied():
    given = {"training__learning_rate": 0.01, "training__epochs": 3, "training__init": "mine"}
    assert _names(_asked(**given), ENGLISH) == ["dropout x0.5", "dropout x1.3"]
    dropouts = {"model__dropout": 0.1, "model__embedding_dropout": 0, "training__word_dropout": 0}
    assert _names(_asked(**given, **dropouts), ENGLISH) == []
    assert "hidden size x2" not in _names(_asked(model__hidden_size=16), FOREIGN)
    one = _asked(model__dropout=0.1)
    changed = settings_of(Candidate(str(START), dropout=0.5), one, ENGLISH)
    assert (changed.model.dropout, changed.model.embedding_dropout) == (0.1, 0.25)
    assert changed.training.given == ("model.dropout",)


def test_a_candidate_multiplies_what_auto_chooses():
    asked = _asked()
    usual = automatic.choose(asked, FOREIGN)
    changed = settings_of(Candidate(None, 2.0, 0.5, 1.3, 2.0), asked, FOREIGN)
    assert changed.training.max_steps == 2 * usual.training.max_steps
    assert changed.training.learning_rate == usual.training.learning_rate / 2
    assert changed.model.dropout == pytest.approx(0.65)
    assert changed.training.word_dropout == pytest.approx(0.325)
    assert changed.model.hidden_size == 256


def test_the_next_challengers_are_around_the_champion():
    asked = _asked()
    first = Candidate(str(START))
    champion = Candidate(str(DEFAULT), updates=2.0)
    names = [describe(each, first) for each in challengers(champion, asked, ENGLISH, {first})]
    assert "updates x2" in names
    assert "start default, updates x4" in names
    assert "start default" in names
    assert "start default, updates x2, learning rate x2" in names
    ends = Candidate(None, 4.0, 0.25, 0.5, 0.5)
    for each in challengers(ends, asked, FOREIGN, set()):
        assert (each.updates, each.rate, each.dropout, each.size) != (4.0, 0.25, 0.5, 0.5)


def test_a_start_that_has_read_the_labels_is_not_tried(monkeypatch):
    monkeypatch.setattr(candidates, "_default_has_read", lambda source: True)
    assert "start default" not in _names(_asked(), ENGLISH)
    assert "start default" in _names(_asked(), replace(ENGLISH, has_validation=True))


def test_a_package_without_the_second_start(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(candidates, "DEFAULT", tmp_path / "none")
    assert "start default" not in _names(_asked(), ENGLISH)
