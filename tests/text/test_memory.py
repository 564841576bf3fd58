import pickle
from threading import Thread

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import memory
from sentiment_lstm.text.memory import PartMemory
from sentiment_lstm.text.tokenizer import TextTokenizer

CORPUS = ["The film wasn't bad -- 8/10 :-) <3", "GOOD, caf\u00e9 \U0001f600 &amp; more moving!"]
TOKENIZERS = {
    kind: TextTokenizer.learn(
        CORPUS, TextSettings(kind=kind, min_frequency=1, correct_slips=kind == "bpe")
    )
    for kind in ("word", "bpe")
}
hard = st.text(
    st.one_of(
        st.sampled_from("aB1.,:)(/<>'&;!- \t\n\x1c\x85\xa0\u2003\u3000\u200b\u0301e\u03a3@#*_"),
        st.characters(),
    )
)


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(text=hard)
@example(text="a <b\nc> d <i <b> e> f<br />g")
@example(text="wait\x85what no\x1dyes e \u0301\u2028x")
@example(text="5 . 5 : ) < 3 <a" + "x" * 201 + "> b&nbsp;c")
@example(text="\ud800 lone")
@example(text="moivng/mooving <b>movng</b> mo\u00advinng &amp;mvoing mo\u0301vng moviing.movng")
@example(text="http://a\x85b @\x85c www.d&lt;e &#64;f http://\u200bg @h@i x@j \xa0www.k\u2028@l")
def test_parts_give_the_ids_of_the_whole(kind, text):
    whole = TOKENIZERS[kind].encode([text], offsets=True)[0]
    assert TOKENIZERS[kind].encode([text])[0].ids.tolist() == whole.ids.tolist()


class Counted:
    """Returns letter codes as ids, and remembers the parts that it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += [part for text in texts for part in text.split()]
        letters = [[(index, c) for index, c in enumerate(text) if c != " "] for text in texts]
        return [([ord(c) for _, c in text], [index for index, _ in text]) for text in letters]


def test_each_part_is_cut_once():
    seen = PartMemory(counted := Counted())
    text_ids = seen.ids(["a bc a", "", "bc"])
    assert [ids.tolist() for ids in text_ids] == [[97, 98, 99, 97], [], [98, 99]]
    seen.ids(["a <br> bc d"])
    assert sorted(counted.asked) == ["a", "bc", "d"]


def test_a_full_memory_starts_empty_again(monkeypatch):
    monkeypatch.setattr(memory, "_MOST_CHARACTERS", 20)
    seen = PartMemory(counted := Counted())
    for text in ("abc de", "f", "abc f"):
        assert b"".join(seen.ids([text])[0].astype("u1")).decode() == text.replace(" ", "")
    assert counted.asked.count("abc") == 2


def test_a_copy_starts_empty():
    seen = TOKENIZERS["bpe"]
    seen.encode(["good film"])
    copy = pickle.loads(pickle.dumps(seen))
    assert not copy._memory._known
    assert copy.encode(["good film"])[0].ids.tolist() == seen.encode(["good film"])[0].ids.tolist()


def test_threads_may_share_a_memory(monkeypatch):
    monkeypatch.setattr(memory, "_MOST_CHARACTERS", 200)
    seen = PartMemory(Counted())
    texts = [" ".join(chr(97 + (n * k) % 26) * 3 for k in range(9)) for n in range(50)]
    wrong = []

    def read():
        for text in texts * 4:
            expected = [ord(letter) for letter in text.replace(" ", "")]
            if not np.array_equal(seen.ids([text])[0], expected):
                wrong.append(text)

    readers = [Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert not wrong
