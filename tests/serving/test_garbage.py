"""Objects that stay are set aside from garbage collections, and replaced models are freed."""

import asyncio
import gc
import weakref

import pytest

from sentiment_lstm.serving import garbage
from sentiment_lstm.serving.garbage import set_aside, set_aside_again


class Node:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before():
    yield
    gc.unfreeze()


def test_replaced_objects_are_freed(monkeypatch):
    monkeypatch.setattr(garbage, "_IN_USE", 0.0)
    node = Node()
    freed = weakref.ref(node)
    set_aside()
    del node
    gc.collect()
    assert freed() is not None, "a collection does not look at it"
    asyncio.run(set_aside_again())
    assert freed() is None


def test_nothing_is_set_aside_in_a_program_that_did_not_ask_for_it():
    before = gc.get_freeze_count()
    asyncio.run(set_aside_again())
    assert gc.get_freeze_count() == before == 0
