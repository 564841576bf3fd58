import math

import pytest

from sentiment_lstm.data.label_map import normal_label
from sentiment_lstm.data.labels import MOST_CLASSES, make_labeller
from sentiment_lstm.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (1, 1),
        ("1", 1),
        (1.0, 1),
        ("1.0", 1),
        ("-2", -2),
        (3.5, 3.5),
        (True, "true"),
        ("FALSE", "false"),
        (" good ", "good"),
        ("", None),
        (None, None),
        (math.nan, None),
        ("nan", None),
        ("NaN", None),
        ("6.8500000000000005", 6.8500000000000005),
    ],
)
def test_normal_label(raw, plain):
    assert normal_label(raw) == plain
    assert type(normal_label(raw)) is type(plain)


def test_classes_are_ordered_by_value_then_by_name():
    labeller = make_labeller({})
    assert [labeller.class_of(label) for label in (10, 9, "b", "a", -1)] == [
        "10", "9", "b", "a", "-1",
    ]  # fmt: skip
    assert labeller.classes() == ("-1", "9", "10", "a", "b")


def test_floats_that_are_not_whole_need_a_map():
    assert make_labeller({}).class_of(3.5) is None
    assert make_labeller({">=3": "positive"}).class_of(3.5) == "positive"


def test_map_takes_values_and_comparisons_and_orders_the_classes():
    labeller = make_labeller(
        {">=7": "positive", "<=4": "negative", "5": "mixed", "yes": "positive"}
    )
    labels = (10, 7, 6, 5, 4, -3, "yes", "no")
    assert [labeller.class_of(label) for label in labels] == [
        "positive", "positive", None, "mixed", "negative", "negative", "positive", None,
    ]  # fmt: skip
    assert labeller.classes() == ("positive", "negative", "mixed")


def test_strict_comparisons_leave_the_bound_out():
    labeller = make_labeller({"<3": "low", ">3": "high"})
    assert [labeller.class_of(n) for n in (2, 3, 4)] == ["low", None, "high"]


def test_map_may_name_a_boolean_by_number_and_a_position_by_name():
    assert make_labeller({"1": "good", "0": "bad"}).class_of("true") == "good"
    assert (
        make_labeller({"neg": "bad", "1": "good"}, source_classes=("neg", "pos")).class_of(0)
        == "bad"
    )


def test_comparison_without_a_number_is_refused():
    with pytest.raises(UsageError, match="number to compare"):
        make_labeller({">=many": "positive"})


def test_class_names_of_a_source_replace_positions():
    labeller = make_labeller({}, source_classes=("negative", "positive"))
    labels = (0, 1, "positive", 2, "other")
    assert [labeller.class_of(label) for label in labels] == [
        "negative", "positive", "positive", None, None,
    ]  # fmt: skip
    assert labeller.is_missing(-1)
    assert not make_labeller({}).is_missing(-1)
    assert labeller.classes() == ("negative", "positive")


@pytest.mark.parametrize(
    ("names", "label", "expected"),
    [
        (None, 0, "negative"),
        (None, "true", "positive"),
        (None, "Positive", "positive"),
        (None, "neg", None),
        (None, 0.5, None),
        (("neg", "pos"), 1, "positive"),
        # Names that the model knows are matched in any order.
        (("positive", "negative"), 0, "positive"),
        (("negative", "neutral", "positive"), 1, None),
        (("bad", "so-so", "good"), 0, None),
    ],
)
def test_labels_are_matched_to_a_models_classes(names, label, expected):
    labeller = make_labeller({}, source_classes=names, model_classes=("negative", "positive"))
    assert labeller.class_of(label) == expected
    assert labeller.classes() == ("negative", "positive")


@pytest.mark.parametrize("names", [None, ("neg", "pos")])
@pytest.mark.parametrize("label", [2, 5, -2])
def test_a_position_beyond_the_models_classes_asks_for_a_map(names, label):
    labeller = make_labeller({}, source_classes=names, model_classes=("bad", "good"))
    assert labeller.is_missing(-1)
    with pytest.raises(DataError, match=rf"0 to 1 for the classes bad, good, found {label}; give"):
        labeller.class_of(label)


def test_with_a_map_positions_are_no_labels():
    labeller = make_labeller({"2": "positive"}, model_classes=("negative", "positive"))
    assert labeller.class_of(2) == "positive"
    assert labeller.class_of(1) is None


def test_a_map_to_none_of_the_models_classes_is_refused():
    with pytest.raises(UsageError, match="found good, bad"):
        make_labeller({"1": "good", "0": "bad"}, model_classes=("negative", "positive"))


LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


def test_messages_name_only_the_first_of_many_classes():
    with pytest.raises(DataError, match="classes a, b, c, d, e, f, g, h, i, j and 16 more, found"):
        make_labeller({}, model_classes=LETTERS).class_of(26)


def test_too_many_labels_advise_another_column():
    labeller = make_labeller({})
    for n in range(MOST_CLASSES):
        labeller.class_of(n)
    with pytest.raises(DataError, match=r"first 1,001 rows; .* another --label-column"):
        labeller.class_of(MOST_CLASSES)


