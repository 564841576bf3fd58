"""The measures of `benchmarks/explain.py`, on a few sentences."""

import json

import explain
import numpy as np
import pytest
from explain_people import Pair, area_under_curve, new_words, precision, read_pairs

GOOD = "I saw this film with my whole family on a rainy day and it was wonderful"
BAD = "I saw this film with my whole family on a rainy day and it was dreadful"
DULL = "The second part of the story is told by a very dull old man"
FUNNY = "The second part of the story is told by a very funny old man"


@pytest.fixture
def pairs(tmp_path):
    """Edited reviews whose originals are in another order."""
    rows = [
        {"original": DULL, "original_label": 0, "edited": BAD, "label": 0},
        {"original": GOOD, "original_label": 1, "edited": FUNNY, "label": 1},
        {"original": "Short", "original_label": 1, "edited": "Another thing", "label": 0},
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_each_edited_review_finds_its_original(pairs):
    assert read_pairs(pairs) == [Pair(BAD, GOOD, "negative"), Pair(FUNNY, DULL, "positive")]


def test_new_words_are_those_that_people_put_in():
    new = new_words(["it", "was", "not", "so", "bad"], ["it", "was", "bad"])
    assert new.tolist() == [False, False, True, True, False]


def test_agreement_is_high_if_new_words_come_first():
    new = np.array([True, False, True, False])
    assert area_under_curve(np.array([4.0, 1, 3, 2]), new) == precision(np.arange(4)[::-1], new) * 2
    assert area_under_curve(np.array([4.0, 1, 3, 2]), new) == 1
    assert area_under_curve(np.array([1.0, 1, 1, 1]), new) == 0.5
    assert precision(np.array([4.0, 1, 3, 2]), new) == 1


@pytest.mark.slow
def test_all_figures_are_measured(pairs, tmp_path, capsys):
    pytest.importorskip("captum")
    texts = tmp_path / "texts.csv"
    texts.write_text(f"text,label\n{GOOD},positive\n{BAD},negative\n", encoding="utf-8")
    data = ["--data", str(texts), "--split", "train", "--reviews", "2"]
    out = tmp_path / "figures.json"
    call = [*data, "--pairs", str(pairs), "--model", "tiny", "--json", str(out)]
    assert explain.main(call) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert list(figures) == ["areas", "curves", "completeness", "agreement"]
    assert figures["agreement"]["pairs"] == 2
    assert "gain in precision" in capsys.readouterr().out
