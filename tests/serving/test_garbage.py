"""Garbage collections pass over objects that stay, and replaced models are freed."""

import asyncio
import gc
import weakref

import pytest

from sentiment_lstm.serving import garbage
from sentiment_lstm.serving.garbage import freeze, freeze_again


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
    freeze()
    del node
    gc.collect()
    assert freed() is not None, "a collection does not look at it"
    asyncio.run(freeze_again())
    assert freed() is None


def test_nothing_is_frozen_in_a_program_that_did_not_ask_for_it():
    before = gc.get_freeze_count()
    asyncio.run(freeze_again())
    assert gc.get_freeze_count() == before == 0
