import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from sentiment_lstm.errors import BundleError, DataError
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.records import PAD_ID, UNKNOWN_ID
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import tokenizer as tokenizer_module
from sentiment_lstm.text.cleaning import older_normalizer
from sentiment_lstm.text.tokenizer import TextTokenizer, head_and_tail

CORPUS = [
    "The film was good, good and good!",
    "The film wasn't bad.<br />It was the best ?!",
    "bad bad acting; don't go :-(",
]
EVERY_WORD = TextSettings(min_frequency=1)
TOKENIZERS = {
    kind: TextTokenizer.learn(CORPUS, TextSettings(kind=kind, min_frequency=1))
    for kind in ("word", "bpe")
}
words = TOKENIZERS["word"]


def cut(text):
    """Return the tokens of a text, with a vocabulary learnt from the text itself."""
    learnt = TextTokenizer.learn([text], EVERY_WORD)
    return [learnt.token(int(i)) for i in learnt.encode([text])[0].ids]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It wasn't GREAT, couldn\u2019t be.", "it wasn't great , couldn't be ."),
        ("the '80's rock'n'roll 'star'", "the ' 80's rock'n'roll ' star '"),
        ("8/10, 7.5/10 or 1,000 on 10th", "8/10 , 7.5/10 or 1,000 on 10th"),
        ("Why?! No!!!! Well..... ok--fine ****", "why ?! no !!! ! well ... .. ok -- fine ****"),
        (":-) :( ;P <3 </3 ^_^ :'( =D", ":-) :( ;p <3 </3 ^_^ :'( =d"),
        ("cast: people :points ftp://x", "cast : people : points ftp : // x"),
        ("<i>so</i> well-made _great_", "so well - made _ great _"),
        ("\U0001f44d\U0001f3fd\u2764\ufe0f\U0001f600", "\U0001f44d \u2764 \U0001f600"),
        ("caf\u00e9 cafe\u0301 \u0915\u093e\u092e", "caf\u00e9 caf\u00e9 \u0915\u093e\u092e"),
        ("a\x00b\x1fc\u200dd", "a b c d"),
    ],
)  # fmt: skip
def test_texts_become_tokens(text, tokens):
    assert cut(text) == tokens.split()


def test_words_are_sorted_by_frequency_then_by_text():
    learnt = TextTokenizer.learn(["b b c a <pad>", "b C d"], TextSettings(min_frequency=1))
    assert [learnt.token(i) for i in range(len(learnt))] == ["<pad>", "<unk>", "b", "c", "a", "d"]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_order_of_texts_does_not_change_the_vocabulary(kind):
    shuffled = random.Random(0).sample(CORPUS, len(CORPUS))
    settings = TextSettings(kind=kind, min_frequency=1)
    assert TextTokenizer.learn(shuffled, settings).to_json() == TOKENIZERS[kind].to_json()


@pytest.mark.parametrize(("kind", "size"), [("word", 12), ("bpe", 60)])
def test_the_vocabulary_has_at_most_its_size(kind, size):
    settings = TextSettings(kind=kind, vocabulary=size, min_frequency=1)
    assert len(TOKENIZERS[kind]) > size
    assert len(TextTokenizer.learn(CORPUS, settings)) == size


def test_rare_words_are_left_out():
    rare = TextTokenizer.learn(["a b a b", "c d"], TextSettings(min_frequency=2))
    assert [rare.token(i) for i in range(len(rare))] == ["<pad>", "<unk>", "a", "b"]


def test_new_words_are_unknown():
    ids = words.encode(["film unseen"])[0].ids
    assert ids[0] > UNKNOWN_ID
    assert ids[1] == UNKNOWN_ID


def test_case_is_kept_on_request():
    learnt = TextTokenizer.learn(["GOOD good"], TextSettings(min_frequency=1, lowercase=False))
    assert len(learnt) == 4


def test_subwords_spell_new_words_and_mark_their_starts():
    bpe = TOKENIZERS["bpe"]
    ids = bpe.encode(["goodest \u4e2d"])[0].ids
    tokens = [bpe.token(int(i)) for i in ids]
    assert tokens[0].startswith("\u2581")
    assert "".join(tokens) == "\u2581goodest\u2581<unk>"


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("text", ["<pad>", "<unk>", "< pad >", "a <pad> b", "<PAD"])
def test_no_text_becomes_padding(kind, text):
    assert PAD_ID not in TOKENIZERS[kind].encode([text])[0].ids


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("text", ["", " \n", "<br />", "\x00\u200b"])
def test_a_text_without_tokens_is_one_unknown_token(kind, text):
    encoded = TOKENIZERS[kind].encode([text], offsets=True)[0]
    assert encoded.ids.tolist() == [UNKNOWN_ID]
    assert encoded.offsets.tolist() == [[0, 0]]
    assert TOKENIZERS[kind].encode([text])[0].ids.tolist() == [UNKNOWN_ID]


