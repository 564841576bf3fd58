from collections import Counter

import pytest

from sentiment_lstm.data.splitting import in_validation, split
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example


def reviews(n=200, groups=None):
    return [
        Example(
            f"text {i}", "pos" if i % 4 else "neg", str(i), f"film {i % groups}" if groups else None
        )
        for i in range(n)
    ]


def test_split_is_stratified_and_loses_no_text():
    examples = reviews()
    training, validation = split(examples, 0.1, seed=0)
    assert Counter(r.label for r in validation) == {"pos": 15, "neg": 5}
    assert sorted(training + validation, key=lambda r: int(r.id)) == examples


def test_split_follows_seed_and_texts_not_their_order():
    examples = reviews()
    validation = {r.id for r in split(examples, 0.1, seed=3)[1]}
    assert validation == {r.id for r in split(examples[::-1], 0.1, seed=3)[1]}
    assert validation != {r.id for r in split(examples, 0.1, seed=4)[1]}


def test_split_is_the_same_on_every_machine():
    # Noted from one run. Python's own hash() would differ from run to run.
    assert [r.id for r in split(reviews(40), 0.1, seed=7)[1]] == ["0", "13", "21", "39"]


def test_groups_are_not_divided_and_labels_stay_balanced():
    training, validation = split(reviews(2000, groups=101), 0.2, seed=1)
    assert not {r.group for r in training} & {r.group for r in validation}
    counts = Counter(r.label for r in validation)
    assert 0.16 < counts["pos"] / 1500 <= 0.2
    assert 0.16 < counts["neg"] / 500 <= 0.2


def test_groups_larger_than_the_fraction_still_give_a_validation():
    training, validation = split(reviews(40, groups=2), 0.1, seed=0)
    assert {r.group for r in training} | {r.group for r in validation} == {"film 0", "film 1"}
    assert len({r.group for r in validation}) == 1


def test_one_group_cannot_be_split():
    with pytest.raises(DataError, match="two groups"):
        split(reviews(40, groups=1), 0.1, seed=0)


def test_a_streams_split_takes_its_fraction_in_whole_groups():
    examples = reviews(2000)
    chosen = [r for r in examples if in_validation(r, 0.1, seed=0)]
    assert 0.07 < len(chosen) / len(examples) < 0.13
    grouped = reviews(300, groups=10)
    sides = {(r.group, in_validation(r, 0.5, seed=0)) for r in grouped}
    assert len(sides) == 10
    assert len({side for _, side in sides}) == 2
