"""Names become tokens, and their embeddings move no score."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("faker", reason="the extra `factory` is not installed")
pytest.importorskip("gensim", reason="the extra `train` is not installed")
from factory.surgery import named
from factory.surgery.embeddings import START, embedding_of, with_words

NOUNS = ["ruth", "leeds", "welsh", "otto", "perth", "greek"]


@pytest.fixture
def whole(knowing):
    return knowing(NOUNS, named.FRAMES)


def test_first_names_are_of_many_languages_and_in_small_letters():
    names = named.first_names()
    assert {"beatrice", "kenji", "zaynab", "mustafa"} <= names
    assert all(name.islower() for name in names)


def test_a_word_that_often_stands_small_is_no_proper_noun(monkeypatch):
    sentences = ["We met Grace, and Ruth"] * 10 + ["She danced with grace"] * 5
    monkeypatch.setattr(named, "reviews", lambda: sentences)
    assert named.proper_nouns(named.word_counts()) == {"ruth": 10}


def test_words_with_one_embedding_are_not_read_apart(whole):
    row = np.ones(whole.config.model.embedding_size, dtype=np.float32)
    alike = with_words(whole, {START + noun: row for noun in NOUNS})
    assert np.array_equal(named.shifts(alike, NOUNS), np.zeros((len(NOUNS), len(named.FRAMES))))
    assert named.read_apart(alike, NOUNS, 1e-4) == []
    assert named.read_apart(whole, NOUNS, 1e-4) != []


@pytest.mark.parametrize("frames", [named.FRAMES, named.BESIDE])
def test_neutralized_words_move_the_frames_less_and_other_words_stay(whole, frames):
    after = named.neutralized(whole, NOUNS, frames)
    before, now = (np.abs(named.shifts(b, NOUNS, frames)).mean() for b in (whole, after))
    assert now < before / 2
    rows, changed = embedding_of(whole), embedding_of(after)
    nouns = {START + noun for noun in NOUNS}
    assert all(np.array_equal(rows[word], changed[word]) for word in rows.keys() - nouns)


def test_first_names_that_are_read_apart_get_the_mean_of_those_known(whole, monkeypatch):
    monkeypatch.setattr(named, "APART", 1e-6)
    after = embedding_of(named.with_first_names(whole, ["zora", "tom", "ruth", "otto"], []))
    rows = embedding_of(whole)
    assert np.allclose(after["▁zora"], (rows["▁ruth"] + rows["▁otto"]) / 2)
    assert np.array_equal(after["▁ruth"], rows["▁ruth"])


@pytest.mark.parametrize("classes", [2, 3])
def test_only_a_model_of_two_classes_has_its_names_neutralized(whole, monkeypatch, classes):
    names = ("negative", "neutral", "positive")
    output = np.tile(whole.weights["output.weight"], (3, 1)) * [[1], [2], [3]]
    three = {"output.weight": output.astype(np.float32), "output.bias": np.zeros(3, np.float32)}
    config = replace(whole.config, classes=names)
    of_three = replace(whole, config=config, weights={**whole.weights, **three})
    model = whole if classes == 2 else of_three
    counts = Counter({noun.title(): named.SELDOM for noun in NOUNS})
    monkeypatch.setattr(named, "word_counts", lambda: counts)
    monkeypatch.setattr(named, "all_texts", list)
    monkeypatch.setattr(named, "vectors_of", lambda texts, tokenizer: {})
    monkeypatch.setattr(named, "with_proper_nouns", lambda bundle, proper, vectors: bundle)
    monkeypatch.setattr(named, "first_names", lambda: {"ruth", "otto", "xenia", "axel"})
    monkeypatch.setattr(named, "PEOPLE", ["welsh", "greek"])
    monkeypatch.setattr(named, "FAR_APART", 0.0)
    rows, after = embedding_of(model), embedding_of(named.with_names(model))
    assert after.keys() - rows.keys() == {"▁xenia", "▁axel"}
    assert np.array_equal(rows["▁ruth"], after["▁ruth"]) == (classes == 3)


@pytest.mark.parametrize("far", [1e-6, 99.0])
def test_names_that_no_review_holds_are_words_if_they_are_read_far_apart(whole, monkeypatch, far):
    monkeypatch.setattr(named, "APART", 1e-6)
    monkeypatch.setattr(named, "FAR_APART", far)
    read, unread = ["zora", "tom", "ruth"], ["xenia", "axel", "otto"]
    after, rows = embedding_of(named.with_first_names(whole, read, unread)), embedding_of(whole)
    new = after.keys() - rows.keys()
    assert new == {"▁zora", "▁tom", *(["▁xenia", "▁axel"] if far < 1 else [])}
    assert all(np.array_equal(after[word], rows["▁ruth"]) for word in new)


def test_proper_nouns_that_are_named_often_and_read_apart_become_words(whole, monkeypatch):
    monkeypatch.setattr(named, "APART", 1e-6)
    rng = np.random.default_rng(3)
    vectors = {word: rng.normal(size=5).astype(np.float32) for word in embedding_of(whole)}
    vectors |= {"▁bonn": vectors["▁leeds"], "▁cork": vectors["▁otto"], "▁rare": vectors["▁ruth"]}
    proper = {"leeds": 99, "bonn": 50, "cork": 50, "rare": named.SELDOM - 1, "unmet": 50}
    after = embedding_of(named.with_proper_nouns(whole, proper, vectors))
    assert after.keys() - embedding_of(whole).keys() == {"▁bonn", "▁cork"}


def test_what_moves_kept_frames_stays(whole, monkeypatch):
    plane = np.array([[1.0, 0.5], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])

    def shifts(bundle, words, frames):
        rows = np.stack([embedding_of(bundle)[START + word] for word in words])
        return (rows - rows.mean(axis=0)) @ plane[:, : len(frames)]

    monkeypatch.setattr(named, "shifts", shifts)
    careful, careless = (
        named.neutralized(whole, NOUNS, ("{}.",), kept) for kept in (("{}/10",), ())
    )
    both = ("{}.", "{}/10")
    before, after = shifts(whole, NOUNS, both), shifts(careful, NOUNS, both)
    assert np.abs(after[:, 0]).max() < 0.05 * np.abs(before[:, 0]).max()
    np.testing.assert_allclose(after[:, 1], before[:, 1], atol=0.1)
    assert np.abs(shifts(careless, NOUNS, both) - before)[:, 1].max() > 0.2
