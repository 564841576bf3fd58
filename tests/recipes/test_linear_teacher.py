"""A label that a linear model has its say in."""

import json

import linear_teacher
import numpy as np
import pytest


def test_a_label_is_half_its_own_and_half_the_models():
    shares, labels = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 0])
    assert linear_teacher.soft(shares, labels, 1.0) == pytest.approx([0.9, 0.25])
    assert linear_teacher.soft(shares, labels, 2.0) == pytest.approx([(1 + 16 / 17) / 2, 0.25])


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
