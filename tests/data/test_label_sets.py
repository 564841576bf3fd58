"""Several labels per text: how they are read, screened and split."""

import json
from collections import Counter
from pathlib import Path

import pytest

from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.label_sets import LabelSets, find_separator
from sentiment_lstm.data.labels import make_labeller
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.splitting import folds, split
from sentiment_lstm.data.survey import survey
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.records import Example, Row
from sentiment_lstm.settings import DataSettings


def read(raw: object, separator: str | None = None) -> tuple[tuple[str, ...], str | None]:
    return LabelSets(make_labeller({}), separator).read(raw)


@pytest.mark.parametrize(
    ("raw", "labels"),
    [
        (["joy", "love"], ("joy", "love")),
        (["love", "joy", "love"], ("joy", "love")),
        ([], ()),
        ([3, 1.0], ("1", "3")),
        ("love | joy", ("joy", "love")),
        ("joy", ("joy",)),
        ("|joy|", ("joy",)),
        ("", ()),
        ('["love", "joy"]', ("joy", "love")),
        ("['love', 'joy']", ("joy", "love")),
        ("[]", ()),
        ("[a bracket", ("[a bracket",)),
        ("[joy]", ("[joy]",)),
        (7, ("7",)),
        ({"joy": "1", "love": "0", "fear": "1"}, ("fear", "joy")),
        ({"joy": True, "love": False}, ("joy",)),
        ({"joy": "True", "love": "false"}, ("joy",)),
        ({"joy": 1.0, "love": 0.0}, ("joy",)),
        ({"joy": "0", "love": "0"}, ()),
        ({"joy": "", "love": "1"}, ("love",)),
        ({"joy": "yes", "love": "No", "fear": "Y"}, ("fear", "joy")),
        ({"joy": "X", "love": "", "fear": "x"}, ("fear", "joy")),
    ],
)
def test_labels_are_read_from_every_form(raw: object, labels: tuple[str, ...]) -> None:
    assert read(raw, "|") == (labels, None)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (None, "missing label"),
        (float("nan"), "missing label"),
        ({"joy": "", "love": None}, "missing label"),
        (["joy", None], "unmapped label"),
        ([["joy"]], "unmapped label"),
        ({"joy": "often", "love": "1"}, "unmapped label"),
        ({"joy": 2, "love": 1}, "unmapped label"),
        ({"joy": ["x"], "love": 1}, "unmapped label"),
    ],
)
def test_labels_that_cannot_be_read_have_a_reason(raw: object, problem: str) -> None:
    assert read(raw, "|")[1] == problem


def test_a_label_map_holds_for_each_label() -> None:
    sets = LabelSets(make_labeller({"joy": "good", "love": "good", "fear": "bad"}), "|")
    assert sets.read("joy|love|fear") == (("bad", "good"), None)
    assert sets.read("joy|rage") == (("good",), "unmapped label")
    assert sets.classes() == ("good", "bad")


def test_a_model_matches_each_label_to_its_classes() -> None:
    sets = LabelSets(make_labeller({}, None, ["Joy", "Love"]), "|")
    assert sets.read("joy|LOVE") == (("Joy", "Love"), None)
    assert sets.read("fear")[1] == "unmapped label"


@pytest.mark.parametrize(
    ("labels", "separator"),
    [
        (["joy", "love|fear, of"], "|"),
        (["joy", "love;fear, of"], ";"),
        (["joy", "love,fear"], ","),
        (["joy", "love"], None),
        (['["joy", "love"]', "joy"], None),
        ([["joy"], "a|b"], None),
        ([None, 3, "a;b"], ";"),
        ([*["joy,love"] * 101, "joy;love"], ","),
        ([*["fear, of"] * 90, "joy|love"], "|"),
    ],
)
def test_the_separator_is_found_out(labels: list[object], separator: str | None) -> None:
    rows = [Row("a text", label, str(i), i) for i, label in enumerate(labels)]
    assert find_separator(rows) == separator


def test_of_a_csv_file_rows_become_examples_with_several_labels(tmp_path: Path) -> None:
    path = tmp_path / "moods.csv"
    path.write_text("text,mood\none,joy|love\ntwo,\nthree,fear\nfour,love | joy\n")
    data = DataSettings(source=str(path), label_column="mood", multi_label=True)
    examples = list(read_examples(data, set_aside=SetAside(None)))
    assert [e.labels for e in examples] == [("joy", "love"), (), ("fear",), ("joy", "love")]
    assert {e.label for e in examples} == {None}


def test_each_label_may_have_a_column(tmp_path: Path) -> None:
    path = tmp_path / "moods.csv"
    path.write_text("text,joy,love\none,1,1\ntwo,0,0\nthree,0,1\nfour,perhaps,1\n")
    data = DataSettings(source=str(path), label_column="love, joy", multi_label=True)
    set_aside = SetAside(None)
    examples = list(read_examples(data, set_aside=set_aside))
    assert [e.labels for e in examples] == [("joy", "love"), (), ("love",)]
    assert set_aside.counts == {"unmapped label": 1}


