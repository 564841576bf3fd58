"""The English start: its texts, its tasks, its training and its bundle."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_runs import interrupted_at

from factory.english import language, ship, tasks, texts
from sentiment_lstm.bundle import STARTS, load_bundle
from sentiment_lstm.interrupts import Interrupts
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.language import LanguageModel
from sentiment_lstm.records import Batch
from sentiment_lstm.settings import ModelSettings, Settings
from sentiment_lstm.training.loop import Trainer

SMALL = {
    "text.vocabulary": 60,
    "text.min_frequency": 1,
    "model.embedding_size": 4,
    "model.hidden_size": 4,
    "model.layers": 1,
    "model.pooling": "max+mean+last",
    "language.epochs": 1,
    "language.batch_tokens": 60,
    "language.negatives": 10,
    "training.batch_tokens": 60,
    "training.max_steps": 12,
    "training.threads": 1,
    "training.device": "cpu",
    "training.precision": "float32",
}


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """A few texts of each set."""
    labels = {"imdb": [0, 1], "products": [0, 1], "irony": [0, 1], "tweets": [0, 1, 2]}
    rows = {
        name: [
            {"text": f"{name} text {n}", "label": values[n % len(values)], "movie": n}
            for n in range(6)
        ]
        for name, values in labels.items()
    }
    rows["sst"] = [{"text": f"phrase {stars}", "stars": stars} for stars in range(5)]
    named = [("negative", 1), ("positive", 2), ("neutral", 2), ("positive", 1)]
    rows["news"] = [
        {"text": f"news {max(n, 1)}", "label": label, "targets": targets}
        for n, (label, targets) in enumerate(named)
    ]
    listed = [["joy"], ["anger", "fear"], ["joy"]]
    rows["goemotions"] = [
        {"text": f"comment {n % 2}", "emotions": emotions} for n, emotions in enumerate(listed)
    ]
    for name, lines in rows.items():
        write(tmp_path / name / "train.jsonl", lines)
    write(tmp_path / "imdb" / "unsupervised.jsonl", [{"text": "unlabelled"}, {"text": ""}])
    (tmp_path / "imdb" / "README.md").write_text(CARD)
    monkeypatch.setenv("SENTIMENT_LSTM_DATA", str(tmp_path))


CARD = """---
configs:
- config_name: plain_text
  data_files:
  - split: train
    path: train.jsonl
  - split: unsupervised
    path: unsupervised.jsonl
