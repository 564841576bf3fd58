import json

import pytest

from sentiment_lstm.data.class_probabilities import ClassProbabilities
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.training.feed import targets_of

CLASSES = ("negative", "neutral", "positive")
LABELS = ClassProbabilities(CLASSES)


@pytest.mark.parametrize(
    ("raw", "probabilities"),
    [
        ({"negative": 0.75, "neutral": 0.25}, {"negative": 0.75, "neutral": 0.25}),
        ({"neutral": 1}, {"neutral": 1.0}),
        ({"negative": 0, "positive": 1, "neutral": None}, {"positive": 1.0}),
        ('{"negative": 0.5, "positive": 0.5}', {"negative": 0.5, "positive": 0.5}),
    ],
)
def test_objects_and_their_text_are_read(raw, probabilities):
    assert LABELS.read(raw) == (probabilities, None)


def test_rounded_probabilities_are_scaled_to_the_sum_1():
    probabilities, _ = LABELS.read({"negative": 0.333, "neutral": 0.333, "positive": 0.333})
    assert probabilities is not None
    assert sum(probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize("raw", [None, "", "  ", float("nan")])
def test_missing(raw):
    assert LABELS.read(raw) == (None, "missing label")


@pytest.mark.parametrize(
    "raw",
    ["positive", 0.5, [0.1, 0.9], {}, {"negative": 0.4}, {"negative": 1.2, "neutral": -0.2},
     {"good": 1.0}, {"negative": "1"}, "{", {"negative": True, "neutral": 1.0}],
)  # fmt: skip
def test_anything_else_is_unmapped(raw):
    assert LABELS.read(raw) == (None, "unmapped label")


def test_a_mixture_adds_texts_with_probabilities(tmp_path):
    hard = [{"text": f"text {n} {name}", "label": name} for n in range(9) for name in CLASSES]
    soft = [
        {"text": "so so", "label": {"neutral": 0.8, "negative": 0.2}},
        {"text": "odd", "label": {"neutral": 0.8}},
    ]
    for name, rows in (("hard", hard), ("soft", soft)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines)
    main = DataSettings(
        source=str(tmp_path / "hard.jsonl"), label_map={name: name for name in CLASSES}
    )
    extra = DataSettings(source=str(tmp_path / "soft.jsonl"), soft_labels=True)
    set_aside = SetAside(None)
    corpus = load_corpus(main, 0, set_aside, [extra])
    assert corpus.sample[-1].label == "neutral"
    targets = targets_of(corpus.sample[-2:], corpus.classes)
    assert targets[0].tolist() in ([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert targets[1].tolist() == pytest.approx([0.2, 0.8, 0])
    assert set_aside.counts == {"unmapped label": 1}


def test_a_source_of_its_own_needs_the_names_of_the_classes(tmp_path):
    rows = [{"text": f"text {n}", "label": {CLASSES[n % 3]: 0.9, CLASSES[n // 3]: 0.1}} for n in
            (1, 2, 3, 5, 6, 7)]  # fmt: skip
    path = tmp_path / "soft.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = DataSettings(
        source=str(path), label_map={name: name for name in CLASSES}, soft_labels=True
    )
    corpus = load_corpus(data, 0, SetAside(None))
    assert corpus.classes == CLASSES
    assert all(example.class_probabilities for example in corpus.sample)
