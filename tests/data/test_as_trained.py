"""A file is read with the columns and the label map of a training, if they fit."""

import logging
from pathlib import Path

import pytest

from sentiment_lstm.data import as_trained
from sentiment_lstm.data.as_trained import with_columns_of, with_label_map_of
from sentiment_lstm.data.source import Source
from sentiment_lstm.settings import DataSettings

STARS = {"<=2": "bad", ">=4": "good"}


def table(path: Path, header: str, labels: list[str]) -> DataSettings:
    path.write_text(f"{header}\n" + "".join(f"film {n},{x}\n" for n, x in enumerate(labels)))
    return DataSettings(source=str(path))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "5", "3"], STARS),
        (["1", "1"], STARS),
        (["4.5", "Good"], {"Good": "good", **STARS}),
        (["bad", "Good", "-1", ""], {}),
        (["surprise", "bad"], {}),
    ],
)
def test_labels_that_are_no_classes_mean_what_they_meant(tmp_path: Path, labels, expected, caplog):
    data = table(tmp_path / "texts.csv", "text,label", labels)
    assert with_label_map_of(STARS, data, ("bad", "good")).label_map == expected
    said = [(r.levelno, ": <=2=bad,>=4=good." in r.message) for r in caplog.records]
    assert said == ([(logging.WARNING, True)] if expected else [])


def test_a_map_of_names_says_nothing_about_numbers(tmp_path: Path):
    data = table(tmp_path / "texts.csv", "text,label", ["1", "0", "2"])
    assert with_label_map_of({"bad": "bad", "good": "good"}, data, ("bad", "good")) is data


def test_a_class_named_like_a_star_is_not_taken_for_it(tmp_path: Path):
    groups = {"<=2": "1", ">=3": "2"}
    data = table(tmp_path / "texts.csv", "text,label", ["1", "2", "5"])
    assert with_label_map_of(groups, data, ("1", "2")).label_map == groups


def test_another_map_or_the_source_knows_better(tmp_path: Path, monkeypatch):
    data = table(tmp_path / "texts.csv", "text,label", ["1", "0"])
    mapped = DataSettings(source=data.source, label_map={"1": "good"})
    assert with_label_map_of(STARS, mapped, ("bad", "good")) is mapped
    assert with_label_map_of({}, data, ("bad", "good")) is data
    named = Source(lambda: iter(()), ("neg", "pos"))
    monkeypatch.setattr(as_trained, "open_source", lambda _: named)
    assert with_label_map_of(STARS, data, ("bad", "good")) is data


@pytest.mark.parametrize(
    ("header", "given", "expected"),
    [
        ("Kommentar,Note", (), ("Kommentar", "Note")),
        ("Kommentar,label", (), ("Kommentar", None)),
        ("text,Note", (), (None, "Note")),
        ("text,label", (), (None, None)),
        ("Kommentar,Note", ("data.label_column",), (None, None)),
    ],
)
def test_columns_of_the_training_are_used_if_they_are_there(
    tmp_path: Path, header, given, expected
):
    data = table(tmp_path / "texts.csv", header, ["1"])
    trained = DataSettings(text_column="Kommentar", label_column="Note")
    read = with_columns_of(trained, data, given)
    assert (read.text_column, read.label_column) == expected


def test_a_given_column_stays(tmp_path: Path):
    data = table(tmp_path / "texts.csv", "Kommentar,stars", ["1"])
    trained = DataSettings(text_column="Kommentar", label_column="Note")
    given = DataSettings(source=data.source, label_column="stars")
    read = with_columns_of(trained, given, ("data.label_column",))
    assert (read.text_column, read.label_column) == ("Kommentar", "stars")
