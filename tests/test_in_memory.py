import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from sentiment_lstm.errors import UsageError
from sentiment_lstm.in_memory import (
    as_list,
    checked_label_sets,
    checked_labels,
    checked_texts,
    checked_weights,
    name_classes,
)

pl = pytest.importorskip("polars")

WORDS = ["good", "", "bad"]


@pytest.mark.parametrize(
    "texts",
    [
        WORDS,
        tuple(WORDS),
        (word for word in WORDS),
        np.array(WORDS),
        np.array(WORDS, dtype=object),
        pd.Series(WORDS, index=[7, 7, 3]),
        pd.Series(WORDS, dtype="category"),
        pd.Series(WORDS, dtype=object),
        pl.Series(WORDS),
        pa.array(WORDS),
        pa.chunked_array([WORDS[:1], WORDS[1:]]),
    ],
    ids=lambda texts: type(texts).__name__,
)
def test_texts_may_be_lists_arrays_and_series(texts):
    assert checked_texts(texts) == WORDS


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", "found one string: put it in a list"),
        (b"one text", "found one string: put it in a list"),
        (pd.DataFrame({"text": WORDS}), r"found a table of the shape \(3, 1\): give one column"),
        (np.array([WORDS, WORDS]), r"found a table of the shape \(2, 3\): give one column"),
        (csr_matrix(np.eye(2)), r"found a table of the shape \(2, 2\)"),
        ({"text": WORDS}, "found dict: give one column"),
        (np.array("one text"), "found ndarray: give one column"),
        (7, "found int: put the texts in a list"),
        (None, "found NoneType"),
        ([*WORDS, None], "found a missing value \\(None\\) at index 3: leave such rows out"),
        ([*WORDS, float("nan")], "found a missing value \\(nan\\) at index 3"),
        (pd.Series([*WORDS, None]), "found a missing value \\(nan\\) at index 3"),
        (pd.Series([*WORDS, pd.NA], dtype="string"), "found a missing value \\(<NA>\\) at index 3"),
        (pl.Series([*WORDS, None]), "found a missing value \\(None\\) at index 3"),
        (pa.array([*WORDS, None]), "found a missing value \\(None\\) at index 3"),
        ([*WORDS, pd.NaT], "found a missing value \\(NaT\\) at index 3"),
        ([*WORDS, 5], "Expected every text to be a string, found int at index 3"),
        ([*WORDS, b"x"], "Expected every text to be a string, found bytes at index 3"),
        ([["good"], ["bad"]], "Expected every text to be a string, found list at index 0"),
    ],
)
def test_other_texts_are_refused_with_their_place(texts, message):
    with pytest.raises(UsageError, match=message):
        checked_texts(texts)


def test_labels_are_one_for_each_text():
    assert checked_labels(pd.Series([1, 2]), 2) == [1, 2]
    with pytest.raises(UsageError, match="found 1 label and 2 texts"):
        checked_labels(["a"], 2)
    with pytest.raises(UsageError, match="Expected a label at index 1, found None"):
        checked_labels(["a", None], 2)
    with pytest.raises(UsageError, match="found a list at index 0: if a text may"):
        checked_labels([["a"], ["b"]], 2)
    with pytest.raises(UsageError, match="Expected a list of labels, found one string"):
        checked_labels("ab", 2)


def test_several_labels_are_lists_or_columns():
    lists = [["joy", "love"], [], ["love"]]
    matrix = np.array([[1, 1], [0, 0], [0, 1]])
    assert checked_label_sets(lists, 3) == lists
    assert checked_label_sets(pd.Series(lists), 3) == lists
    assert checked_label_sets(pd.DataFrame(matrix, columns=["joy", "love"]), 3) == lists
    assert checked_label_sets(pl.DataFrame(matrix, schema=["joy", "love"]), 3) == lists
    assert checked_label_sets(matrix, 3) == [[0, 1], [], [1]]
    assert checked_label_sets(csr_matrix(matrix), 3) == [[0, 1], [], [1]]
    with pytest.raises(UsageError, match="found str at index 0: give a list for each text"):
        checked_label_sets(["joy"], 1)
    with pytest.raises(UsageError, match="found bytes at index 0: give a list for each text"):
        checked_label_sets([b"joy"], 1)
    with pytest.raises(UsageError, match="Expected 0 and 1 in a table of labels"):
        checked_label_sets(2 * matrix, 3)
    with pytest.raises(UsageError, match="found 3 labels and 2 texts"):
        checked_label_sets(matrix, 2)


