import pickle
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from threading import Thread

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_hashing import PAIR, by_hand, word_hash

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import features as module
from sentiment_lstm.text.cleaning import without_surrogates
from sentiment_lstm.text.features import FeatureTable, learn_features
from sentiment_lstm.text.tokenizer import TextTokenizer

CORPUS = [
    "The film wasn't bad -- 8/10 :-) <3",
    "GOOD, caf\u00e9 \U0001f600 &amp; more moving!",
    "\u6f22\u5b57 \u0645\u0631\u062d\u0628\u0627 e\u0301 a b c d . , ' bad film",
]
KINDS = ("word", "bpe")
SPECIAL = "aB1.,:)(/<>'&;!- \t\n\x1c\x85\xa0\u3000\u200b\u0301e\u03a3@#*_\u6f22\u0628\u2581"
hard = st.text(st.one_of(st.sampled_from(SPECIAL + "\U0001f600"), st.characters()))


@cache
def tokenizer(kind: str) -> TextTokenizer:
    settings = TextSettings(kind=kind, min_frequency=1, correct_slips=kind == "bpe")
    plain = TextTokenizer.learn(CORPUS, settings)
    parts = map(plain.parts, CORPUS)
    return plain.with_features(learn_features(parts, plain.words_of_parts, 10_000, min_texts=1))


def reference(kind: str, text: str) -> list[int]:
    """The features of a text without parts, caches and NumPy; sorted."""
    words = tokenizer(kind).words(without_surrogates(text))
    index = {h: i for i, h in enumerate(tokenizer(kind).hashes.tolist())}
    return sorted(index[h] for h in by_hand(words) if h in index)


def plain_words(parts):
    return [re.findall(r"\w+|[^\w\s]", part) for part in parts]


def table_of(*words: str) -> FeatureTable:
    hashes = {h for part in words for h in by_hand(part.split())}
    return FeatureTable(np.array(sorted(hashes), dtype=np.uint32), plain_words)


@pytest.mark.parametrize("kind", KINDS)
@given(text=hard)
@example(text="the film wasn't <b> bad</b>")
@example(text="a <b\nc> d <i <b> e> f<br />g")
@example(text="caf\u0065\u0301 \u6f22\u5b57\u6f22\u5b57 \U0001f600\U0001f600")
@example(text="\u0645\u0631\u062d\u0628\u0627")
@example(text="\ud800 lone\ud800bad")
@example(text="\x85bad\x85 \u2581bad \u2581")
@example(text="\u200b \u00ad")
@example(text="www.bad.de b&nbsp;c http://x.y @bad <3")
def test_features_are_those_of_the_whole_text(kind, text):
    for offsets in (False, True):
        (encoded,) = tokenizer(kind).encode([text], offsets=offsets)
        assert sorted(encoded.features.ids.tolist()) == reference(kind, text)
        assert len(encoded.features.counts) == len(encoded.ids)
        assert encoded.features.counts.sum() == len(encoded.features.ids)
        words = tokenizer(kind).words(without_surrogates(text))
        assert encoded.features.last_word == (word_hash(words[-1]) if words else None)


@pytest.mark.parametrize("kind", KINDS)
@given(parts=st.lists(hard))
@example(parts=["Bad FILM http www WWW.x.de xD A a1"])
def test_words_of_many_parts_are_those_of_each(kind, parts):
    parts = [part for text in parts for part in tokenizer(kind).parts(text)]
    assert tokenizer(kind).words_of_parts(parts) == [tokenizer(kind).words(p) for p in parts]


@pytest.mark.parametrize("kind", KINDS)
@given(texts=st.lists(hard, max_size=6))
@example(texts=["", "bad", "\u200b", "film bad", ""])
def test_a_text_has_the_same_features_in_a_batch(kind, texts):
    together = tokenizer(kind).encode(texts)
    for text, encoded in zip(texts, together, strict=True):
        (alone,) = tokenizer(kind).encode([text])
        assert encoded.features.ids.tolist() == alone.features.ids.tolist()
        assert encoded.features.counts.tolist() == alone.features.counts.tolist()
        assert encoded.features.last_word == alone.features.last_word


