from pathlib import Path

from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.survey import survey
from sentiment_lstm.settings import DataSettings


def test_counts_of_a_source(tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_text("text,label\na b,x\na b,y\nc,x\nd,\n")
    counts = survey(DataSettings(str(path)), SetAside(None))
    assert counts["rows"] == 4
    assert counts["set aside"] == {"missing label": 1}
    assert counts["classes"] == {"x": 2, "y": 1}
    assert (counts["duplicates"], counts["disagreeing duplicates"]) == (1, 1)
    assert counts["words"] == {"10%": 1, "50%": 2, "90%": 2, "longest": 2}


def test_an_unlabelled_split_is_counted_too(tmp_path: Path):
    for folder, text in (("pos", "fine"), ("neg", "poor"), ("unsup", "some text")):
        (tmp_path / "train" / folder).mkdir(parents=True)
        (tmp_path / "train" / folder / "0_0.txt").write_text(text)
    data = DataSettings(str(tmp_path), split="unsupervised")
    counts = survey(data, SetAside(None))
    assert (counts["rows"], counts["classes"]) == (1, {"no label": 1})


def test_a_blank_row_does_not_hide_texts_without_labels(tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_text("text,label\na b,\nc,\n,\n")
    counts = survey(DataSettings(str(path)), SetAside(None))
    assert counts["classes"] == {"no label": 2}
    assert counts["set aside"] == {"empty text": 1}
