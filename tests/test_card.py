import json

from sentiment_lstm.card import model_card
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


def test_card_of_a_model_without_provenance():
    assert "`unknown`" in model_card("mine", {**CONFIG, "training": {}}, {})


def test_card_names_every_source():
    changes = {"mixture": [{"source": "b.csv"}], "language.sources": ["c.csv"]}
    settings = Settings().updated({**changes, "language.epochs": 1})
    card = model_card("mine", {**CONFIG, "training": {"settings": settings.to_dict()}}, {})
    assert "Trained on `imdb` (train), `b.csv` (train), and on texts of `c.csv` without" in card


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


def test_card_without_tests_has_no_empty_tables():
    card = model_card("mine", CONFIG, METRICS)
    assert "## Behaviour" not in card
    assert "## Test splits" not in card
