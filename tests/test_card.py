import json
import re

import numpy as np
import pytest

from sentiment_lstm.card import model_card
from sentiment_lstm.evaluation.by_class import by_class
from sentiment_lstm.settings import Settings

CONFIG = {
    "model": {"hidden": 3},
    "text": {"kind": "word"},
    "label2id": {"bad": 0, "good": 1},
    "temperature": 1.23456,
    "training": {"settings": Settings().to_dict(), "set_aside": 7},
}
METRICS = {"validation_accuracy": 0.875, "validation_loss": float("nan"), "train_seconds": 12.5}


def front_matter(card: str) -> str:
    return card.split("---\n")[1]


def index(card: str) -> dict[str, object]:
    """Return the single entry of `model-index`."""
    line = next(line for line in front_matter(card).splitlines() if line.startswith("- {"))
    return json.loads(line[2:])


def test_model_index_holds_the_measured_numbers():
    entry = index(model_card("mine", CONFIG, METRICS))
    result = entry["results"][0]
    assert entry["name"] == "mine"
    assert result["dataset"] == {"type": "imdb", "name": "imdb", "split": "validation"}
    assert result["metrics"] == [
        {"type": "accuracy", "name": "validation_accuracy", "value": 0.875}
    ]


def test_no_results_without_measurements():
    assert index(model_card("mine", CONFIG, {"train_seconds": 1.0}))["results"] == []


def test_card_shows_data_classes_results_and_settings():
    card = model_card("mine", CONFIG, METRICS)
    for words in ("`bad`, `good`", "`imdb`", "- set_aside: 7", "| train_seconds | 12.5 |"):
        assert words in card
    settings = json.loads(card.split("```json\n")[1].split("```")[0])
    assert settings == Settings().to_dict()


def test_card_shows_the_temperature():
    assert "divided by the temperature 1.235\n" in model_card("mine", CONFIG, METRICS)


def test_card_lists_the_first_of_many_classes_and_the_weakest():
    classes = [f"intent|{n}" for n in range(77)]
    confusion = np.diag(np.arange(1, 78))
    confusion[:, 0] += 1
    measures = by_class(confusion, classes)
    metrics = {f"validation_{name}": value for name, value in measures.items() if value}
    config = {**CONFIG, "label2id": {name: n for n, name in enumerate(classes)}}
    card = model_card("mine", config, metrics)
    assert "77 classes `intent|0`, `intent|1`, " in card
    assert "`intent|19` and 57 more (listed in `config.json`)." in card
    assert "The 20 weakest of 77 classes (`metrics.json` holds all), measured" in card
    assert card.count("| `intent\\|") == 20 + 2 * 10
    assert "| `intent\\|0` | 0.050 | 0.026 | 1.000 | 2 |" in card
    assert "| `intent\\|1` | `intent\\|0` | 1 of 3 |" in card
    assert "per_class" not in card


def test_card_of_three_classes_shows_all_and_numbers():
    measures = by_class([[3, 0, 0], [0, 2, 0], [0, 1, 1]], ["1", "2", "3"])
    metrics = {f"validation_{name}": value for name, value in measures.items()}
    card = model_card("mine", CONFIG, metrics)
    assert "All classes, the weakest first, measured" in card
    assert "| validation_mean_absolute_error | 0.1429 |" in card
    assert "| validation_within_one | 1 |" in card
    names = [row["name"] for row in index(card)["results"][0]["metrics"]]
    assert names == ["validation_mean_absolute_error", "validation_within_one"]


def test_card_of_a_model_without_provenance():
    assert "`unknown`" in model_card("mine", {**CONFIG, "training": {}}, {})


def test_card_names_every_source():
    changes = {"mixture": [{"source": "b.csv"}], "language.sources": ["c.csv"]}
    settings = Settings().updated({**changes, "language.epochs": 1})
    card = model_card("mine", {**CONFIG, "training": {"settings": settings.to_dict()}}, {})
    assert "Trained on `imdb` (train), `b.csv` (train), and on texts of `c.csv` without" in card


def test_card_counts_texts_that_were_in_memory():
    changes = {"data.source": "given_texts.jsonl", "language.sources": ["given_unlabelled.jsonl"]}
    settings = Settings().updated({**changes, "language.epochs": 1}).to_dict()
    hashed = [{"source": "given_texts.jsonl", "sha256": "0a"}]
    training = {"settings": settings, "texts": 1234, "sources": hashed}
    card = model_card("mine", {**CONFIG, "training": training}, METRICS)
    assert "on texts given in Python (1,234), and on unlabelled texts given in Python." in card
    assert "given_" not in card
    assert index(card)["results"][0]["dataset"]["name"] == "texts given in Python"


