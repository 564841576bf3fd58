"""`evaluate` takes texts and labels in memory, with the results of a source."""

import json

import numpy as np
import pandas as pd
import pytest
from small_estimator import LABELS, TEXTS
from test_fitting import fitted, write

from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, UsageError


@pytest.fixture(scope="module")
def classifier():
    return fitted()


@pytest.fixture(scope="module")
def of_several():
    return fitted(labels=[["bad"], ["good"], []] * 30, multi_label=True)


def test_the_results_are_those_of_a_source(classifier, tmp_path):
    labels = ["good", *LABELS[1:]]
    path = write(tmp_path / "reviews.jsonl", text=TEXTS, label=labels)
    of_source = classifier.evaluate(path, in_full=True, abstain_below=0.4)
    for given in (
        (TEXTS, labels),
        (pd.Series(TEXTS, index=range(7, 97)), pd.Series(labels)),
        (np.array(TEXTS), np.array(labels)),
    ):
        in_memory = classifier.evaluate(*given, in_full=True, abstain_below=0.4)
        assert in_memory["data"] == "texts given in Python"
        assert in_memory["mistakes"][0]["id"] == "0"
        differ = {key for key in of_source if in_memory[key] != of_source[key]}
        assert differ <= {"data", "split", "mistakes", "label_errors"}
        assert in_memory.keys() == of_source.keys()
    assert classifier.evaluate(TEXTS, labels=labels)["accuracy"] == of_source["accuracy"]
    json.dumps(in_memory)


def test_numbers_are_labels_too():
    numbers = [0, 1, 2] * 30
    classifier = fitted(labels=numbers)
    assert classifier.evaluate(TEXTS, np.array(numbers))["accuracy"] == 1


@pytest.mark.parametrize(
    "labels",
    [
        [["bad"], ["good"], []] * 30,
        np.array([[1, 0], [0, 1], [0, 0]] * 30),
        pd.DataFrame({"good": [0, 1, 0] * 30, "bad": [1, 0, 0] * 30}),
    ],
    ids=["lists", "matrix", "frame"],
)
def test_several_labels(of_several, labels, tmp_path):
    path = tmp_path / "reviews.jsonl"
    rows = zip(TEXTS, [["bad"], ["good"], []] * 30, strict=True)
    path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in rows))
    of_source, values = of_several.evaluate(str(path)), of_several.evaluate(TEXTS, labels)
    assert values["micro_f1"] == of_source["micro_f1"]


def test_bad_rows_are_counted_with_their_index(classifier):
    bad_rows = SetAside(None)
    values = classifier.evaluate(["", *TEXTS], ["good", *LABELS], set_aside=bad_rows)
    assert values["n"] == 90
    assert values["set_aside"] == {"empty text": 1}


def test_a_warning_counts_texts_whose_label_the_model_does_not_know(classifier, caplog):
    values = classifier.evaluate([*TEXTS, "A fine lamp."], [*LABELS, "goood"])
    assert values["set_aside"] == {"unmapped label": 1}
    assert f"1 of {len(TEXTS) + 1} texts were set aside (unmapped label: 1)" in caplog.text


@pytest.mark.parametrize(
    ("texts", "labels", "error", "message"),
    [
        (TEXTS, None, UsageError, "Expected labels with the texts, found none"),
        (TEXTS, LABELS[:3], UsageError, "found 3 labels and 90 texts"),
        ([None], ["good"], UsageError, "at index 0"),
        (["a", "b"], ["x", "y"], DataError, r"unmapped label: 2; the first: index 0 \('x'\)"),
        ("data:emotion", LABELS, UsageError, "Expected texts in memory with the labels"),
        (None, None, DataError, "Expected labelled texts to measure on, found none: name them"),
        ("nothing.csv", None, DataError, "found nothing"),
    ],
)
def test_what_cannot_be_measured(classifier, texts, labels, error, message):
    with pytest.raises(error, match=message) as raised:
        classifier.evaluate(texts, labels)
    assert "--" not in str(raised.value)


def test_a_table_has_a_column_for_each_class(of_several):
    with pytest.raises(UsageError, match="with 2 columns, one for each class, found 3"):
        of_several.evaluate(TEXTS, np.zeros((90, 3)))


def test_slices_need_a_source(classifier):
    with pytest.raises(UsageError, match="Expected a source with slices"):
        classifier.evaluate(TEXTS, LABELS, slices=["place"])


def test_labels_that_are_given_twice_are_refused(classifier):
    with pytest.raises(UsageError, match="the labels once, found split and labels"):
        classifier.evaluate(TEXTS, LABELS, labels=LABELS)
