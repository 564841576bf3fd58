"""Texts with typing errors keep their labels."""

import json
from random import Random

from factory.texts import roughened


def test_each_change_stands_once_with_the_label_it_had(tmp_path):
    taught, out = tmp_path / "taught.jsonl", tmp_path / "rough.jsonl"
    rows = [{"text": "a thoroughly gripping story", "label": 0.9}, {"text": "bad", "label": 0.1}]
    taught.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    roughened.main(["--taught", str(taught), "--times", "20", "--out", str(out)])
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    texts = [row["text"] for row in lines]
    assert len(texts) == len(set(texts)) > 3
    assert {row["label"] for row in lines} == {0.9}
    assert rows[0]["text"] not in texts


def test_an_added_web_address_leaves_the_text_as_it_was():
    random = Random(0)
    linked = [roughened.with_link("It works.", random) for _ in range(50)]
    assert all("It works." in text and ".com/" in text for text in linked)
    assert len({text.startswith("It works.") for text in linked}) == 2