def test_offsets_point_into_the_raw_text():
    raw = "The <b>FILM</b> wasn\u2019t &quot;good&quot;\u2026"
    encoded = words.encode([raw], offsets=True)[0]
    spans = [raw[a:b] for a, b in encoded.offsets]
    assert spans == ["The", "FILM", "wasn\u2019t", ";", "good", ";", "\u2026"]
    assert encoded.ids.dtype == encoded.offsets.dtype == np.int32


MARKUP = ["<br />", "</i>", "&amp;", "&lt;", "&quot;", "film", "'", "?!"]
AWKWARD = [
    "\u2026",
    "\u0130",
    "e\u0301",
    "\u0301\u0323",
    "\u1100\u1161",
    "\u0958",
    "\ud800",
    "\x85",
]
PIECES = st.sampled_from([*MARKUP, *AWKWARD, "\U0001f600", "\u200d"])


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(text=st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join))
@example(text="\u0130\u0130&amp;lt;e\u0301\ud800")
def test_spans_are_valid_and_do_not_go_back(kind, text):
    encoded = TOKENIZERS[kind].encode([text], offsets=True)[0]
    starts, ends = encoded.offsets.T.tolist()
    assert encoded.offsets.shape == (len(encoded.ids), 2)
    assert all(0 <= a <= b <= len(text) for a, b in zip(starts, ends, strict=True))
    assert all(a <= b for a, b in pairwise(starts))
    assert all(a <= b for a, b in pairwise(ends))
    assert np.array_equal(encoded.ids, TOKENIZERS[kind].encode([text])[0].ids)


def test_ids_do_not_depend_on_other_texts():
    many = words.encode([*CORPUS, ""] * 150)
    assert len(many) == 600
    assert np.array_equal(many[402].ids, words.encode([CORPUS[2]])[0].ids)


def test_texts_are_not_truncated():
    assert len(words.encode(["good " * 50_000])[0].ids) == 50_000


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize(
    "unit", ["<", "&", "x", " ", "<a", "&amp", "\u0301", "'", "a'", "1", "1.", "!", "\ud800", "^_"]
)
def test_time_is_linear_in_hostile_text(kind, unit):
    start = time.perf_counter()
    TOKENIZERS[kind].encode([unit * (1 << 15)], offsets=True)
    assert time.perf_counter() - start < 1


def test_a_saved_tokenizer_is_loaded_unchanged(tmp_path):
    for tokenizer in TOKENIZERS.values():
        path = tmp_path / "tokenizer.json"
        path.write_text(tokenizer.to_json(), encoding="utf-8")
        loaded = TextTokenizer.load(path)
        assert loaded.to_json() == tokenizer.to_json()
        assert np.array_equal(loaded.encode(CORPUS)[1].ids, tokenizer.encode(CORPUS)[1].ids)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_file_of_an_earlier_version_keeps_its_own_cleaning(tmp_path, kind):
    state = json.loads(TOKENIZERS[kind].to_json())
    state["normalizer"] = json.loads(older_normalizer(lowercase=True).__getstate__())
    (tmp_path / "tokenizer.json").write_text(json.dumps(state), encoding="utf-8")
    loaded, text = TextTokenizer.load(tmp_path / "tokenizer.json"), "a go\u0640od film"
    ids = loaded.encode([text])[0].ids.tolist()
    assert ids == loaded.encode([text], offsets=True)[0].ids.tolist()
    assert ids != TOKENIZERS[kind].encode([text])[0].ids.tolist()


def damaged():
    """Return unusable contents of tokenizer.json."""
    good = words.to_json()
    state = json.loads(good)
    model = state["model"]
    special = {"id": 2, "content": "the", "single_word": False, "lstrip": False, "rstrip": False,
               "normalized": False, "special": True}  # fmt: skip
    cutting = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    return {
        "cut short": good[:-100],
        "empty": "",
        "another file": "{}",
        "other ids": good.replace('"<pad>": 0', '"<pad>": 5'),
        "other unknown token": json.dumps({**state, "model": {**model, "unk_token": "x"}}),
        "tokens found in raw text": json.dumps({**state, "added_tokens": [special]}),
        "truncation": json.dumps({**state, "truncation": cutting}),
    }


