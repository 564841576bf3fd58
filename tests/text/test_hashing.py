import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_lstm.text.hashing import HashIndex, hash_parts

PAIR = 0x9E3779B1
letters = st.text(
    st.one_of(st.sampled_from("abé漢\u0301😀!'ب"), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=8,
)


def word_hash(word: str) -> int:
    return zlib.crc32(word.encode(), 1) % 2**31


def ngram_hash(gram: str) -> int:
    return zlib.crc32(gram.encode()) | 2**31


def ngrams(word: str) -> list[str]:
    """The n-grams of a word, one by one."""
    if not word[:1].isalnum():
        return []
    marked = f"<{word[:500]}>"
    return [marked[i : i + n] for n in (2, 3, 4, 5) for i in range(len(marked) - n + 1)]


def by_hand(words: list[str]) -> list[int]:
    """The features of a part, one by one."""
    hashes = [word_hash(word) for word in words]
    pairs = [(a * PAIR + b) % 2**31 for a, b in pairwise(hashes)]
    return hashes + pairs + [ngram_hash(g) for word in words for g in ngrams(word)]


def test_the_features_of_a_short_word():
    grams = ["<n", "no", "o>", "<no", "no>", "<no>"]
    expected = [word_hash("no"), *map(ngram_hash, grams)]
    hashed = hash_parts([["no"]])
    assert sorted(hashed.hashes.tolist()) == sorted(expected)
    assert hashed.heads.tolist() == [(7, 1, expected[0], expected[0])]
    assert word_hash("no") != ngram_hash("no"), "the n-gram"


def test_marks_have_no_ngrams():
    assert hash_parts([["!"], ["😀"]]).hashes.tolist() == [word_hash("!"), word_hash("😀")]


def test_nothing_has_no_features():
    assert hash_parts([]).heads.tolist() == []
    hashed = hash_parts([[], []])
    assert hashed.heads.tolist() == [(0, 0, 0, 0)] * 2
    assert hashed.hashes.tolist() == []


@given(st.lists(st.lists(letters, max_size=4), max_size=6))
@example([["don't", "go"], [], ["漢字", "!", "e\u0301te\u0301"], ["a"]])
@example([["\U0010ffff\u07ff\uffff"]])
def test_hashes_are_those_of_single_features(parts):
    hashed = hash_parts(parts)
    ends = hashed.heads["count"].cumsum()
    for words, head, hashes in zip(
        parts, hashed.heads.tolist(), np.split(hashed.hashes, ends), strict=False
    ):
        assert sorted(hashes.tolist()) == sorted(by_hand(words))
        expected = (1, word_hash(words[0]), word_hash(words[-1])) if words else (0, 0, 0)
        assert head == (len(by_hand(words)), *expected)


@pytest.mark.parametrize("letter", ["a", "漢", "😀a"])
def test_a_long_word_gives_few_ngrams(letter):
    word = "a" + letter * 1_000_000
    hashed = hash_parts([[word]])
    assert len(hashed.hashes) == 1 + 501 + 500 + 499 + 498
    assert sorted(hashed.hashes.tolist()) == sorted(by_hand([word]))


uint32 = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2**31, 2**32 - 1]))


@given(st.sets(uint32, max_size=40), st.lists(uint32, max_size=20))
@example(set(), [0, 2**32 - 1])
@example({5}, [2**32 - 1])
@example(set(range(30)), list(range(31)))
@example({2**32 - 1, 2**32 - 2}, [2**32 - 1])
def test_positions_are_those_in_the_array(stored, queries):
    hashes = sorted(stored)
    index = HashIndex(np.array(hashes, dtype=np.uint32))
    queries = [*queries, *hashes]
    expected = [hashes.index(query) if query in stored else -1 for query in queries]
    assert index.positions(np.array(queries, dtype=np.uint32)).tolist() == expected
