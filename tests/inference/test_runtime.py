"""What every runtime shares: batches in several threads, long texts in pieces."""

import time
from threading import Event

import numpy as np
import pytest

from sentiment_lstm.inference.runtime import PIECE, Runtime
from sentiment_lstm.records import Encoded


class SlowRuntime(Runtime[int]):
    """Counts the pieces it reads. A piece takes 10 ms; the text of unknown tokens fails."""

    carries = True
    threads = 2

    def __init__(self) -> None:
        self.pieces = 0
        self.has_begun = Event()

    def read(self, ids, lengths, state=None, features=None):
        if len(ids) == 1 and ids[0, 0] == 0:
            raise ValueError("a damaged text")
        self.pieces += 1
        self.has_begun.set()
        time.sleep(0.01)
        return np.full(len(ids), lengths[0], dtype=np.float32), (state or 0) + 1

    def first_hidden(self, state):
        return np.zeros(1, dtype=np.float32)


def text(pieces: int, token: int = 2) -> Encoded:
    return Encoded(np.full(pieces * PIECE, token, dtype=np.int32))


def test_an_early_end_does_not_wait_for_long_texts():
    runtime = SlowRuntime()
    logits = runtime.score_all([[text(1)], [text(2_000)], [text(2_000)]])
    next(logits)
    assert runtime.has_begun.wait(5)
    logits.close()
    assert runtime.pieces < 500


def test_an_error_does_not_wait_for_long_texts():
    runtime = SlowRuntime()
    with pytest.raises(ValueError, match="a damaged text"):
        list(runtime.score_all([[text(1, token=0)], [text(2_000)]]))
    assert runtime.pieces < 500


def test_long_texts_are_read_to_their_end():
    runtime = SlowRuntime()
    assert len(list(runtime.score_all([[text(3)], [text(2)]]))) == 2
    assert runtime.pieces == 5
