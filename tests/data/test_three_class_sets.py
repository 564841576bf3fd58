"""The parts of the news. tests/benchmarks/test_domains.py reads the sets."""

from collections import Counter

from sentiment_lstm.data.three_class_sets import part_of_news


def test_parts_never_change():
    sentences = ["The mayor resigned.", "Rain is expected.", "Taxes rose.", "The talks failed.",
                 "He won again.", "Critics praised the minister."]  # fmt: skip
    assert [part_of_news(sentence) for sentence in sentences] == [
        "train", "train", "test", "train", "test", "train",
    ]  # fmt: skip


def test_parts_have_their_sizes():
    counts = Counter(part_of_news(f"Sentence {n}.") for n in range(10_000))
    fractions = {part: round(count / 10_000, 1) for part, count in counts.items()}
    assert fractions == {"train": 0.7, "test": 0.2, "validation": 0.1}
