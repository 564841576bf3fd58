import gc
import json
from collections import Counter

import pytest

from sentiment_lstm.data.labels import make_labeller
from sentiment_lstm.data.screening import (
    KEPT_CHARACTERS,
    SetAside,
    drop_duplicates,
    fingerprints,
    screen,
)
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example, Row

BAD = [
    (None, "1", "empty text"),
    (" \n", "1", "empty text"),
    (float("nan"), "1", "empty text"),
    (12, "1", "unreadable"),
    ("fine", None, "missing label"),
    ("fine", "maybe", "unmapped label"),
    ("fine", [1], "unmapped label"),
    ("fine", {"stars": 1}, "unmapped label"),
    ("fine", b"1", "unmapped label"),
    ("a\0b", "1", "NUL"),
    ("half \ud83d", "1", "lone surrogate"),
    ("x" * 5001, "1", "too long"),
]


def screened(rows, set_aside):
    labeller = make_labeller({"1": "positive", "0": "negative"})
    return list(screen(rows, labeller, 5000, set_aside))


@pytest.mark.parametrize(("text", "label", "reason"), BAD)
def test_bad_rows_are_counted_and_written(tmp_path, text, label, reason):
    set_aside = SetAside(tmp_path / "run" / "set_aside.jsonl")
    rows = [Row("good", 1, "f:2", 2), Row(text, label, "f:3", 3), Row("bad", "0", "f:4", 4)]
    assert [r.label for r in screened(rows, set_aside)] == ["positive", "negative"]
    assert set_aside.counts == {reason: 1}
    assert set_aside.rows == 3
    entry = json.loads(set_aside.path.read_text("utf-8"))
    assert (entry["id"], entry["line"], entry["reason"]) == ("f:3", 3, reason)


@pytest.mark.parametrize(("text", "label", "reason"), BAD)
def test_strict_stops_at_the_first_bad_row(text, label, reason):
    with pytest.raises(DataError, match=f"{reason} in f:3, line 3"):
        screened([Row(text, label, "f:3", 3)], SetAside(strict=True))


def test_a_sources_own_problem_is_the_reason():
    set_aside = SetAside()
    assert screened([Row("x", "1", "f:1", 1, problem="bad UTF-8")], set_aside) == []
    assert set_aside.counts == {"bad UTF-8": 1}


def test_bad_rows_may_be_dropped_without_a_file():
    rows = [Row("good", 1, "f:2", 2), Row(None, 1, "f:3", 3)]
    assert [example.text for example in screen(rows, None, 5000)] == ["good"]


def test_the_side_file_cuts_only_absurdly_long_texts(tmp_path):
    set_aside = SetAside(tmp_path / "bad.jsonl")
    assert not set_aside.path.exists()
    screened([Row("é" * 4000 + "\udcff", "1", "f:1", 1), Row("x" * 9999, "1", "f:2", 2)], set_aside)
    kept, cut = map(json.loads, set_aside.path.read_text("utf-8").splitlines())
    assert kept["text"] == "é" * 4000 + "\udcff"
    assert cut["text"] == "x" * KEPT_CHARACTERS
    assert cut["characters"] == 9999


def test_a_label_of_another_type_is_written_as_text(tmp_path):
    set_aside = SetAside(tmp_path / "bad.jsonl")
    assert list(screen([Row("fine", [1], "f:1", 1)], make_labeller({}), 5000, set_aside)) == []
    assert json.loads(set_aside.path.read_text("utf-8"))["label"] == "[1]"


def test_the_side_file_is_closed_with_its_owner(tmp_path):
    set_aside = SetAside(tmp_path / "bad.jsonl")
    set_aside.add(Row(None, None, "f:1", 1), "empty text")
    del set_aside
    gc.collect()  # an open file would warn here, and warnings are errors


def test_a_side_file_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Expected to write bad rows"):
        SetAside(tmp_path / "file" / "bad.jsonl").add(Row(None, None, "f:1", 1), "empty text")


def test_drop_duplicates_keeps_the_first_and_counts_disagreement():
    reviews = [
        Example("a", "1", "1"), Example("b", "1", "2"), Example("a", "1", "3"),
        Example("a", "0", "4"),
    ]  # fmt: skip
    counts = Counter()
    assert [r.id for r in drop_duplicates(reviews, counts)] == ["1", "2"]
    assert counts == {"duplicates": 2, "disagreeing duplicates": 1}


def test_drop_duplicates_remembers_only_a_window():
    reviews = [Example(text, "1", "") for text in "aabca"]
    assert "".join(r.text for r in drop_duplicates(reviews, Counter(), window=2)) == "abca"


def test_fingerprints_depend_only_on_the_text():
    assert fingerprints([Example("a", "1", "x")]) == fingerprints([Example("a", None, "y")])
    assert fingerprints([Example("a", "1", "x")]) == fingerprints([Example(" a\n", "1", "x")])
    assert fingerprints([Example("a", "1", "x")]) != fingerprints([Example("A", "1", "x")])
