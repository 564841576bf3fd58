"""Sentences of many languages become words, with spans in the raw text."""

import unicodedata

import numpy as np
import pytest
from small_bundles import random_bundle

from sentiment_lstm.bundle import SHIPPED, load_bundle
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.inference.streaming import stream
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import reference
from sentiment_lstm.text.cleaning import normalizer, older_normalizer
from sentiment_lstm.text.tokenizer import TextTokenizer

SENTENCES = {
    # A sentence, and its words and marks.
    "Arabic": ("هذا الفيلم رائعٌ جدًّا، لم أملّ!", "هذا الفيلم رائعٌ جدًّا ، لم أملّ !"),
    "Arabic, drawn long": ("جميــــل جدا", "جميل جدا"),
    "Persian": ("این فیلم را نمی\u200cخواهم ببینم.", "این فیلم را نمی خواهم ببینم ."),
    "Hindi": ("यह फ़िल्म बहुत अच्छी है, अंत ख़राब था।", "यह फ़िल्म बहुत अच्छी है , अंत ख़राब था ।"),
    "Hindi with joiners": ("क्\u200dया रिक्\u200cशा", "क्या रिक्शा"),
    "Sinhala": ("ශ්\u200dරී ලංකාව හොඳයි.", "ශ්රී ලංකාව හොඳයි ."),
    "Tamil": ("இந்த படம் நன்றாக இருந்தது.", "இந்த படம் நன்றாக இருந்தது ."),
    "Korean": ("이 영화는 정말 재미있었어요!", "이 영화는 정말 재미있었어요 !"),
    "Chinese": ("这部电影很好看，但是结局太差了。", "这部电影很好看 ， 但是结局太差了 。"),
    "Japanese": ("この映画は面白かったです。もう一度！", "この映画は面白かったです 。 もう一度 ！"),
    "Thai": ("หนังเรื่องนี้สนุกมาก ไม่น่าเบื่อเลย", "หนังเรื่องนี้สนุกมาก ไม่น่าเบื่อเลย"),
    "Khmer": ("ខ្សែភាពយន្ត\u200bនេះ\u200bល្អ។", "ខ្សែភាពយន្ត នេះ ល្អ ។"),
    "Hebrew": ("הסרט הזה מצוין, לא שעמם! שָׁלוֹם", "הסרט הזה מצוין , לא שעמם ! שָׁלוֹם"),
    "Turkish": ("İyi değildi, ışık güzeldi.", "iyi değildi , ışık güzeldi ."),
    "German": (
        "Die STRAẞE war groß, Fußgänger-Übergang",
        "die straße war groß , fußgänger - übergang",
    ),
    "French": ("C’était très déçu, l’œuvre.", "c'était très déçu , l'œuvre ."),
    "Vietnamese": ("Phim này không hay chút nào.", "phim này không hay chút nào ."),
    "Russian": ("Фильм отличный, всё понравилось!", "фильм отличный , всё понравилось !"),
    "Greek": ("Η ταινία ήταν ωραία.", "η ταινία ήταν ωραία ."),
    "Emoji": ("👍🏽👩\u200d👧 ❤️ 👨🏽\u200d🚀", "👍 👩\u200d👧 ❤ 👨\u200d🚀"),
}
"""A sentence of each language, and its tokens of the kind `word`, separated by spaces."""
CASES = pytest.mark.parametrize("language", SENTENCES)


def learnt_from(text, kind="word"):
    return TextTokenizer.learn([text] * 2, TextSettings(kind=kind))


def words_of(text):
    tokenizer = learnt_from(text)
    return [tokenizer.token(int(id_)) for id_ in tokenizer.encode([text])[0].ids]


def nfc(text):
    return unicodedata.normalize("NFC", text)


@CASES
def test_a_sentence_becomes_its_words(language):
    raw, words = SENTENCES[language]
    assert words_of(raw) == nfc(words).split(" ")


@CASES
def test_composed_and_decomposed_letters_are_the_same(language):
    raw, words = SENTENCES[language]
    assert words_of(unicodedata.normalize("NFD", raw)) == nfc(words).split(" ")


@CASES
def test_the_reference_agrees(language):
    raw, _ = SENTENCES[language]
    for text in (raw, unicodedata.normalize("NFD", raw)):
        fast = learnt_from(text)
        vocabulary = reference.learn([text] * 2, TextSettings())
        ids, spans = reference.encode(text, vocabulary)
        encoded = fast.encode([text], offsets=True)[0]
        assert encoded.ids.tolist() == ids
        assert encoded.offsets.tolist() == [list(span) for span in spans]


@CASES
def test_pieces_spell_the_words(language):
    raw, words = SENTENCES[language]
    bpe = learnt_from(raw, "bpe")
    pieces = [bpe.token(int(id_)) for id_ in bpe.encode([raw])[0].ids]
    assert "".join(pieces).removeprefix("\u2581").split("\u2581") == nfc(words).split(" ")


@CASES
@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_spans_cover_every_letter(language, kind):
    raw, _ = SENTENCES[language]
    covered = {
        position
        for start, end in learnt_from(raw, kind).encode([raw], offsets=True)[0].offsets.tolist()
        for position in range(start, end)
    }
    letters = {i for i, c in enumerate(raw) if unicodedata.category(c)[0] in "LN"}
    assert letters - covered <= {i for i, c in enumerate(raw) if c == "\u0640"}


@CASES
@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_a_text_read_in_pieces_scores_like_the_whole(language, kind):
    raw, _ = SENTENCES[language]
    predictor = open_predictor(random_bundle([raw] * 2, text=TextSettings(kind=kind), layers=1))
    steps = list(stream(predictor, list(raw)))
    assert [raw[step.start : step.end] for step in steps] == [step.text for step in steps]
    expected = predictor.probabilities([raw])[0]
    np.testing.assert_allclose(steps[-1].probabilities, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("name", "make"), [("default", normalizer), ("tiny", older_normalizer)])
def test_shipped_models_keep_their_cleaning(name, make):
    """`tiny` was trained before the newer cleaning."""
    tokenizer = load_bundle(SHIPPED / name).tokenizer
    expected = make(lowercase=True)
    assert tokenizer._pipeline.normalizer.__getstate__() == expected.__getstate__()
