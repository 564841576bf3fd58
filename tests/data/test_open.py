"""Bad sources are refused in one sentence, and labels are matched to a model's classes."""

import sys
import types
from functools import partial

import pytest

from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.open import list_splits, open_rows, read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, MissingExtraError, SentimentError
from sentiment_lstm.settings import DataSettings


def make(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    return str(path)


CASES = {
    "empty file": (b"", {}, "found an empty file"),
    "header only": (b"text,label\n", {}, "found none"),
    "no text column": (b"words,label\na,1\n", {}, "text column .* found the columns words, label"),
    "semicolons": (b"text;label\na;1\n", {"separator": ","}, "text;label; name the character"),
    "no label column": (b"text,words\na,1\n", {}, "label column .* found the columns text, words"),
    "named column missing": (b"text,label\na,1\n", {"label_column": "stars"}, "'stars'"),
    "no group column": (b"text,label\na,1\n", {"group_column": "film"}, "column 'film'"),
    "one class": (b"text,label\na,1\nb,1\n", {}, "at least two classes .* found 1"),
    "all unmapped": (
        b"text,label\na,5\nb,6\n",
        {"label_map": {"1": "x"}},
        "unmapped label: 2.*'5'",
    ),
    "strict": (b"text,label\na,1\nb,\n", {"strict": True}, "missing label in data.csv:3, line 3"),
    "strict, unmapped": (
        b"text,label\na,1\nb,5\n",
        {"strict": True, "label_map": {"1": "x", "0": "y"}},
        r"unmapped label in data\.csv:3, line 3 \('5'\)",
    ),
    "strict, half a character": (
        b"text,label\na,1\nb \xe2\x82,0\n",
        {"strict": True},
        r"bad UTF-8 in data\.csv:3, line 3",
    ),
    "strict, 10 MB": (
        b"text,label\na,1\n" + b"x" * 10_000_000 + b",0\n",
        {"strict": True},
        r"too long in data\.csv:3, line 3",
    ),
    "a split": (b"text,label\na,1\n", {"split": "test"}, "one part only"),
    "UTF-16": ("text,label\na,1\n".encode("utf-16"), {"encoding": "utf8"}, "file as UTF-8"),
    "labels that are texts": (b"text,label\na,%s\n" % (b"x" * 101), {}, "unmapped label: 1"),
    "two classes of one text": (b"text,label\na,1\na,0\n", {}, "at least two classes"),
}


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_sentence(tmp_path, case, streaming):
    content, options, sentence = CASES[case]
    data = DataSettings(make(tmp_path, content), streaming=streaming, **options)
    with pytest.raises(SentimentError, match=sentence) as caught:
        load_corpus(data, 0, SetAside(None, data.strict))
    assert str(caught.value).startswith("Expected ")
    assert "\n" not in str(caught.value)


def test_missing_file_folder_without_reviews_and_unknown_kind(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for name, sentence in [("nothing.csv", "found nothing"), ("notes.txt", "ending in .csv")]:
        with pytest.raises(DataError, match=sentence):
            load_corpus(DataSettings(str(tmp_path / name)), 0, SetAside())
    with pytest.raises(DataError, match="found nothing"):
        load_corpus(DataSettings("~no such user/a.csv"), 0, SetAside())
    with pytest.raises(DataError, match="too long"):
        load_corpus(DataSettings("x" * 5000), 0, SetAside())
    with pytest.raises(DataError, match="Expected texts in the folder"):
        load_corpus(DataSettings(str(tmp_path)), 0, SetAside())


def test_labels_follow_a_models_classes(tmp_path):
    path = make(tmp_path, b"text,label\na,1\nb,Negative\nc,0\na,meh\na,1\n")
    set_aside = SetAside()
    reviews = read_examples(
        DataSettings(path), set_aside=set_aside, classes=("negative", "positive")
    )
    # Evaluation drops no good row, so the second "a" with label 1 stays.
    assert [r.label for r in reviews] == ["positive", "negative", "negative", "positive"]
    assert set_aside.counts == {"unmapped label": 1}


def test_stars_are_not_taken_for_positions_of_two_classes(tmp_path):
    path = make(tmp_path, b"text,label\n" + b"".join(b"t%d,%d\n" % (i, i) for i in range(1, 6)))
    read = partial(read_examples, set_aside=SetAside(), classes=("neg", "pos"))
    with pytest.raises(DataError, match=r"labels 0 to 1 for the classes neg, pos, found 2"):
        list(read(DataSettings(path)))
    mapped = DataSettings(path, label_map={"<=2": "neg", ">=4": "pos"})
    assert [r.label for r in read(mapped)] == ["neg", "neg", "pos", "pos"]


@pytest.mark.parametrize("name", ["", "hf:"])
def test_an_empty_name_has_no_splits(name):
    with pytest.raises(DataError, match="Expected the name of a source"):
        list_splits(name)


@pytest.mark.parametrize("scheme", ["data", "kaggle", "hf"])
def test_without_a_colon_a_scheme_is_a_folder(tmp_path, monkeypatch, scheme):
    monkeypatch.chdir(tmp_path)
    for split in ("train", "test"):
        for polarity in ("neg", "pos"):
            folder = tmp_path / scheme / split / polarity
            folder.mkdir(parents=True)
            (folder / "0_1.txt").write_text(f"a {polarity} text")
    assert list_splits(scheme) == ("train", "test")
    labels = [
        example.label for example in read_examples(DataSettings(scheme), set_aside=SetAside())
    ]
    assert labels == ["negative", "positive"]


def test_splits_of_a_name_that_no_file_can_have():
    with pytest.raises(DataError, match="too long"):
        list_splits("x" * 5000)


def test_splits_of_single_sources(tmp_path):
    assert list_splits("imdb") == ("train",)
    assert list_splits(make(tmp_path, b"text,label\n")) == ()


def test_kaggle_name_is_read_through_kagglehub(tmp_path, monkeypatch):
    (tmp_path / "IMDB Dataset.csv").write_text('review,sentiment\n" Nice<br />one ",Positive\n')
    fake = types.SimpleNamespace(dataset_download=lambda name: str(tmp_path / name[:0]))
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    (review,) = read_examples(DataSettings("kaggle:owner/name"), set_aside=SetAside())
    assert (review.text, review.label) == ("Nice<br />one", "Positive")


def test_unreachable_kaggle_says_what_to_do(monkeypatch):
    def fail(name):
        raise ConnectionError("no route\nto host")

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=fail))
    with pytest.raises(DataError, match=r"no route; use .* --data imdb"):
        load_corpus(DataSettings("kaggle:owner/name"), 0, SetAside())


