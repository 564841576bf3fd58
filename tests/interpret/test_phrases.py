import re

import numpy as np
import pytest

from sentiment_lstm.interpret.function_words import is_function_word, pass_to_content_words
from sentiment_lstm.interpret.phrases import phrases_of
from sentiment_lstm.interpret.words import clauses_of, sentences_of


def spans(text):
    return [match.span() for match in re.finditer(r"[\w']+|[^\w\s<>]+", text)]


def words(text):
    return [text[start:end] for start, end in spans(text)]


def phrases(text, values=None):
    """The phrases of a text; all words speak for one side if no values are given."""
    numbers = np.ones(len(words(text))) if values is None else np.array(values)
    cut = phrases_of(words(text), clauses_of(text, spans(text)), numbers)
    assert sum(phrase.attribution for phrase in cut) == pytest.approx(numbers.sum())
    return [" ".join(words(text)[index] for index in phrase.words) for phrase in cut]


def test_a_person_would_cut_it_like_this():
    assert phrases("It was not bad at all.") == ["not bad at all"]
    assert phrases("The plot was thin, but I ended up loving every minute of it.") == [
        "plot was thin",
        "but I ended up loving",
        "every minute of it",
    ]
    assert phrases("My kids loved it; I fell asleep.") == ["kids loved it", "fell asleep"]
    assert phrases("Don't waste your money") == ["Don't waste your money"]


def test_words_of_two_sides_are_apart():
    text = "terrible story great songs"
    assert phrases(text, [-1, -0.5, 1, 0.5]) == ["terrible story", "great songs"]
    assert phrases(text, [1, 0.5, 1, 0.5]) == [text]


def test_a_comma_counts_with_the_phrase_after_it():
    text = "The plot was thin, but I loved it."
    values = np.arange(len(words(text)), dtype=float)
    cut = phrases_of(words(text), clauses_of(text, spans(text)), values)
    assert [phrase.attribution for phrase in cut] == [0 + 1 + 2 + 3, 4 + 5 + 6 + 7 + 8 + 9]


@pytest.mark.parametrize("text", ["", ".", "the of and", "... !", "a " * 50, "film " * 50])
def test_any_text_is_cut_completely(text):
    assert len(phrases(text)) <= len(words(text))
    assert all(len(phrase.split()) <= 7 for phrase in phrases(text)) or "a a a" in text


def test_clauses_and_sentences():
    text = "Good film, they say. I saw it and left\nBad (very bad) one"
    parts = {
        cut: [" ".join(words(text)[i] for i in part) for part in cut(text, spans(text))]
        for cut in (sentences_of, clauses_of)
    }
    assert parts[sentences_of][:2] == ["Good film , they say .", "I saw it and left"]
    assert parts[clauses_of][:4] == ["Good film ,", "they say .", "I saw it", "and left"]
    assert parts[clauses_of][4:] == ["Bad (", "very bad )", "one"]


def test_a_hyphen_cuts_no_clause_but_a_dash_does():
    text = "a well-made film - they say"
    assert clauses_of(text, spans(text)) == [range(6), range(6, 8)]
    assert clauses_of("- one", spans("- one")) == [range(2)]


def test_every_word_is_in_one_part():
    text = "x, y . . z but"
    for cut in (sentences_of, clauses_of):
        assert [i for part in cut(text, spans(text)) for i in part] == list(range(7))
        assert cut("", []) == []


@pytest.mark.parametrize(
    "word", ["the", "And", ",", "It's", "they\u2019re", "was", "'ve", "", "\u2026"]
)
def test_function_words(word):
    assert is_function_word(word)


@pytest.mark.parametrize("word", ["not", "but", "never", "don't", "although", "film", "very", "5"])
def test_negations_and_contrasts_are_no_function_words(word):
    assert not is_function_word(word)


def test_attributions_of_function_words_count_with_content_words():
    names = words("the film was good , of it")
    values = pass_to_content_words(np.array([1.0, 0, 0.5, 0, 0.5, 1, 1]), names, [range(7)])
    np.testing.assert_allclose(values, [0, 1, 0, 3, 0, 0, 0])
    assert pass_to_content_words(np.ones(2), ["it", "was"], [range(2)]).tolist() == [1, 1]
    whole = pass_to_content_words(np.array([1.0, 2]), ["it", "shines"], [range(1), range(1, 2)])
    assert whole.tolist() == [1, 2]


def test_function_words_of_a_long_text_keep_a_part():
    values = pass_to_content_words(np.ones(60), ["the", "film"] * 30, [range(60)])
    np.testing.assert_allclose(values, [0.6, 1.4] * 30)


def test_the_attribution_of_a_comma_counts_with_the_next_clause():
    names = words("It dragged, but I loved it.")
    values = pass_to_content_words(np.arange(8.0), names, [range(3), range(3, 8)])
    np.testing.assert_allclose(values, [0, 1, 0, 2 + 3, 0, 4 + 5 + 6 + 7, 0, 0])
