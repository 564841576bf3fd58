"""Graded sentences are looked up in the reviews."""

import json

import pytest

from factory.texts import judged, uncertain
from sentiment_lstm.errors import UsageError


@pytest.fixture
def reviews(tmp_path, monkeypatch):
    """Three reviews of which two sentences have a grade."""
    file = tmp_path / "uncertain.txt"
    grades = {"I detest it.": 0, "The lid is blue.": 2}
    file.write_text("".join(f"{judged.key(t)} {g}\n" for t, g in grades.items()), "utf-8")
    monkeypatch.setattr(uncertain, "GRADES", file)
    texts = ["Well. I detest it.", "The lid<br />is blue. The lid is blue. Fine.", "I detest it."]
    monkeypatch.setattr(uncertain, "reviews", lambda also: iter(texts + list(also)))
    return tmp_path


def test_each_sentence_once_with_its_grade(reviews):
    out = reviews / "out.jsonl"
    uncertain.main(["--out", str(out)])
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert lines == [
        {"text": "I detest it.", "label": 0.0},
        {"text": "The lid is blue.", "label": 0.5},
    ]


def test_no_grade_at_all_is_an_error(reviews):
    uncertain.GRADES.write_text(f"{judged.key('Another.')} 4\n", "utf-8")
    with pytest.raises(UsageError, match=r"that uncertain\.txt grades in IMDb's reviews and in no"):
        uncertain.main(["--out", str(reviews / "out.jsonl")])


def test_no_sentence_has_two_grades():
    known = judged.grades(uncertain.GRADES)
    keys = [line.split()[0] for line in uncertain.GRADES.read_text("utf-8").splitlines()]
    assert keys == sorted(known)
    assert known.keys().isdisjoint(judged.grades())
    assert set(known.values()) == set(judged.SOFT_LABELS)
