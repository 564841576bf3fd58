"""Graded texts are looked up in the sources."""

import json

import pytest

from factory.texts import judged
from sentiment_lstm.errors import UsageError


@pytest.fixture
def known(tmp_path, monkeypatch):
    others = {f"Other {number}.": 2 for number in range(20)}
    grades = {"It broke.<br />Twice!": 0, "Solid. Quiet.": 3, "In both.": 4, **others}
    file = tmp_path / "grades.txt"
    file.write_text("".join(f"{judged.key(t)} {g}\n" for t, g in grades.items()), "utf-8")
    monkeypatch.setattr(judged, "GRADES", file)


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_text_has_its_grade_or_stays_as_it_was(known, tmp_path):
    taught, out, rest = (tmp_path / name for name in ("taught", "out", "rest"))
    left = {"text": "A box", "label": 0.4}
    graded = {"text": "It broke.<br />Twice!", "label": 0.6}
    taught.write_text(f"{json.dumps(graded)}\n{json.dumps(left)}\n", "utf-8")
    others = [f"Other {number}." for number in range(20)]
    sold = ["In a box. Solid. Quiet.", "Solid. Quiet.", "In both.", "Dim."]
    for folder, split, texts in (
        ("shop", "train", sold),
        ("shop", "test", ["In both.", "B."]),
        ("fair", "train", others),
    ):
        lines = [{"text": text, "label": number % 2} for number, text in enumerate(texts)]
        (tmp_path / folder).mkdir(exist_ok=True)
        rows_of = "".join(f"{json.dumps(row)}\n" for row in lines)
        (tmp_path / folder / f"{split}.jsonl").write_text(rows_of)
    windows = [a for name in ("shop", "fair") for a in ("--windows", tmp_path / name)]
    files = ["--taught", taught, *windows, "--out", out, "--rest", rest]
    judged.main([str(argument) for argument in files])
    labels = {row["text"]: row["label"] for row in rows(out)}
    assert len(labels) == len(rows(out))
    assert labels == {"It broke. Twice!": 0, "Solid. Quiet.": 0.85, **dict.fromkeys(others, 0.5)}
    assert rows(rest) == [left]


def test_parts_are_windows_but_no_whole_text_nor_one_that_tests(known, tmp_path):
    texts = ["In both.", "It broke.<br />Twice!", *(f"Other {n}. In it." for n in range(20))]
    splits = {"train": texts, "test": ["Other 3.", "In it."]}
    source, taught, out, rest = (tmp_path / name for name in ("source", "taught", "out", "rest"))
    source.mkdir()
    for split, held in splits.items():
        rows_of = [json.dumps({"text": text, "label": n % 2}) for n, text in enumerate(held)]
        (source / f"{split}.jsonl").write_text("\n".join(rows_of), "utf-8")
    taught.write_text("", "utf-8")
    files = ["--taught", taught, "--parts", source, "--out", out, "--rest", rest]
    judged.main([str(argument) for argument in files])
    assert {row["text"] for row in rows(out)} == {f"Other {n}." for n in range(20) if n != 3}


def test_no_grade_at_all_is_an_error(known, tmp_path):
    taught = tmp_path / "taught"
    taught.write_text('{"text": "A box", "label": 0.4}\n', "utf-8")
    with pytest.raises(UsageError, match=r"that grades\.txt grades in .*found none"):
        judged.main(["--taught", str(taught), "--out", "out", "--rest", "rest"])


def test_windows_are_runs_of_up_to_three_sentences():
    assert list(judged.windows("A. B! C? D.")) == [
        *("A.", "A. B!", "A. B! C?", "B!", "B! C?", "B! C? D."),
        *("C?", "C? D.", "D."),
    ]


def test_the_file_of_grades_holds_each_text_once():
    lines = judged.GRADES.read_text("utf-8").splitlines()
    keys = [line.split()[0] for line in lines]
    assert keys == sorted(set(keys))
    assert set(judged.grades().values()) == set(judged.SOFT_LABELS)