---
"""


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.fixture
def few_texts(monkeypatch):
    """Short texts in place of the data sets."""
    films = [f"the film number {n} was good" for n in range(60)]
    others = [f"a box number {n} is bad" for n in range(60)]
    labels = np.arange(60) % 2
    emotions = np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    few = [
        texts.Task("films", films, labels, 2, 0.75),
        texts.Task("others", others, emotions, 3, 0.75),
    ]
    monkeypatch.setattr(language, "film_texts", lambda: films)
    monkeypatch.setattr(language, "other_texts", lambda: others)
    monkeypatch.setattr(tasks, "all_tasks", lambda: few)


def small(**changes) -> Settings:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Settings().updated(SMALL | named)


def trained(folder: Path):
    with Interrupts() as interrupts:
        language.train_language_model(small(), folder, interrupts)
    return load_bundle(folder)


def same_weights(bundle, other) -> bool:
    return all(np.array_equal(w, other.weights[name]) for name, w in bundle.weights.items())


def test_the_language_model_reads_each_text_once(sets):
    films = texts.film_texts()
    assert films == [*(f"imdb text {n}" for n in range(6)), "unlabelled"]
    others = texts.other_texts()
    assert others[-5:] == ["comment 0", "comment 1", "news 1", "news 2", "news 3"]
    assert len(others) == 3 * 6 + 5
    assert not any(text.startswith("phrase") for text in others)


def test_tasks_hold_the_labels_of_training_splits(sets):
    by_name = {task.name: task for task in texts.all_tasks()}
    assert by_name["tweets"].targets.tolist() == [0, 1, 2, 0, 1, 2]
    assert by_name["tweets"].outputs == 3
    assert list(by_name["sst"].texts) == ["phrase 0", "phrase 1", "phrase 3", "phrase 4"]
    assert by_name["sst"].targets.tolist() == [0, 0, 1, 1], "neutral phrases are left out"
    assert list(by_name["news"].texts) == ["news 1", "news 3"], "sentences of one target alone"
    assert by_name["news"].targets.tolist() == [0, 2]
    emotions = by_name["goemotions"]
    assert emotions.targets.tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 1]], "anger, fear, joy"
    assert sum(task.fraction for task in by_name.values()) == pytest.approx(1)


def test_an_interrupted_language_model_ends_with_the_same_weights(few_texts, tmp_path, monkeypatch):
    whole = trained(tmp_path / "whole")
    folder = tmp_path / "interrupted"
    interrupted_at(monkeypatch, lambda: trained(folder), lambda t: t.progress.step == 5)
    assert not (folder / "config.json").exists()
    steps = []
    step = Trainer._train_step
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", lambda self, b: steps.append(1) or step(self, b))
        assert same_weights(trained(folder), whole)
    assert 0 < len(steps) < whole.metrics["step"]
    assert not list(folder.glob("checkpoint*"))


def test_tasks_train_all_but_the_output_layer_in_a_repeatable_way(few_texts, tmp_path, capsys):
    start = trained(tmp_path / "language")
    bundle = tasks.train_tasks(small(), start)
    assert same_weights(tasks.train_tasks(small(), start), bundle)
    assert not np.array_equal(bundle.weights["embedding.weight"], start.weights["embedding.weight"])
    assert bundle.config == start.config, "the dropout of this stage is not stored"
    assert "12 updates: films" in capsys.readouterr().out


def test_a_text_of_one_token_teaches_no_next_token():
    torch.manual_seed(0)
    shape = ModelSettings(embedding_size=4, hidden_size=4, layers=1, pooling="max+mean+last")
    classifier = LSTMClassifier(shape, 9, 2)
    model = LanguageModel(classifier, torch.ones(9), 4)
    task = texts.Task("films", [], np.zeros(0, dtype=np.int64), 3, 1.0)
    network = tasks.TaskNetwork(classifier, model, [task]).eval()
    logits, losses = network("films", torch.tensor([[3], [4]]), torch.tensor([1, 1]))
    assert (logits.shape, len(losses)) == ((2, 3), 0)
    ids, lengths = torch.tensor([[3, 4, 5], [6, 7, 0]]), torch.tensor([3, 2])
    _, losses = network("films", ids, lengths)
    torch.testing.assert_close(losses, model(ids, lengths)[0])
    trained = {id(parameter) for parameter in network.trained()}
    assert not trained & {id(parameter) for parameter in classifier.output.parameters()}


def test_losses_of_classes_and_of_labels():
    ids = np.zeros((2, 1), dtype=np.int64)
    ones = np.ones(2, dtype=np.int64)
    batch = Batch(ids, ones, np.array([0, 1]), ones)
    loss, accuracy = tasks.task_loss(torch.zeros(2, 4), batch)
    assert (loss.item(), accuracy) == (pytest.approx(math.log(4)), 0.5)
    several = Batch(ids, ones, ones, ones, np.array([[1, 1], [0, 0]], dtype=np.float32))
    logits = torch.tensor([[0.0, 5.0], [0.0, 0.0]])
    loss, accuracy = tasks.task_loss(logits, several)
    assert loss.item() == pytest.approx(10 * (3 * math.log(2) + math.log1p(math.exp(-5))) / 4)
    assert accuracy == 0.75


def test_a_shipped_start_has_learnt_no_classes(few_texts, tmp_path):
    model, out = tmp_path / "model", tmp_path / "english"
    bundle = trained(model)
    assert ship.shipped(bundle).half
    assert ship.main(["--model", str(model), "--out", str(out)]) == 0
    shipped = load_bundle(out)
    assert not shipped.weights["output.weight"].any()
    assert dict(shipped.config.provenance) == ship.stated()
    assert shipped.metrics == {}


def test_the_start_that_ships_states_what_the_factory_says():
    start = load_bundle(STARTS / "english")
    stated = ship.stated() | {"version": start.config.provenance["version"]}
    assert dict(start.config.provenance) == stated
    assert start.card == ship.card(start)