@pytest.mark.parametrize("kind", KINDS)
@given(pieces=st.lists(hard.map(lambda text: text.replace("<", "")), max_size=6))
@example(pieces=["the", "", "film \u200b", " \u200b ", "wasn't bad", "bad film"])
def test_pieces_have_the_features_of_the_whole_text(kind, pieces):
    """Pieces end at white space, and each is told the word before it."""
    (whole,) = tokenizer(kind).encode([" ".join(pieces)])
    last_word, ids = None, []
    for piece in pieces:
        (encoded,) = tokenizer(kind).encode([piece], last_word=last_word)
        ids += encoded.features.ids.tolist()
        last_word = encoded.features.last_word
    assert ids == whole.features.ids.tolist()
    assert last_word == whole.features.last_word


def test_features_of_a_part_belong_to_its_last_token():
    table = table_of("good film", "bad")
    (features,) = table.of([["good", "xx", "film", "bad", "film"]], np.array([2, 1, 1, 3, 1]))
    # A word of 4 letters has 1 + 5 + 4 + 3 + 2 features, "bad" has 1 + 4 + 3 + 2 + 1.
    assert features.counts.tolist() == [0, 15, 0, 15, 0, 0, 11, 15]


def test_a_pair_belongs_to_its_second_word():
    pair = (word_hash("good") * PAIR + word_hash("film")) % 2**31
    table = FeatureTable(np.array([pair], dtype=np.uint32), plain_words)
    together, apart, other = table.of([["good", "film"], ["good", "a", "film"], ["film", "good"]])
    assert (together.ids.tolist(), together.counts.tolist()) == ([0], [0, 1])
    assert apart.ids.tolist() == other.ids.tolist() == []
    (after,) = table.of([["film"]], last_word=word_hash("good"))
    assert after.ids.tolist() == [0]
    (inside,) = table.of([["good-film", "goodfilm"]])
    assert inside.ids.tolist() == []
    (inside,) = table_of("good - film").of([["good-film"]])
    assert len(inside.ids) == 15 + 1 + 15 + 2


def test_parts_without_words_do_not_separate_pairs():
    def words(parts):
        return [[] if part == "_" else [part] for part in parts]

    table = FeatureTable(table_of("good film").hashes, words)
    (plain,) = table.of([["good", "film"]])
    (marked,) = table.of([["_", "good", "_", "_", "film", "_"]], np.array([0, 1, 0, 0, 1, 0]))
    assert marked.ids.tolist() == plain.ids.tolist()
    assert marked.counts.tolist() == plain.counts.tolist() == [15, 16]
    (nothing,) = table.of([["_", "_"]], np.array([0, 0]), last_word=7)
    assert (nothing.ids.tolist(), nothing.counts.tolist(), nothing.last_word) == ([], [0], 7)


def test_texts_without_tokens_do_not_shift_the_others():
    table = table_of("good")
    texts = [[], ["good"], [], [], ["good", "x"], []]
    counts = [features.counts.tolist() for features in table.of(texts, np.array([2, 1, 1]))]
    assert counts == [[0], [0, 15], [0], [0], [15, 0], [0]]
    assert table.of([]) == []


def test_an_empty_table_finds_nothing():
    table = FeatureTable(np.zeros(0, dtype=np.uint32), plain_words)
    (features,) = table.of([["good", "film"]])
    assert (len(table), features.ids.tolist(), features.counts.tolist()) == (0, [], [0, 0])


def test_a_full_cache_starts_empty_again(monkeypatch):
    monkeypatch.setattr(module, "_MOST_CHARACTERS", 30)
    table, asked = table_of("good film", "bad"), []
    words = table._parts._words

    def counting(parts):
        asked.extend(parts)
        return words(parts)

    table._parts._words = counting
    texts = [["good", "film"], ["bad"], ["good"], ["film", "bad", "good"]]
    expected = table_of("good film", "bad").of(texts)
    for text, features in zip(texts, expected, strict=True):
        assert table.of([text])[0].ids.tolist() == features.ids.tolist()
    assert max(Counter(asked).values()) == 2