def test_labels_of_a_set_are_sorted():
    words = [str(number) for number in range(9, 0, -1)]
    assert checked_label_sets([set(words), frozenset(words), words], 3) == [
        *[words[::-1]] * 2,
        words,
    ]
    assert checked_label_sets([{"1", 1}], 1) == [["1", 1]]


def test_weights_are_numbers_of_at_least_0():
    assert checked_weights(np.array([1, 0.5, 0]), 3) == [1, 0.5, 0]
    for weights, message in (
        ([1, -1], "found -1 at index 1"),
        ([1, float("nan")], "found nan at index 1"),
        ([1], "found 1 weight and 2 texts"),
        ([0, 0], "found only weights of zero"),
    ):
        with pytest.raises(UsageError, match=message):
            checked_weights(weights, 2)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        *[("joy", "joy"), (3, "3"), (-1, "-1"), (True, "true"), (np.False_, "false")],
        *[(2.0, "2"), (np.int8(4), "4"), ("3", "3"), (0.5, "'0.5'")],
        *[(" joy", "' joy'"), ("01", "'01'"), ("nan", "'nan'"), ("", "''"), ("True", "'True'")],
        *[("x" * 101, f"{'x' * 60}... #c675a2e6"), ("a\0b", r"'a\x00b'"), ("\ud800", r"'\ud800'")],
    ],
)
def test_names_of_classes_stay_in_a_file(label, name):
    assert name_classes([label]) == {label: name}


def test_names_of_classes_differ():
    names = name_classes(["1", 1, "1.0"])
    assert list(names.values()) == ["1", "'1'", "'1.0'"]


def test_a_list_may_hold_anything():
    assert as_list(pl.Series([1, None])) == [1, None]


def test_values_of_numpy_in_a_list_are_weights():
    assert checked_weights([np.int64(2), np.float32(0.5), np.True_], 3) == [2.0, 0.5, 1.0]


def test_weights_whose_sum_is_infinite_are_refused():
    with pytest.raises(UsageError, match="found 1e\\+308 at index 0"):
        checked_weights([1e308, 1e308], 2)


def test_a_name_of_a_class_that_is_taken_already():
    (name,) = name_classes(["x" * 200]).values()
    assert name_classes([name, "x" * 200]) == {name: name, "x" * 200: "class 1"}


def test_names_of_long_labels_do_not_depend_on_their_order():
    labels = ["a long label " * 9 + end for end in ("of one kind", "of another kind")]
    names = name_classes(labels)
    assert name_classes(labels[::-1]) == names
    assert len({*names.values()}) == 2
    assert all(name.startswith("a long label a long label") for name in names.values())


@pytest.mark.parametrize("label", [None, float("nan"), pd.NA, ["a"], ("a", "b"), 0.5, object()])
def test_what_cannot_be_one_of_several_labels_is_refused(label):
    with pytest.raises(UsageError, match="in the list of labels at index 1"):
        checked_label_sets([["a"], ["b", label]], 2)


def test_a_tuple_is_not_one_label():
    with pytest.raises(UsageError, match="found a tuple at index 0: if a text may"):
        checked_labels([("a", "b"), ("c",)], 2)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame([[1, 0, 1]], columns=["a", "b", "a"]), "two columns of the same name"),
        (pd.DataFrame({"a": [1, pd.NA], "b": [0, 1]}).astype("Int64"), "found other values"),
    ],
)
def test_tables_of_labels_that_are_refused(table, message):
    with pytest.raises(UsageError, match=message):
        checked_label_sets(table, len(table))