def test_labels_that_occur_once_are_no_classes():
    labeller = make_labeller({})
    for n in [*range(500), *range(100)]:
        labeller.class_of(f"ticket {n}")
    with pytest.raises(DataError, match="found 400 labels that occur only once in 600 rows"):
        labeller.freeze_classes()


def test_labels_that_occur_once_are_allowed_if_they_are_few_or_named():
    few, rare, named = make_labeller({}), make_labeller({}), make_labeller({}, LETTERS)
    for letter in LETTERS:
        named.class_of(letter)
    for n in range(20):
        few.class_of(n)
    for n in [*range(40), *(n // 2 for n in range(100, 140))]:
        rare.class_of(n)
    for labeller in (few, rare, named):
        labeller.freeze_classes()


def test_after_close_a_new_label_is_unmapped():
    labeller = make_labeller({})
    labeller.class_of("a")
    labeller.freeze_classes()
    assert labeller.class_of("a") == "a"
    assert labeller.class_of("b") is None
    assert labeller.classes() == ("a",)


@pytest.mark.parametrize("label", ["a\0b", "a\ud800", "x" * 101])
def test_a_label_that_cannot_be_written_is_unmapped(label):
    assert make_labeller({}).class_of(label) is None


def test_a_map_may_give_soft_labels_of_the_second_class():
    labeller = make_labeller({"0": "bad", "1": "0.25", "2": "0.5", "4": "good"})
    labels = [(labeller.class_of(n), labeller.soft_label_of(n)) for n in (0, 1, 2, 4)]
    assert labels == [("bad", None), ("bad", 0.25), ("good", 0.5), ("good", None)]
    assert labeller.classes() == ("bad", "good")
    assert (labeller.class_of(3), labeller.soft_label_of(3)) == (None, None)
    assert make_labeller({"a": "0", "b": "1"}).classes() == ("0", "1")
    assert make_labeller({"a": "x", "b": ".5", "c": "y"}).soft_label_of("b") == 0.5
    for value in ("1.5", "-0.5"):
        with pytest.raises(UsageError, match=rf"from 0\.0 to 1\.0 .*'{value}'"):
            make_labeller({"a": "x", "b": value, "c": "y"})


def test_soft_labels_of_a_map_fit_a_models_classes():
    labeller = make_labeller({"2": "0.5", "<2": "0.1"}, model_classes=("negative", "positive"))
    assert (labeller.class_of(2), labeller.soft_label_of(2)) == ("positive", 0.5)
    assert (labeller.class_of(1), labeller.soft_label_of(1)) == ("negative", 0.1)


@pytest.mark.parametrize("classes", [None, ("a", "b", "c")])
def test_soft_labels_of_a_map_need_two_classes(classes):
    with pytest.raises(UsageError, match=r"two classes for soft labels .*0\.5"):
        make_labeller({"1": "a", "2": "0.5"}, model_classes=classes)


def test_labels_of_a_soft_source_are_soft_labels():
    labeller = make_labeller({}, model_classes=("no", "yes"), soft=True)
    labels = [(labeller.class_of(n), labeller.soft_label_of(n)) for n in (0, 0.2, 0.5, 1)]
    assert labels == [("no", 0.0), ("no", 0.2), ("yes", 0.5), ("yes", 1.0)]
    for label in (1.5, -1, "yes"):
        assert labeller.class_of(label) is labeller.soft_label_of(label) is None
    with pytest.raises(UsageError, match=r"data\.soft_labels"):
        make_labeller({}, soft=True)


@pytest.mark.parametrize(
    ("raw", "soft_label"), [("1e-05", 1e-05), ("9.9E-1", 0.99), (".5", 0.5), ("1.", 1.0), (0, 0.0)]
)
def test_soft_labels_are_read_in_every_number_format(raw, soft_label):
    labeller = make_labeller({}, model_classes=("no", "yes"), soft=True)
    assert labeller.soft_label_of(normal_label(raw)) == soft_label


@pytest.mark.parametrize("raw", ["yes", "1e9", "-0.1", "0.5.", "e1", "1e", "inf", 10**401])
def test_other_values_are_no_soft_labels(raw):
    labeller = make_labeller({}, model_classes=("no", "yes"), soft=True)
    assert labeller.soft_label_of(normal_label(raw)) is None


@pytest.mark.parametrize("name", ["", "neg\udcff", "a\0b", "x" * 101])
def test_a_map_to_a_class_whose_name_cannot_be_written_is_refused(name):
    with pytest.raises(UsageError, match="names of 1 to 100 characters"):
        make_labeller({"0": name, "1": "good"})


def test_a_warning_says_once_that_numbers_count_as_class_indices(caplog):
    labeller = make_labeller({}, model_classes=["bad", "good", "ok"])
    assert [labeller.class_of(label) for label in ("ok", 1, 2)] == ["ok", "good", "ok"]
    (message,) = caplog.messages
    assert "count as class indices: bad (0), good (1), ok (2)" in message


def test_0_and_1_are_the_usual_labels_of_two_classes(caplog):
    labeller = make_labeller({}, model_classes=["bad", "good"])
    assert labeller.class_of(1) == "good"
    assert not caplog.messages
