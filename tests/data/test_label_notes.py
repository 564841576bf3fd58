import json
from itertools import chain, combinations

import pytest

from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.label_notes import how_joined, label_notes, rare_class_note
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings

MOODS = ("joy", "love", "rage", "fear")
SETS = list(chain.from_iterable(combinations(MOODS, size) for size in (1, 2, 3)))


def test_classes_that_differ_only_in_case_are_named():
    (note,) = label_notes(["Sport", "news", "sport"], multi_label=False)
    assert "are separate: Sport and sport. Write" in note
    several = [*"abcde", *"ABCDE"]
    (note,) = label_notes(several, multi_label=True)
    assert "are separate: a and A, b and B, c and C and 2 more. Write" in note


def test_classes_that_may_mean_a_missing_label_are_named():
    (note,) = label_notes(["NA", "good", "null"], multi_label=False)
    assert "may mark texts without a label: NA, null. They count as classes. To leave" in note
    assert label_notes(["bad", "good", "not available"], multi_label=False) == []


def test_classes_with_few_texts_are_named():
    labels = ["refund", *["delivery"] * 40, *["loss"] * 4, *["praise"] * 5]
    examples = [Example(f"text {n}", label, str(n)) for n, label in enumerate(labels)]
    note = rare_class_note(("refund", "delivery", "loss", "praise"), examples)
    assert note is not None
    assert "fewer than 5 texts: refund (1), loss (4). " in note
    assert rare_class_note(("delivery", "praise"), examples[1:41] + examples[45:]) is None


def test_a_soft_label_counts_for_all_its_classes():
    soft = [Example(f"text {n}", None, str(n), soft_label=0.3) for n in range(5)]
    assert rare_class_note(("bad", "good"), soft) is None
    several = [Example("a", None, "a", class_probabilities={"bad": 0.7, "good": 0.3})] * 5
    assert "mixed (0)" in (rare_class_note(("bad", "good", "mixed"), several) or "")


@pytest.mark.parametrize("separator", ["|", ";", ", ", " | "])
def test_joined_labels_are_noticed(separator):
    labels = [separator.join(moods) for moods in SETS]
    (note,) = label_notes(labels, multi_label=False)
    assert f"joined by {separator.strip()}. If a text may have several labels, add --multi" in note
    assert label_notes(labels, multi_label=True) == []


def test_lists_written_as_text_are_noticed():
    assert how_joined([json.dumps(moods) for moods in SETS]) == "in a list"
    assert how_joined(["[joy]", "[love]"]) is None


@pytest.mark.parametrize(
    "labels",
    [
        ["negative", "positive"],
        ["Sci/Tech", "World", "Business"],
        ["Smith, John", "Smith, Jane", "Doe, John"],
        ["food", "food|fruit", "food|fruit|apple", "food|fruit|pear", "drink", "drink|tea"],
        [f"{aspect};{mood}" for aspect in ("price", "taste", "staff") for mood in MOODS],
        ["food, drinks and more", "clothes", "toys, games", "books"],
        ["joy", "love", "joy|love"],
        [f"{whole},{tenth}" for whole in range(10) for tenth in range(10)],
        [f"{first}|{second}" for first in ("en", "de", "fr") for second in ("en", "de", "fr")],
        [],
    ],
)
def test_other_labels_are_not(labels):
    assert label_notes(labels, multi_label=False) == []


def write(tmp_path, labels):
    path = tmp_path / "moods.jsonl"
    rows = ({"text": f"text {n}", "label": label} for n, label in enumerate(labels))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return DataSettings(str(path))


def test_rows_with_lists_are_counted(tmp_path):
    data, set_aside = write(tmp_path, ["joy", ["joy", "love"], ["rage"], "love"]), SetAside()
    assert len(list(read_examples(data, set_aside=set_aside))) == 2
    assert set_aside.lists == 2
    (note,) = label_notes(["joy", "love"], multi_label=False, lists=2)
    assert "2 rows were set aside because their label is a list" in note


def test_a_file_with_only_lists_is_refused_with_the_option(tmp_path):
    data = write(tmp_path, [["joy", "love"], ["rage"]])
    with pytest.raises(DataError, match="their labels are lists: add --multi-label"):
        list(read_examples(data, set_aside=SetAside()))


def test_too_many_combinations_are_refused_with_the_option(tmp_path):
    labels = ["|".join(each) for size in (1, 2, 3) for each in combinations("abcdefghi", size)]
    data = write(tmp_path, labels)
    with pytest.raises(
        DataError, match=r"a label seems to hold several, joined by \|: add --multi-label"
    ):
        load_corpus(data, 0, SetAside())


def test_a_training_notes_them(run, tmp_path):
    labels = [["Joy", "joy", "love"][n % 3] for n in range(60)]
    data = write(tmp_path, labels)
    tiny = ("model.hidden_size=8", "model.embedding_size=8", "training.epochs=1")
    sets = chain.from_iterable(("--set", name) for name in (*tiny, "training.embeddings=random"))
    code, _, err = run("train", "--preset", "quick", "--data", data.source, "--out", "r", *sets)
    assert code == 0, err
    assert "are separate: Joy and joy." in " ".join(err.split())
