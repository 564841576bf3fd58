import random
from collections import Counter

import pytest

from sentiment_lstm.data.splitting import folds, in_validation, split
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


def _texts(labels: str, groups: str | None = None) -> list[Example]:
    """One text for each letter of `labels`."""
    return [
        Example(f"text {n}", label, str(n), groups[n] if groups else None)
        for n, label in enumerate(labels)
    ]


def test_folds_are_disjoint_hold_all_texts_and_repeat():
    examples = _texts("ab" * 50 + "c" * 9)
    parts = folds(examples, 4, seed=3)
    ids = [example.id for part in parts for example in part]
    assert sorted(ids) == sorted(example.id for example in examples)
    assert [len(part) for part in parts] == pytest.approx([27.25] * 4, abs=2)
    for part in parts:
        counts = Counter(str(example.label) for example in part)
        assert all(
            abs(counts[label] - n) < 1 for label, n in {"a": 12.5, "b": 12.5, "c": 2.25}.items()
        )
    assert parts == folds(examples, 4, seed=3)
    shuffled = random.Random(0).sample(examples, len(examples))
    assert [{e.id for e in part} for part in folds(shuffled, 4, seed=3)] == [
        {e.id for e in part} for part in parts
    ]
    assert parts != folds(examples, 4, seed=4)


def test_folds_keep_groups_together():
    rng = random.Random(1)
    examples = _texts("ab" * 60, "".join(rng.choices("klmnopqrst", k=120)))
    parts = folds(examples, 4, seed=0)
    groups = [{example.group for example in part} for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 10


@pytest.mark.parametrize("labels", ["aab", "aabb", "aaabb", "aaaab", "aabbc", "aaaabbbbcd"])
@pytest.mark.parametrize("seed", range(5))
def test_few_texts_make_fewer_folds_and_every_training_has_every_label(labels, seed):
    examples = _texts(labels)
    parts = folds(examples, 4, seed)
    assert 2 <= len(parts) <= 4
    held_out = [example.id for part in parts for example in part]
    alone = {e.id for e in examples if labels.count(str(e.label)) == 1}
    assert sorted(held_out) == sorted({e.id for e in examples} - alone)
    for part in parts:
        assert {e.label for e in examples if e not in part} == set(labels)


@pytest.mark.parametrize("seed", range(5))
def test_a_group_with_all_texts_of_a_label_is_in_no_fold(seed):
    examples = _texts("abababcaccb", "kkllmmnnnnn")
    parts = folds(examples, 4, seed)
    assert {example.group for part in parts for example in part} == set("klm")


@pytest.mark.parametrize(("labels", "groups"), [("abc", "klm"), ("ab", "kl"), ("abab", "kkkk")])
def test_too_few_texts_for_folds_are_refused(labels, groups):
    with pytest.raises(DataError, match="Expected texts for at least two trials"):
        folds(_texts(labels, groups), 4, 0)
