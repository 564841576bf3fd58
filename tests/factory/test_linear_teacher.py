"""Soft labels from a text's own label, a linear model and a grade."""

import json

import numpy as np
import pytest

from factory.teachers import linear_teacher


def test_a_label_is_the_mean_of_its_own_the_models_and_the_grade():
    probabilities, labels = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 0])
    ungraded, graded = np.full(2, np.nan), np.array([np.nan, 1.0])
    assert linear_teacher.soft(probabilities, labels, ungraded, 1.0) == pytest.approx([0.9, 0.25])
    squared = [(1 + 16 / 17) / 2, 0.25]
    assert linear_teacher.soft(probabilities, labels, ungraded, 2.0) == pytest.approx(squared)
    assert linear_teacher.soft(probabilities, labels, graded, 1.0) == pytest.approx([0.9, 0.5])


def test_grades_count_where_asked(tmp_path, monkeypatch):
    source, out = tmp_path / "shop", tmp_path / "out"
    source.mkdir()
    lines = [{"text": f"{'good' if n % 2 else 'bad'} box {n}", "label": n % 2} for n in range(40)]
    (source / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    monkeypatch.setattr(linear_teacher, "grades", lambda: {linear_teacher.key("bad box 0"): 1.0})
    labels = []
    for more in ([], ["--graded"]):
        linear_teacher.main(["--source", str(source), "--out", str(out), *more])
        rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        labels.append({row["text"]: row["label"] for row in rows})
    before, after = (by_text.pop("bad box 0") for by_text in labels)
    assert labels[0] == labels[1]
    assert after == pytest.approx((2 * before + 1) / 3, abs=1e-3)


def test_every_text_of_a_source_that_only_trains_has_its_label(tmp_path):
    source, out, first = tmp_path / "shop", tmp_path / "out", tmp_path / "first"
    source.mkdir()
    lines = [{"text": f"{'good' if n % 2 else 'bad'} box {n}", "label": n % 2} for n in range(40)]
    (source / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    arguments = ["--source", str(source), "--out", str(out)]
    linear_teacher.main(arguments)
    whole = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert sorted(row["text"] for row in whole) == sorted(line["text"] for line in lines)
    linear_teacher.main([*arguments, "--first", str(first)])
    apart, others = (path.read_text("utf-8").splitlines() for path in (first, out))
    assert all("bad" in line for line in apart)
    assert len(apart) == len(others) == 20


def test_a_power_of_nothing_is_refused(capsys):
    with pytest.raises(SystemExit):
        linear_teacher.main(["--source", "x", "--out", "y", "--sharper", "0"])
    assert "Expected --sharper above 0, found 0.0" in capsys.readouterr().err