def test_a_long_message_of_kaggles_client_is_replaced_by_its_type(monkeypatch):
    def fail(name):
        raise ConnectionError("HTTPSConnectionPool(host='x', port=443): " + "more words " * 50)

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=fail))
    with pytest.raises(DataError, match=r"found: ConnectionError; use"):
        load_corpus(DataSettings("kaggle:owner/name"), 0, SetAside())


@pytest.mark.parametrize(
    ("module", "source"),
    [("kagglehub", "kaggle:a/b"), ("datasets", "hf:a"), ("pandas", "kaggle"), ("pyarrow", "p")],
)
def test_missing_packages_name_the_extra(tmp_path, monkeypatch, module, source):
    monkeypatch.setitem(sys.modules, module, None)
    names = {"kaggle": ("k.csv", "review,sentiment\na,b\n"), "p": ("p.parquet", "x")}
    if source in names:
        name, content = names[source]
        (tmp_path / name).write_text(content)
        source = str(tmp_path / name)
    with pytest.raises(MissingExtraError, match=r"sentiment-lstm\[train\]"):
        load_corpus(DataSettings(source), 0, SetAside())


def test_tables_of_too_many_columns_or_classes_are_refused(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(f"text,label,{','.join(f'c{n}' for n in range(8))}\ngood,1{',' * 8}\n")
    assert len(list(open_rows(DataSettings(str(path), max_columns=10)))) == 1
    with pytest.raises(DataError, match=r"^Expected at most 9 columns in wide\.csv, found 10; rai"):
        list(open_rows(DataSettings(str(path), max_columns=9)))
    path.write_text("text,label\na,1\nb,2\nc,3\n")
    with pytest.raises(DataError, match=r"^Expected at most 2 distinct labels, found more"):
        list(read_examples(DataSettings(str(path), max_classes=2), set_aside=SetAside()))