def test_card_names_the_model_that_training_started_from():
    settings = Settings().updated({"training.init": "first"})
    card = model_card("mine", {**CONFIG, "training": {"settings": settings.to_dict()}}, {})
    assert "Trained on `imdb` (train). Training started from the model `first`.\n" in card


def test_card_shows_tests_behaviour_and_origins():
    result = {"capability": "typos", "cases": 100, "failure_rate": 0.07, "limit": 0.05}
    metrics = {
        "tests": {"tweets": {"n": 1234, "score": 0.615}},
        "behaviour": [result | {"within_limit": False}],
    }
    config = {**CONFIG, "training": {"origins": {"tweets": "short texts; no licence stated"}}}
    card = model_card("mine", config, metrics)
    assert "| tweets | 1,234 | 61.50% |  |  |" in card
    assert "| typos | 100 | 7.0% | 5% |" in card
    assert "exceeds the limit at: typos." in card
    assert "- tweets: short texts; no licence stated" in card


@pytest.mark.parametrize(
    ("classes", "rule"),
    [
        (("negative", "positive"), "a probability\nof `positive` from 1/3 to 2/3"),
        (("negative", "neutral", "positive"), "the likeliest\nclass counts. Sets of two classes"),
    ],
)
def test_card_says_how_sets_are_measured(classes, rule):
    config = {**CONFIG, "label2id": {name: index for index, name in enumerate(classes)}}
    card = model_card("mine", config, {"tests": {"tweets": {"n": 1234, "score": 0.615}}})
    assert f"For sets of three classes it is the macro-averaged recall, and {rule}" in card


def test_card_says_that_fits_of_the_output_layer_were_measured():
    card = model_card("mine", CONFIG, {**METRICS, "output_layer_fits": 4})
    assert "come from 4 fits of the output layer" in card
    assert "kept out of training" not in card


def test_card_of_a_training_that_ended_in_a_trial_says_that_its_texts_were_kept_out():
    settings = Settings().updated({"training.trials": 4}).to_dict()
    config = {**CONFIG, "training": {"settings": settings}}
    whole, ended = (
        model_card("mine", config, METRICS | more) for more in ({}, {"single_trial": True})
    )
    assert "trial trainings (4)" in whole
    assert "trial trainings" not in ended


def test_card_without_tests_has_no_empty_tables():
    card = model_card("mine", CONFIG, METRICS)
    assert "## Behaviour" not in card
    assert "## Test splits" not in card


HOSTILE = "a\x1b[2J\n## Injected | `x`\u202e\u2028| ``` y"


def test_no_string_from_outside_breaks_the_card():
    classes = {HOSTILE: 0, "b": 1, "c": 2}
    confusion = np.array([[5, 1, 0], [2, 5, 0], [0, 0, 4]])
    measures = by_class(confusion, list(classes))
    metrics = {f"validation_{name}": value for name, value in measures.items() if value}
    metrics |= {
        "tests": {HOSTILE: {"n": 3, "score": 0.5}},
        "behaviour": [{"capability": HOSTILE, "cases": 1, "failure_rate": 1.0, "limit": 0.0,
                       "within_limit": False}],
        HOSTILE: 1,
    }  # fmt: skip
    settings = Settings().updated({"data.source": HOSTILE, "training.init": HOSTILE}).to_dict()
    training = {
        "settings": settings,
        HOSTILE: HOSTILE,
        "origins": {HOSTILE: HOSTILE},
        "sources": [{"source": HOSTILE, "files": {HOSTILE: HOSTILE}}],
    }
    card = model_card(HOSTILE, CONFIG | {"label2id": classes, "training": training}, metrics)
    plain = model_card("m", CONFIG, METRICS)
    assert not set(card) & set("\x1b\u202e\u2028\r")
    assert "\n## Injected" not in card
    assert card.count("\n---\n") == plain.count("\n---\n")
    assert card.count("\n```") == plain.count("\n```")
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows if "Injected" in row}
    assert widths <= {2, 3, 4, 5}
    for row in rows:
        assert row.endswith(" |"), row
    first = next(row for row in rows if "F1" in row or "f1" in row)
    assert any("Injected" in row and row.count("|") - row.count("\\|") == first.count("|")
               for row in rows)  # fmt: skip


def test_plain_names_are_shown_as_before():
    card = model_card("mine", CONFIG | {"label2id": {"in `code`": 0, "good | fine": 1}}, METRICS)
    assert "classes `` in `code` ``, `good | fine`." in card