def test_without_multi_label_a_comma_is_part_of_the_column_name(tmp_path: Path) -> None:
    path = tmp_path / "moods.csv"
    path.write_text("text,joy,love\none,1,1\n")
    with pytest.raises(DataError, match="Expected a column 'joy,love'"):
        list(read_examples(DataSettings(source=str(path), label_column="joy,love"),
                           set_aside=SetAside(None)))  # fmt: skip


def test_a_parquet_file_and_a_folder_hold_lists(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"text": ["one", "two"], "labels": [["joy", "love"], []]})
    pq.write_table(table, tmp_path / "train.parquet")
    for source in (tmp_path / "train.parquet", tmp_path):
        data = DataSettings(source=str(source), label_column="labels", multi_label=True)
        examples = list(read_examples(data, set_aside=SetAside(None)))
        assert [e.labels for e in examples] == [("joy", "love"), ()]


def test_lists_of_class_numbers_have_the_names_of_the_data_set(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    kind = datasets.Sequence(datasets.ClassLabel(names=["joy", "love"]))
    features = datasets.Features({"text": datasets.Value("string"), "labels": kind})
    rows = {"text": ["one", "two"], "labels": [[0, 1], [1]]}
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "train.parquet")
    data = DataSettings(source=str(tmp_path), label_column="labels", multi_label=True)
    examples = list(read_examples(data, set_aside=SetAside(None)))
    assert [e.labels for e in examples] == [("joy", "love"), ("love",)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"multi_label": True, "soft_labels": True}, "found soft labels"),
        ({"multi_label": True, "label_map": {"a": "x", "b": "y", "c": "0.5"}}, "found soft labels"),
        ({"label_separator": "|"}, "Expected --multi-label with a separator"),
        ({"multi_label": True, "label_separator": " "}, "Expected a character between labels"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "moods.csv"
    path.write_text("text,label\none,a\ntwo,b\n")
    data = DataSettings(source=str(path), **changes)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=message):
        list(read_examples(data, set_aside=SetAside(None)))


def moods(count: int) -> list[dict[str, object]]:
    """Rows with the labels `often` (half), `seldom` (a tenth) or none."""
    return [
        {"text": f"text {i}", "labels": ["often"] * (i % 2) + ["seldom"] * (i % 10 == 0)}
        for i in range(count)
    ]


def test_a_corpus_counts_texts_without_a_label(tmp_path: Path) -> None:
    path = tmp_path / "moods.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in moods(100)))
    data = DataSettings(source=str(path), label_column="labels", multi_label=True)
    corpus = load_corpus(data, 0, SetAside(None))
    assert corpus.multi_label
    assert corpus.classes == ("often", "seldom")
    assert corpus.screening["without a label"] == 40
    assert survey(data, SetAside(None))["classes"] == {"often": 50, "no label": 40, "seldom": 10}


def test_duplicates_with_other_labels_disagree(tmp_path: Path) -> None:
    path = tmp_path / "moods.csv"
    path.write_text("text,label\nsame,a|b\nsame,b|a\nsame,a\nother,b\nthird,a\n")
    data = DataSettings(source=str(path), multi_label=True)
    corpus = load_corpus(data, 0, SetAside(None))
    assert corpus.screening["duplicates"] == 2
    assert corpus.screening["disagreeing duplicates"] == 1


def test_a_split_keeps_the_fraction_of_each_label() -> None:
    examples = [
        Example(str(row["text"]), None, str(i), labels=tuple(row["labels"]))  # type: ignore[arg-type]
        for i, row in enumerate(moods(1000))
    ]
    training, validation = split(examples, 0.1, 0)
    counts = Counter(name for example in validation for name in example.all_labels)
    assert 45 <= counts["often"] <= 50
    assert 8 <= counts["seldom"] <= 10
    assert len(training) + len(validation) == 1000
    parts = folds(examples, 4, 0)
    assert all(any("seldom" in example.all_labels for example in part) for part in parts)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("['joy' 'love']", ("joy", "love")),
        ("['joy (great)'\n 'one two']", ("joy (great)", "one two")),
        ("[\"it's\" 'b, c']", ("b, c", "it's")),
        ("['a b', 'c']", ("a b", "c")),
        ("[0 2]", ("0", "2")),
        ("[-1 2]", ("-1", "2")),
    ],
)
def test_lists_of_numpy_have_no_commas(text: str, labels: tuple[str, ...]) -> None:
    assert LabelSets(make_labeller({})).read(text) == (labels, None)


def test_a_row_that_is_set_aside_adds_no_class() -> None:
    sets = LabelSets(make_labeller({}))
    assert sets.read(["ghost", {"x": 1}])[1] == "unmapped label"
    assert sets.read("[{[]: 1}]") == (("[{[]: 1}]",), None)
    assert sets.classes() == ("[{[]: 1}]",)
