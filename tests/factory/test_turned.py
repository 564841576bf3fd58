"""Reviews are edited as the file of edits says, and get the other label."""

import json

import pytest

from factory.texts import turned
from sentiment_lstm.errors import UsageError

LOUD, FINE = "Too loud.<br />Send it back!", "A fine small lamp"


@pytest.fixture
def shops(tmp_path, monkeypatch):
    """Two sources that share a review, and a file of edits to be filled."""
    monkeypatch.setattr(turned, "EDITS", tmp_path / "edits.jsonl")
    others = [{"text": f"Other {number}", "label": number % 2} for number in range(20)]
    for name, label, text in (("shop", 0, LOUD), ("fair", 1, FINE)):
        rows = [{"text": text, "label": label}, {"text": "Dim", "label": 0}, *others]
        (tmp_path / name).mkdir()
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (tmp_path / name / "train.jsonl").write_text(lines, "utf-8")
    return [str(tmp_path / name) for name in ("shop", "fair")]


def edit(**edits):
    lines = [{"key": turned.key(text), "edits": made} for text, made in edits.items()]
    turned.EDITS.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def test_what_was_edited_is_turned_once_and_nothing_else_is_there(shops, tmp_path):
    quiet = [[0, 2, "Quiet."], [2, 3, "I'd never send"], [5, 5, "Fine."]]
    edit(**{LOUD: quiet, FINE: [[1, 3, ""]], "Dim": [[0, 1, "Bright enough"]]})
    turned.main(["--source", shops[0], "--source", shops[1], "--out", str(tmp_path / "out")])
    rows = [json.loads(line) for line in (tmp_path / "out").read_text("utf-8").splitlines()]
    labels = {row["text"]: row["label"] for row in rows}
    assert len(rows) == 3
    assert labels == {"Quiet. I'd never send it back! Fine.": 1, "A lamp": 0, "Bright enough": 1}


def test_a_missing_source_is_an_error(shops, tmp_path):
    edit(**{LOUD: [[0, 1, "Not"]], FINE: [[1, 2, "poor"]]})
    with pytest.raises(UsageError, match=r"Expected the 2 reviews that edits\.jsonl .* found 1"):
        turned.main(["--source", shops[1], "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_label_that_cannot_be_turned_is_an_error(shops, tmp_path):
    edit(**{"Dim": [[0, 1, "Bright"]]})
    source = tmp_path / "shop" / "train.jsonl"
    source.write_text(source.read_text("utf-8").replace('"label": 0', '"label": "bad"'), "utf-8")
    with pytest.raises(UsageError, match=r"Expected the label 0 or 1 .* found 'bad'"):
        turned.main(["--source", shops[0], "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_the_file_of_edits_holds_each_review_once_and_its_edits_apart_and_in_order():
    lines = [json.loads(line) for line in turned.EDITS.read_text("utf-8").splitlines()]
    assert len({line["key"] for line in lines}) == len(lines)
    for line in lines:
        places = [place for start, end, _ in line["edits"] for place in (start, end)]
        assert places == sorted(places)
        assert places[0] >= 0
        assert all(start < end or new for start, end, new in line["edits"])