@pytest.mark.parametrize("case", damaged())
def test_a_damaged_file_is_refused(tmp_path, case):
    (tmp_path / "tokenizer.json").write_text(damaged()[case], encoding="utf-8")
    with pytest.raises(BundleError, match=r"Expected .* tokenizer .* found"):
        TextTokenizer.load(tmp_path / "tokenizer.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BundleError, match="Expected a tokenizer"):
        TextTokenizer.load(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("wrong", [-1, len(words)])
def test_an_unknown_id_is_refused(wrong):
    with pytest.raises(IndexError, match=f"found {wrong}"):
        words.token(wrong)


def test_errors_of_the_source_are_raised():
    def source():
        yield "good film"
        raise DataError("row 2")

    with pytest.raises(DataError, match="row 2"):
        TextTokenizer.learn(source(), TextSettings())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_encodes_without_warning():
    script = """
import os, sys
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer
t = TextTokenizer.learn(["a b", "c d"] * 50, TextSettings())
t.encode(["a b"] * 50)
child = os.fork()
if child == 0:
    ids = t.encode(["a b"] * 50)[0].ids.tolist()
    os._exit(0 if ids == [2, 3] else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = {k: v for k, v in os.environ.items() if k != "TOKENIZERS_PARALLELISM"}
    call = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]  # of every fork
    done = subprocess.run(call, capture_output=True, text=True, timeout=30, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("length", "most", "kept"),
    [
        (5, 5, [0, 1, 2, 3, 4]),
        (6, 4, [0, 1, 4, 5]),
        (6, 3, [0, 4, 5]),
        (3, 9, [0, 1, 2]),
        (4, 1, [3]),
    ],
)
def test_head_and_tail(length, most, kept):
    assert head_and_tail(np.arange(length, dtype=np.int32), most).tolist() == kept


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_an_older_cleaning_is_replaced_and_the_vocabulary_kept(kind):
    settings = TextSettings(kind=kind, min_frequency=1)
    pipeline = Tokenizer.from_str(TOKENIZERS[kind].to_json())
    pipeline.normalizer = older_normalizer(lowercase=True)
    older = TextTokenizer(pipeline)
    text = ["The be\u0640st film"]
    assert older.encode(text)[0].ids.tolist() != TOKENIZERS[kind].encode(text)[0].ids.tolist()
    assert older.cleaning_as_today(settings).to_json() == TOKENIZERS[kind].to_json()


@pytest.mark.parametrize("wide", [False, True])
def test_a_long_text_is_encoded_piece_by_piece(make_bundle, monkeypatch, wide):
    encode = make_bundle(wide=wide).tokenizer.encode
    text = "a good  film <b\nx>not</b> bad\x85 \u200b \u200b zzz good\n" * 30
    odd = ["", " ", "\u200b " * 40, "good" * 50, text, f"<a {text[:50]}"]
    whole = encode(odd)
    monkeypatch.setattr("sentiment_lstm.text.tokenizer.LONG", 7)
    for short, pieced in zip(whole, encode(odd), strict=True):
        np.testing.assert_array_equal(short.ids, pieced.ids)
        if wide:
            np.testing.assert_array_equal(short.features.ids, pieced.features.ids)
            np.testing.assert_array_equal(short.features.counts, pieced.features.counts)
            assert short.features.last_word == pieced.features.last_word


@pytest.mark.parametrize("space", ["\xa0", "\u3000", "\u2028", "\x1c", "\u2003"])
def test_a_user_name_ends_at_any_white_space(space):
    tokenizer = TextTokenizer.learn(["@me is a good film"], TextSettings(min_frequency=1))
    text = f"good @me{space} film @me{space}good"
    (with_offsets,) = tokenizer.encode([text], offsets=True)
    np.testing.assert_array_equal(with_offsets.ids, tokenizer.encode([text])[0].ids)
    assert [text[a:b] for a, b in with_offsets.offsets] == ["good", "@", "film", "@", "good"]


def test_a_signal_while_a_file_is_read_is_no_damage(tmp_path, monkeypatch):
    def interrupted(_):
        raise Interrupted(signal.SIGTERM)

    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setattr(tokenizer_module, "read_pipeline", interrupted)
    with pytest.raises(Interrupted):
        TextTokenizer.load(tmp_path / "tokenizer.json")
