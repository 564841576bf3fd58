import time

import pytest

from sentiment_lstm.text.identifiers import learnable, without_identifiers


@pytest.mark.parametrize(
    "identifier",
    [
        "ann.smith@mail.org", "names@mail", "<ann@mail.org>,", "DE89-3704-0044", "12/07/1980",
        "konto:4711", "user\uff17", "\u0664\u0662", "http://a/b", "www.ann", "WWW.ann",
        "ann.smith.org", "@ann",
        "ann\uff20mail", "ann&commat;mail", "ann&#64;mail",
    ],
)  # fmt: skip
def test_words_with_digits_and_addresses_are_removed(identifier):
    assert without_identifiers(f"the {identifier} end").split() == ["the", "end"]


def test_other_words_stay():
    text = "It wasn't bad... really, Mr. Smith! Rock'n'roll & more"
    assert without_identifiers(text) == text


def test_in_scripts_without_spaces_only_the_number_is_removed():
    assert without_identifiers("電話は090-1234です。").split() == ["電話は", "です。"]


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "." * 1_000_000, "&" * 1_000_000, "w." * 500_000]
)
def test_long_words_take_linear_time(text):
    start = time.process_time()
    without_identifiers(text)
    assert time.process_time() - start < 2


def test_texts_are_unchanged_unless_private():
    assert list(learnable(["a 1"], private=False)) == ["a 1"]
    assert list(learnable(["a 1"], private=True)) == ["a  "]