def test_threads_may_share_a_table(monkeypatch):
    monkeypatch.setattr(module, "_MOST_CHARACTERS", 200)
    words = [chr(97 + n % 26) * 3 + chr(97 + n // 26) for n in range(50)]
    texts = [[words[(n * k) % 50] for k in range(1, 9)] for n in range(50)]
    table = table_of(*words)
    expected = [table_of(*words).of([text])[0].ids.tolist() for text in texts]
    wrong = []

    def read():
        for text, ids in list(zip(texts, expected, strict=True)) * 4:
            if table.of([text])[0].ids.tolist() != ids:
                wrong.append(text)

    readers = [Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert not wrong


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_starts_with_an_empty_cache(kind):
    tokenizer(kind).encode(CORPUS)
    copy = pickle.loads(pickle.dumps(tokenizer(kind)))
    assert not copy.features._parts._known
    for text in CORPUS:
        (ours,), (theirs,) = tokenizer(kind).encode([text]), copy.encode([text])
        assert ours.features.ids.tolist() == theirs.features.ids.tolist()


@pytest.mark.parametrize(
    ("part", "times"),
    [
        ("a", 1_000_000),
        ("\u6f22", 300_000),
        ("a-", 100_000),
        ("bad ", 200_000),
        ("\U0001f600", 100_000),
    ],
)
def test_huge_texts_have_features_in_bounded_time(part, times):
    (encoded,) = tokenizer("word").encode([part * times])
    assert encoded.features.counts.sum() == len(encoded.features.ids)


def learnt(texts, most, min_texts=2):
    return learn_features([text.split() for text in texts], plain_words, most, min_texts).tolist()


def test_the_commonest_features_are_learnt():
    texts = ["bad film", "bad bad film", "a bad film", "film", "zzz", "no", "no"]
    counts = Counter(h for text in texts for h in set(by_hand(text.split())))
    # "film" and its n-grams stand in four texts, "bad" and its own in three, as "bad film".
    assert set(learnt(texts, 15)) == set(by_hand(["film"]))
    assert set(learnt(texts, 15 + 12)) == set(by_hand(["bad", "film"]))
    assert learnt(texts, 1000) == sorted(h for h, n in counts.items() if n >= 2)
    assert learnt(texts, 1000, 1) == sorted(counts)
    assert learnt([], 5) == learnt(["one", "two"], 5, 3) == []
    assert all(a < b for a, b in pairwise(learnt(texts, 9)))


@given(
    st.lists(st.lists(st.sampled_from(["a", "bc", "def", "ghij", "!"]), max_size=4), max_size=12),
    st.integers(1, 60),
)
def test_learning_in_groups_changes_nothing(texts, most):
    counts = Counter(h for text in texts for h in set(by_hand(text)))
    order = sorted(counts, key=lambda h: (-counts[h], h))
    expected = sorted(h for h in order[:most] if counts[h] >= 2)
    with pytest.MonkeyPatch.context() as patch:
        for parts, sums in ((20_000, 8_000_000), (3, 8), (1, 0)):
            patch.setattr(module, "_COUNTED_TOGETHER", parts)
            patch.setattr(module, "_MOST_COUNTS", sums)
            assert learn_features(texts, plain_words, most).tolist() == expected


@pytest.mark.parametrize("kind", KINDS)
@given(text=hard)
def test_offsets_change_neither_tokens_nor_features(kind, text):
    """Offsets come from the whole text, the rest from its parts."""
    (plain,), (encoded,) = (
        tokenizer(kind).encode([text], offsets=offsets) for offsets in (False, True)
    )
    assert encoded.ids.tolist() == plain.ids.tolist()
    assert len(encoded.features.counts) == len(encoded.ids) == len(encoded.offsets)
    assert encoded.features.counts.tolist() == plain.features.counts.tolist()
    assert encoded.features.ids.tolist() == plain.features.ids.tolist()


def test_features_without_tokens_are_the_same(monkeypatch):
    expected = [encoded.features.ids.tolist() for encoded in tokenizer("word").encode(CORPUS)]
    monkeypatch.setattr("sentiment_lstm.text.tokenizer._CHUNK", 2)
    assert [ids.tolist() for ids in tokenizer("word").feature_ids(CORPUS)] == expected
    assert list(tokenizer("word").feature_ids([])) == []


def test_features_come_and_go():
    plain = tokenizer("word").with_features(None)
    assert (plain.features, plain.hashes) == (None, None)
    assert plain.encode(["bad film"])[0].features is None
    again = plain.with_features(tokenizer("word").hashes)
    assert again.encode(["bad film"])[0].features.ids.size
