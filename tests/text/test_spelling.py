import pytest

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import spelling
from sentiment_lstm.text.spelling import Spelling
from sentiment_lstm.text.tokenizer import TextTokenizer

TOKENS = [
    "<pad>",
    "<unk>",
    "pathetic",
    "hostess",
    "careless",
    "barely",
    "don'ttalk",
    "caf\u00e9sitter",
]
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
        ("pathtic", "pathetic"),
        ("patthetic", "pathetic"),
        ("patehtic", "pathetic"),
        ("Patehtic", "pathetic"),
        ("patehttic", None),  # two slips
        ("paxthetic", None),  # an extra letter that is not doubled
        ("patxetic", None),  # a replaced letter is not corrected
        ("pathetci", None),  # the last letter is not corrected
        ("athetic", None),  # nor is the first
        ("hostses", "hostess"),
        ("hostss", None),  # six letters
        ("barrely", "barely"),
        ("barley", None),
        ("don'tttalk", None),
        ("caf\u00e9ssitter", None),
        ("", None),
    ],
)
def test_slips_are_corrected(typed, word):
    assert meant(typed) == word


def test_the_first_of_two_corrections_is_taken():
    both = ["the", "coasting", "coatsing"]
    assert [Spelling(order, "").meant("coaasting") for order in (both, both[::-1])] == [1, 1]
    both = ["the", "carrying", "carryinng"]
    assert [Spelling(order, "").meant("carrynng") for order in (both, both[::-1])] == [2, 0]
    shared = ["the", "starving", "startving"]
    assert [Spelling(order, "").meant("starrving") for order in (shared, shared[::-1])] == [1, 1]


def test_only_frequent_words_are_corrections(monkeypatch):
    assert Spelling(TOKENS, "").meant("patehtic") == 2
    monkeypatch.setattr(spelling, "FREQUENT", 2)
    assert Spelling(TOKENS, "").meant("patehtic") is None


def test_tokens_before_the_first_start_of_a_word_are_kept():
    cut = ([2, 2, 3], [(0, 1), (1, 2), (3, 4)])
    assert Spelling(["<pad>", "<unk>", "a", "\u2581b"], "\u2581").corrected("aa b", cut) == cut


@pytest.mark.parametrize("typed", ["perfromance\u0301", "perfromanc\u00e9"])
def test_a_composed_letter_is_part_of_the_word(typed):
    for kind, tokenizer in TOKENIZERS.items():
        plain = TextTokenizer.learn(WORDS, TextSettings(kind=kind, vocabulary=120))
        assert tokens(tokenizer, typed) == tokens(plain, typed)


def tokens(tokenizer, text):
    return [tokenizer.token(id_) for id_ in tokenizer.encode([text])[0].ids.tolist()]


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("typed", ["perfromance", "Perfromance", "PERFORMNCE", "perforrmance"])
def test_a_slip_has_the_ids_of_its_correction(kind, typed):
    tokenizer = TOKENIZERS[kind]
    assert tokens(tokenizer, typed) == tokens(tokenizer, "performance")
    assert len(tokens(tokenizer, typed)) == 1


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_spans_cover_the_typed_text(kind):
    text = "a <b>patehtic</b>\n perfrmance one"
    (encoded,) = TOKENIZERS[kind].encode([text], offsets=True)
    spans = [text[start:end] for start, end in encoded.offsets.tolist()]
    assert spans == ["a", "patehtic", "perfrmance", "one"]
    assert encoded.ids.tolist() == TOKENIZERS[kind].encode([text])[0].ids.tolist()


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_slips_stay_without_the_setting(kind):
    plain = TextTokenizer.learn(WORDS, TextSettings(kind=kind, vocabulary=120))
    assert tokens(plain, "perfromance") != tokens(plain, "performance")
    both = TOKENIZERS[kind].encode(WORDS), plain.encode(WORDS)
    assert [e.ids.tolist() for e in both[0]] == [e.ids.tolist() for e in both[1]]
