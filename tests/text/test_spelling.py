import time

import pytest

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import spelling
from sentiment_lstm.text.spelling import Spelling
from sentiment_lstm.text.tokenizer import TextTokenizer

TOKENS = ["<pad>", "<unk>", "really", "loose", "lose", "horse", "house", "don't", "caf\u00e9s"]
WORDS = ["the performance was really a pathetic one", "performance really pathetic so so so"] * 9
TOKENIZERS = {
    kind: TextTokenizer.learn(WORDS, TextSettings(kind=kind, vocabulary=120, correct_slips=True))
    for kind in ("word", "bpe")
}


def meant(word):
    id_ = Spelling(TOKENS, "").meant(word)
    return None if id_ is None else TOKENS[id_]


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("realy", "really"),
        ("reallly", "really"),
        ("rellay", None),  # two slips
        ("raelly", "really"),
        ("rfeally", "really"),
        ("reallyx", None),  # the last letter is taken as typed
        ("eally", None),  # and the first
        ("lloose", "loose"),
        ("lsoe", None),  # too short
        ("hoorse", "horse"),
        ("huose", "house"),
        ("hopse", None),  # another letter is no slip
        ("hose", None),
        ("Raelly", None),
        ("don'tt", None),
        ("caffees", None),
        ("", None),
    ],
)
def test_what_was_meant(typed, word):
    assert meant(typed) == word


def test_of_two_the_more_frequent_was_meant():
    both = ["the", "stare", "scare"]
    assert [Spelling(order, "").meant("sctare") for order in (both, both[::-1])] == [1, 0]
    assert [Spelling(order, "").meant("sare") for order in (both, both[::-1])] == [None, None]
    lacking = ["the", "coating", "counting"]
    assert [Spelling(order, "").meant("couting") for order in (lacking, lacking[::-1])] == [2, 0]


def test_only_frequent_words_are_meant(monkeypatch):
    assert Spelling(TOKENS, "").meant("realy") == 2
    monkeypatch.setattr(spelling, "FREQUENT", 2)
    assert Spelling(TOKENS, "").meant("realy") is None


def tokens(tokenizer, text):
    return [tokenizer.token(id_) for id_ in tokenizer.encode([text])[0].ids.tolist()]


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("typed", ["perfromance", "Perfromance", "PERFORMNCE", "perforrmance"])
def test_a_slip_reads_as_the_word(kind, typed):
    tokenizer = TOKENIZERS[kind]
    assert tokens(tokenizer, typed) == tokens(tokenizer, "performance")
    assert len(tokens(tokenizer, typed)) == 1


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_the_span_is_what_was_typed(kind):
    text = "a <b>patehtic</b>\n perfrmance realy"
    (found,) = TOKENIZERS[kind].encode([text], offsets=True)
    spans = [text[start:end] for start, end in found.offsets.tolist()]
    assert spans == ["a", "patehtic", "perfrmance", "realy"]
    assert found.ids.tolist() == TOKENIZERS[kind].encode([text])[0].ids.tolist()


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_without_the_setting_a_slip_stays(kind):
    plain = TextTokenizer.learn(WORDS, TextSettings(kind=kind, vocabulary=120))
    assert tokens(plain, "perfromance") != tokens(plain, "performance")
    both = TOKENIZERS[kind].encode(WORDS), plain.encode(WORDS)
    assert [e.ids.tolist() for e in both[0]] == [e.ids.tolist() for e in both[1]]


def test_a_long_word_takes_no_longer():
    start = time.perf_counter()
    TOKENIZERS["word"].encode(["x" * 100_000 + " perfromance"])
    assert time.perf_counter() - start < 1
