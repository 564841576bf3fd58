"""Texts after changes that do not change the verdict."""

import json
from random import Random

import numpy as np
import pytest

from factory.texts import varied
from sentiment_lstm.evaluation.polarity import CLASSES

TEXT = "My aunt, who lives in Denver, met Alice there. The soup was cold."


@pytest.fixture
def models(monkeypatch):
    """Two models that score a text by its length and by nothing, and the texts they were asked."""
    asked = []

    class Classifier:
        def __init__(self, name):
            self.by_length = str(name) == "long"

        def predict_proba(self, texts):
            asked.append(list(texts))
            rows = [[0.8, 0.2, 0.0] if len(text) > 20 else [0.0, 0.4, 0.6] for text in texts]
            return np.array(rows if self.by_length else [[0.0, 1.0, 0.0] for _ in texts])

    monkeypatch.setattr(varied.SentimentClassifier, "from_pretrained", Classifier)
    return asked


@pytest.mark.parametrize("change", [change for change, _ in varied.CHANGES])
def test_each_change_is_made_and_keeps_the_words_of_the_verdict(change):
    changed = {change(TEXT, Random(seed)) for seed in range(30)} - {TEXT}
    assert changed
    if change is not varied.roughen:
        assert all("soup was cold" in text for text in changed)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (varied.other_end, "Is it open?"),
        (varied.opened, "Cold soup again."),
        (varied.ended, "What a day!"),
        (varied.other_names, "Will it rain? Denver is warm."),
        (varied.other_commas, "The soup was cold."),
    ],
)
def test_a_change_that_does_not_fit_leaves_the_text(change, text):
    assert {change(text, Random(seed)) for seed in range(30)} == {text}


def test_forms_differ_from_the_text_and_from_each_other():
    made = varied.forms(TEXT, Random(1))
    assert len({TEXT, *made}) == varied.FORMS + 1
    assert made == varied.forms(TEXT, Random(1))


def test_a_text_and_its_forms_get_one_label_from_all_models_and_its_own(models, monkeypatch):
    monkeypatch.setattr(varied, "forms", lambda text, random: [f"{text} and a longer ending"])
    own = np.array([0.0, 0.0, 1.0])
    rows = [*varied.labelled([("Fine.", own), ("Well.", None)], ["long", "none"], Random(0))]
    texts = [json.loads(row)["text"] for row in rows]
    assert texts == models[0] == models[1]
    # The mean of both models is [0, .7, .3] for "Fine." and [.4, .6, 0] for its longer form. The
    # text itself counts as much as the mean of all forms.
    of_models = (np.array([0.0, 0.7, 0.3]) + np.array([0.2, 0.65, 0.15])) / 2
    mixed = varied.OWN_LABEL * own + (1 - varied.OWN_LABEL) * of_models
    for row, expected in zip(rows, [mixed, mixed, of_models, of_models], strict=True):
        label = json.loads(row)["label"]
        assert [label.get(name, 0.0) for name in CLASSES] == pytest.approx(expected, abs=1e-4)


def test_long_texts_are_left_out_and_labels_may_be_missing(tmp_path):
    rows = [
        {"text": "Fine.", "label": {"positive": 1.0}},
        {"text": "Well."},
        {"text": "x" * (varied.LONGEST + 1)},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = dict(varied.read(file, Random(0)))
    assert read.keys() == {"Fine.", "Well."}
    assert read["Well."] is None
    assert read["Fine."].tolist() == [0.0, 0.0, 1.0]
