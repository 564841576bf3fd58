"""Labels of a finished model of three classes."""

import json

import numpy as np
import pytest

from factory.teachers import kept
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.records import Row


def test_each_text_has_the_probabilities_of_the_model(three, tmp_path):
    classifier = SentimentClassifier(three)
    classifier.save_pretrained(tmp_path / "model")
    texts, out = tmp_path / "texts.jsonl", tmp_path / "kept.jsonl"
    texts.write_text('{"text": "a good film"}\n{"text": "a bad film"}\n', "utf-8")
    arguments = ("--model", str(tmp_path / "model"), "--texts", str(texts), "--out", str(out))
    assert kept.main(arguments) == 0
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["a good film", "a bad film"]
    expected = classifier.predict_proba(["a good film", "a bad film"])
    given = np.array([[row["label"][name] for name in classifier.classes_] for row in rows])
    assert given == pytest.approx(expected, abs=1e-4)


def test_a_text_may_keep_a_part_of_its_own_label(three, tmp_path):
    classifier = SentimentClassifier(three)
    classifier.save_pretrained(tmp_path / "model")
    texts, out = tmp_path / "texts.jsonl", tmp_path / "kept.jsonl"
    texts.write_text('{"text": "a film", "label": {"neutral": 1.0}, "weight": 2.5}\n', "utf-8")
    arguments = ("--model", str(tmp_path / "model"), "--texts", str(texts), "--own", "0.25")
    assert kept.main([*arguments, "--out", str(out)]) == 0
    (row,) = map(json.loads, out.read_text("utf-8").splitlines())
    expected = 0.75 * classifier.predict_proba(["a film"])[0] + 0.25 * np.array([0, 1, 0])
    assert list(row["label"].values()) == pytest.approx(expected, abs=1e-4)
    assert (row["text"], row["weight"]) == ("a film", 2.5)


def test_a_folder_keeps_its_validation_texts(three, tmp_path):
    classifier = SentimentClassifier(three)
    classifier.save_pretrained(tmp_path / "model")
    people, file = tmp_path / "people", tmp_path / "texts.jsonl"
    people.mkdir()
    row = '{"text": "a film", "label": {"neutral": 1.0}}\n'
    for path in (people / "train.jsonl", people / "validation.jsonl", file):
        path.write_text(row, "utf-8")
    sources = ("--texts", str(file), "--texts", str(people))
    outs = ("--out", str(tmp_path / "file.jsonl"), "--out", str(tmp_path / "kept"))
    assert kept.main(["--model", str(tmp_path / "model"), *sources, *outs]) == 0
    assert (tmp_path / "kept/validation.jsonl").read_text("utf-8") == row
    new = (tmp_path / "kept/train.jsonl").read_text("utf-8")
    assert new == (tmp_path / "file.jsonl").read_text("utf-8") != row


def test_each_file_needs_a_place(capsys):
    with pytest.raises(SystemExit):
        kept.main(["--model", "default", "--texts", "a", "--texts", "b", "--out", "c"])
    assert "Expected an --out for each --texts, found 1 for 2" in capsys.readouterr().err


def test_a_wrong_weight_or_a_missing_label_is_refused(tmp_path, capsys):
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "a film"}\n', "utf-8")
    arguments = ("--model", "default", "--texts", str(texts), "--out", str(tmp_path / "out.jsonl"))
    with pytest.raises(SystemExit):
        kept.main([*arguments, "--own", "2"])
    assert "Expected --own from 0 to 1, found 2.0" in capsys.readouterr().err
    with pytest.raises(UsageError, match="found rows without"):
        kept.main([*arguments, "--own", "0.5"])


def test_a_set_with_a_name_gives_its_training_texts(monkeypatch):
    rows = [Row("a good film", "4", "train:0", 1), Row("a film", "2", "train:1", 2)]
    monkeypatch.setattr(kept, "open_rows", lambda data: iter(rows) if data.split == "train" else ())
    assert kept.read("data:sst") == [{"text": "a good film"}, {"text": "a film"}]
