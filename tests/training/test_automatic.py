"""Preset `auto`: a look at the texts chooses the settings that were not given."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.settings import DataSettings, Settings
from sentiment_lstm.training import automatic
from sentiment_lstm.training.automatic import START, Look, choose, explain, look

SMALL = Look(
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
FOREIGN = replace(SMALL, whole_words=0.3, english_words=0.0)


def _given(**changes: object) -> Settings:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    given = {"training.auto": True, "training.given": tuple(named)}
    return Settings().updated({**named, **given})


def _seen(path: Path, lines: list[str]) -> Look:
    path.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    data = DataSettings(source=str(path))
    return look(load_corpus(data, 0, SetAside(None)), data)


def test_a_look_counts_texts_classes_and_words(tmp_path: Path):
    lines = [f"A good film number {n}!,{'ab'[n % 4 == 0]}" for n in range(40)]
    seen = _seen(tmp_path / "texts.csv", lines)
    assert seen.texts == 40
    assert seen.classes == {"a": 30, "b": 10}
    assert seen.words == 6
    assert seen.has_spaces
    assert (seen.has_validation, seen.streaming) == (False, False)
    assert seen.is_english


def test_a_look_knows_other_languages_and_texts_without_spaces(tmp_path: Path):
    german = ["Die Lieferung verz\u00f6gerte sich, Kundenbetreuung \u00fcberfordert {}", "gut"]
    lines = [f'"{german[0].format(n)}",{"ab"[n % 2]}' for n in range(20)]
    assert not _seen(tmp_path / "german.csv", lines).is_english
    chinese = "\u8fd9\u90e8\u7535\u5f71\u975e\u5e38\u597d\u770b" * 4
    lines = [f"{chinese}{n},{'ab'[n % 2]}" for n in range(20)]
    assert not _seen(tmp_path / "chinese.csv", lines).has_spaces


def test_a_look_needs_no_words_and_no_start(tmp_path: Path, monkeypatch):
    lines = [f"https://example.org/{n},{'ab'[n % 2]}" for n in range(20)]
    seen = _seen(tmp_path / "links.csv", lines)
    assert choose(_given(), seen).training.max_steps >= 1
    monkeypatch.setattr(automatic, "START", tmp_path / "none")
    seen = _seen(tmp_path / "links.csv", lines)
    assert seen.whole_words == 0
    assert choose(_given(), seen).training.init is None


def test_labels_that_the_start_has_read_cannot_calibrate():
    read = replace(SMALL, start_has_read=True)
    assert choose(_given(), read).training.init is None
    assert choose(_given(), replace(read, has_validation=True)).training.init == str(START)


def test_texts_in_the_language_of_the_start_begin_with_it():
    chosen = choose(_given(), SMALL)
    assert chosen.training.init == str(START)
    assert chosen.training.auto is False
    assert chosen.model.wide_features > 0
    foreign = choose(_given(), FOREIGN)
    assert foreign.training.init is None
    assert foreign.text.kind == "word"
    assert choose(_given(), replace(FOREIGN, has_spaces=False)).text.kind == "bpe"


def test_many_classes_have_a_smaller_wide_path():
    many = replace(SMALL, classes=Counter({str(n): 10 for n in range(100)}))
    chosen = choose(_given(), many)
    assert 0 < chosen.model.wide_features < choose(_given(), SMALL).model.wide_features


def test_the_number_of_trials_follows_the_texts():
    def trials(**changes) -> int:
        return choose(_given(), replace(SMALL, **changes)).training.trials

    assert trials() == 4
    assert trials(texts=5_000) == 1
    assert trials(texts=100_000) == 0
    assert trials(words=300.0, texts=25_000) == 0
    assert trials(has_validation=True) == trials(streaming=True) == 0


@pytest.mark.parametrize("seen", [SMALL, FOREIGN])
def test_given_settings_win(seen):
    given = {
        "model.dropout": 0.11,
        "model.wide_features": 0,
        "text.max_tokens": 77,
        "training.learning_rate": 0.5,
        "training.trials": 2,
        "training.max_steps": 9,
        "training.keep": "best",
    }
    chosen = choose(Settings().updated({**given, "training.given": tuple(given)}), seen)
    values = chosen.to_dict()
    for name, value in given.items():
        section, _, key = name.partition(".")
        assert values[section][key] == value  # type: ignore[index]


def test_a_given_network_starts_from_nothing():
    for changes in ({"model__hidden_size": 16}, {"text__kind": "word"}, {"training__init": None}):
        chosen = choose(_given(**changes), SMALL)
        assert chosen.training.init is None
        assert f"{next(iter(changes)).replace('__', '.')} is given" in explain(chosen, SMALL)[1]
    assert choose(_given(training__init="mine"), FOREIGN).training.init == "mine"


def test_no_limit_of_updates_gives_as_many_passes_as_planned():
    planned = choose(_given(), SMALL).training
    chosen = choose(_given(training__max_steps=0), SMALL).training
    passes = planned.max_steps * planned.batch_texts / SMALL.texts
    assert passes <= chosen.epochs < passes + 1
    assert chosen.max_steps == 0
    given = choose(_given(training__max_steps=0, training__epochs=7), SMALL).training
    assert (given.epochs, given.max_steps) == (7, 0)


def test_given_epochs_are_not_cut_short():
    chosen = choose(_given(training__epochs=50), SMALL)
    assert (chosen.training.epochs, chosen.training.max_steps) == (50, 0)
    assert "50 passes over the texts" in explain(chosen, SMALL)[3]
    both = choose(_given(training__epochs=50, training__max_steps=7), SMALL)
    assert both.training.max_steps == 7


def test_updates_are_counted_in_the_given_batches():
    usual = choose(_given(), SMALL).training
    small = choose(_given(training__batch_texts=8), SMALL).training
    assert small.max_steps == pytest.approx(4 * usual.max_steps, rel=0.01)
    by_tokens = _given(training__batch_texts=0, training__batch_tokens=1_280)
    chosen = choose(by_tokens, SMALL)
    assert chosen.training.max_steps == pytest.approx(usual.max_steps / 2, rel=0.01)
    assert "updates of 1,280 tokens" in explain(chosen, SMALL)[3]


def test_fewer_tokens_a_batch_mean_more_updates():
    usual = choose(_given(), SMALL).training
    few = choose(_given(training__batch_tokens=int(8 * SMALL.words)), SMALL)
    assert few.training.max_steps == pytest.approx(4 * usual.max_steps, rel=0.01)
    assert explain(few, SMALL)[3].endswith(explain(choose(_given(), SMALL), SMALL)[3][-20:])


def test_early_stopping_keeps_validation_texts():
    assert choose(_given(training__patience=2), SMALL).training.trials == 0
    assert choose(_given(training__keep="best"), SMALL).training.trials == 0
    assert choose(_given(training__patience=0), SMALL).training.trials == 4
    assert choose(_given(training__patience=2, training__trials=1), SMALL).training.trials == 1


def test_the_explanation_says_what_was_chosen():
    lines = explain(choose(_given(), SMALL), SMALL)
    assert all(line.startswith("auto: ") for line in lines)
    assert "1,000 texts of 20 words on average, 2 classes, 60% in the largest (a)" in lines[0]
    assert "start from the model english; it knows 90% of the words" in lines[1]
    assert str(START.parent) not in "".join(lines)
    assert "4 trials calibrate" in lines[4]
    foreign = explain(choose(_given(), FOREIGN), FOREIGN)
    assert "not in English" in foreign[1]
    named = explain(choose(_given(training__init="runs/mine"), FOREIGN), FOREIGN)
    assert named[1] == "auto: start from the model mine"
    assert "no wide path" in explain(choose(_given(model__wide_features=0), SMALL), SMALL)[2]


def test_the_explanation_says_what_is_held_out():
    def held_out(**changes) -> str:
        seen = replace(SMALL, **changes)
        return explain(choose(_given(), seen), seen)[4]

    assert "one trial without the validation texts" in held_out(texts=5_000)
    assert "keep 10% of the texts" in held_out(texts=100_000)
    assert "the source's own validation texts" in held_out(has_validation=True)


@pytest.mark.parametrize("seen", [SMALL, FOREIGN])
def test_unlabelled_texts_are_for_self_training(seen: Look):
    unlabelled = _given().updated({"language.sources": ("more.csv",), "language.epochs": 3})
    chosen = choose(unlabelled, seen)
    assert (chosen.training.self_training, chosen.language.epochs) == (True, 0)
    assert "each training is repeated with the unlabelled texts" in explain(chosen, seen)[-1]
    assert not choose(_given(), seen).training.self_training
    for other in ({"multi_label": True}, {"streaming": True}):
        chosen = choose(unlabelled, replace(seen, **other))
        assert (chosen.training.self_training, chosen.language.epochs) == (False, 3)
    given = ("language.epochs",), ("training.self_training",)
    for names in given:
        kept = choose(unlabelled.updated({"training.given": names}), seen)
        assert (kept.training.self_training, kept.language.epochs) == (False, 3)


def test_a_given_length_of_texts_counts_for_the_time():
    long = replace(SMALL, texts=20_000, words=2_000.0)
    usual, longer = (choose(_given(**given), long) for given in ({}, {"text__max_tokens": 2_000}))
    assert longer.text.max_tokens == 2_000
    texts = [16_000 / 300, 16_000 / 2_000]  # of a batch, which also has at most 32
    passes = [
        c.training.max_steps * min(32, n) for c, n in zip((usual, longer), texts, strict=True)
    ]
    assert passes[1] < passes[0] / 5
