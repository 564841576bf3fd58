import pytest

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.familiarity import (
    KEY,
    Familiarity,
    TokenRates,
    measure_rates,
    stored_rates,
)
from sentiment_lstm.text.tokenizer import TextTokenizer

ENGLISH = [
    "The screen broke after a week and nobody answers the phone.",
    "I like the new phone, the screen is bright and the sound is clear.",
    "After a week the sound broke, and nobody answers my letters.",
    "The phone is bright and new, I like the sound after all.",
]
GERMAN = [
    "Nach einer Woche war der Bildschirm kaputt, und niemand meldet sich.",
    "Das neue Telefon gefällt mir, der Bildschirm leuchtet hell.",
    "Der Klang war nach einer Woche verschwunden, leider.",
]
CHINESE = ["手机用了两天就坏了，客服也不理人，太失望了。", "质量很好，物流也快，推荐购买！"] * 2
KINDS = pytest.mark.parametrize("kind", ["word", "bpe"])


def tokenizer_of(kind):
    return TextTokenizer.learn(ENGLISH, TextSettings(kind=kind, min_frequency=1))


def warning_about(texts, kind, known=True):
    tokenizer = tokenizer_of(kind)
    trained = measure_rates(tokenizer, ENGLISH) if known else None
    return Familiarity(kind, trained).read(texts, tokenizer.encode(texts))


def test_rates_are_fractions_of_all_tokens():
    tokenizer = TextTokenizer.learn(["a b c d"], TextSettings(min_frequency=1))
    assert measure_rates(tokenizer, ["a b zz", "", " \n", "zz"]) == TokenRates(2 / 4, 8 / 4)
    assert measure_rates(tokenizer, ["", " "]) is None


@KINDS
@pytest.mark.parametrize("texts", [GERMAN, CHINESE])
def test_another_language_gives_a_warning(kind, texts):
    assert "look unlike" in warning_about(texts, kind)


def test_the_warning_has_both_numbers():
    trained = TokenRates(0.05, 4.0)
    tokenizer = tokenizer_of("word")
    texts = ["the phone " + "zzz " * 6] * 5
    assert Familiarity("word", trained).read(texts, tokenizer.encode(texts)) == (
        "These texts look unlike those that trained the model: 75% of their words are unknown to "
        "the model, against 5% in training. They may be in another language or of another kind, "
        "and the scores may be wrong."
    )
    pieces = tokenizer_of("bpe")
    sentence = Familiarity("bpe", TokenRates(0.0, 8.0)).read(ENGLISH, pieces.encode(ENGLISH))
    assert "characters on average, against 8.0 in training" in sentence


@KINDS
@pytest.mark.parametrize("texts", [ENGLISH, ENGLISH[::-1] * 3, ["zzz"], ["", " "] * 50])
def test_no_warning_about_familiar_texts_and_about_a_few_words(kind, texts):
    assert warning_about(texts, kind) == ""


@KINDS
def test_no_warning_without_stored_rates(kind):
    assert warning_about(GERMAN, kind, known=False) == ""


@KINDS
def test_a_warning_is_given_once(kind):
    tokenizer = tokenizer_of(kind)
    familiarity = Familiarity(kind, measure_rates(tokenizer, ENGLISH))
    warnings = [familiarity.read(GERMAN, tokenizer.encode(GERMAN)) for _ in range(3)]
    assert [bool(warning) for warning in warnings] == [True, False, False]


@KINDS
def test_another_thread_may_warn_meanwhile(kind, monkeypatch):
    tokenizer = tokenizer_of(kind)
    familiarity = Familiarity(kind, measure_rates(tokenizer, ENGLISH))
    counts = type(familiarity._counts)
    add = counts.add

    def add_while_another_thread_warns(self, texts, encoded):
        add(self, texts, encoded)
        familiarity._trained = None

    monkeypatch.setattr(counts, "add", add_while_another_thread_warns)
    assert "look unlike" in familiarity.read(GERMAN, tokenizer.encode(GERMAN))


@KINDS
def test_short_texts_are_judged_together(kind):
    tokenizer = tokenizer_of(kind)
    familiarity = Familiarity(kind, measure_rates(tokenizer, ENGLISH))
    words = " ".join(GERMAN).split()
    assert any(familiarity.read([word], tokenizer.encode([word])) for word in words)


@pytest.mark.parametrize(
    "values", [None, {}, "x", {"unknown": 0.1}, {"unknown": "x", "characters_per_token": 4.0}]
)
def test_a_bundle_without_rates_has_none(values):
    assert stored_rates({KEY: values}) is None
    assert stored_rates({}) is None


def test_rates_are_read_as_they_were_stored():
    stored = {KEY: {"unknown": 0.1, "characters_per_token": 4}}
    assert stored_rates(stored) == TokenRates(0.1, 4.0)
