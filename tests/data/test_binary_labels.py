"""Labels of two classes without names are told from class indices and names."""

from pathlib import Path

import pytest

from sentiment_lstm.data.binary_labels import are_binary
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings

THREE = ("negative", "neutral", "positive")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["0", "1", "0"], True),
        (["1", "1.0", ""], True),
        (["true", "False"], True),
        (["0", "0.5", "1"], True),
        (["0.5", "0.7"], False),
        (["0", "1", "2"], False),
        (["negative", "positive"], False),
        (["0", "neutral"], False),
        (["", "-1"], False),
    ],
)
def test_labels_of_a_table(tmp_path: Path, labels, expected):
    path = tmp_path / "texts.csv"
    path.write_text("text,label\n" + "".join(f"film {n},{x}\n" for n, x in enumerate(labels)))
    assert are_binary(DataSettings(source=str(path)), THREE) is expected
    mapped = DataSettings(source=str(path), label_map={"0": "negative"})
    assert not are_binary(mapped, THREE)


@pytest.mark.parametrize("labels", [("-1", "0", "1"), ("-1", "1"), ("1", "-1", "0", "-1.0")])
def test_minus_one_may_mean_negative_so_it_needs_a_map(tmp_path: Path, labels):
    path = tmp_path / "texts.csv"
    path.write_text("text,label\n" + "".join(f"film {n},{x}\n" for n, x in enumerate(labels)))
    with pytest.raises(DataError, match="found -1 as well: use --label-map=-1=negative"):
        are_binary(DataSettings(source=str(path)), THREE)


def test_a_list_is_no_label_of_two_classes(tmp_path: Path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "a film", "label": [0, 1]}\n')
    assert not are_binary(DataSettings(source=str(path)), THREE)


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("neg", "pos"), True), (("Negative", "positive"), False), (("a", "b", "c"), False)],
)
def test_a_source_that_names_its_classes(monkeypatch, names, expected):
    from sentiment_lstm.data import binary_labels
    from sentiment_lstm.data.source import Source

    monkeypatch.setattr(binary_labels, "open_source", lambda _: Source(lambda: iter(()), names))
    assert are_binary(DataSettings(source="any"), THREE) is expected
