"""A whole training on texts that may have several labels: with and without trials and wide path."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import QUIET, interrupted_at, tiny

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import load_bundle, save_bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.export import export
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.feed import encode, targets_of
from sentiment_lstm.training.run import resume, train
from sentiment_lstm.training.standing import describe
from sentiment_lstm.training.wide import count_features, fit_linear, with_learnt_features

FILLER = ("a", "the", "film", "we", "saw", "it")
WORDS = {"joy": "happy", "love": "adore", "rage": "furious"}


def write_moods(path: Path, words: dict[str, str], count: int = 240) -> Path:
    """Texts in which a word stands for each label; a csv with a separator."""
    rng, rows = random.Random(0), ["text,mood"]
    for number in range(count):
        labels = [name for name in words if rng.random() < 0.4]
        tokens = [words[name] for name in labels] + rng.choices(
            ["a", "the", "film", "we", "saw", "it"], k=5
        )
        rng.shuffle(tokens)
        rows.append(f"{' '.join(tokens)} {number},{'|'.join(labels)}")
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def settings_for(path: Path, **changes: object) -> Settings:
    several = {"data__multi_label": True, "data__label_column": "mood", "training__epochs": 8}
    return tiny(path, **{**several, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model__wide_features": 500},
        {"model__wide_features": 500, "training__trials": 2, "training__keep": "last"},
    ],
)
def test_labels_that_words_decide_are_learnt(tmp_path: Path, changes: dict[str, object]) -> None:
    path, folder = write_moods(tmp_path / "moods.csv", WORDS), tmp_path / "run"
    metrics = train(settings_for(path, **changes), folder, QUIET)
    assert metrics["validation_macro_f1"] > 0.9
    assert metrics["validation_accuracy"] > 0.7
    assert [row["class"] for row in metrics["validation_per_class"]]
    classifier = SentimentClassifier.from_pretrained(folder, threads=1)
    assert classifier.classes_ == ["joy", "love", "rage"]
    predicted = classifier.predict(["we adore it , happy", "we saw the film"])
    assert sorted(predicted[0] or []) == ["joy", "love"]
    assert predicted[1] == []


def test_two_labels_have_two_units_and_their_graph_gives_the_same(tmp_path: Path) -> None:
    words = {"joy": "happy", "love": "adore"}
    path, folder = write_moods(tmp_path / "moods.csv", words), tmp_path / "run"
    train(settings_for(path, model__wide_features=200, model__pooling="last"), folder, QUIET)
    bundle = load_bundle(folder)
    assert bundle.weights["output.bias"].shape == (2,)
    texts = ["we adore it , happy", "happy film", "a film"]
    from_torch = SentimentClassifier(bundle, 1).predict_proba(texts)
    assert abs(from_torch.sum(axis=1) - 1).max() > 0.1
    save_bundle(tmp_path / "with graphs", export(bundle))
    exported = SentimentClassifier.from_pretrained(tmp_path / "with graphs", threads=1)
    np.testing.assert_allclose(exported.predict_proba(texts), from_torch, atol=0.03)
    assert exported.thresholds_ == SentimentClassifier(bundle, 1).thresholds_


def test_the_bundle_says_its_format_and_thresholds(tmp_path: Path) -> None:
    path, folder = write_moods(tmp_path / "moods.csv", WORDS), tmp_path / "run"
    train(settings_for(path, training__epochs=1), folder, QUIET)
    config = json.loads((folder / "config.json").read_text())
    assert config["format_version"] == 2
    assert config["multi_label"] is True
    assert list(config["thresholds"]) == ["joy", "love", "rage"]
    assert "A text may have several of them" in (folder / "README.md").read_text()


def test_a_resumed_run_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_moods(tmp_path / "moods.csv", WORDS)
    settings = settings_for(path, model__wide_features=200, training__epochs=2)
    train(settings, tmp_path / "whole", QUIET)
    folder = tmp_path / "cut"
    interrupted_at(
        monkeypatch,
        lambda: train(settings, folder, QUIET),
        lambda trainer: trainer.progress.step == 3,
    )
    resume(folder, QUIET)
    whole, cut = (load_bundle(tmp_path / name) for name in ("whole", "cut"))
    assert whole.config.thresholds == cut.config.thresholds
    for name, weights in whole.weights.items():
        np.testing.assert_array_equal(weights, cut.weights[name])


def test_a_model_of_one_label_a_text_starts_one_of_several(tmp_path: Path) -> None:
    path = write_moods(tmp_path / "moods.csv", {"bad": "awful", "good": "lovely"})
    single = tmp_path / "single.csv"
    rows = ["text,mood", *(f"{('awful', 'lovely')[n % 2]} film {n},{n % 2}" for n in range(80))]
    single.write_text("\n".join(rows))
    first = {"data.label_map": {"0": "bad", "1": "good"}, "data.label_column": "mood"}
    train(tiny(single, training__epochs=1).updated(first), tmp_path / "one", QUIET)
    settings = settings_for(path, training__init=str(tmp_path / "one"), training__epochs=1)
    train(settings, tmp_path / "several", QUIET)
    assert load_bundle(tmp_path / "several").weights["output.bias"].shape == (2,)


@pytest.mark.parametrize("name", ["class_weights", "self_training"])
def test_settings_for_one_class_a_text_are_refused(tmp_path: Path, name: str) -> None:
    path = write_moods(tmp_path / "moods.csv", WORDS)
    changes = {f"training__{name}": True, "language__sources": (str(path),)}
    changes["language__epochs"] = 1
    with pytest.raises(UsageError, match=f"Expected one label for each text with training.{name}"):
        train(settings_for(path, **changes), tmp_path / "run", QUIET)


def test_adversarial_training_works(tmp_path: Path) -> None:
    path = write_moods(tmp_path / "moods.csv", WORDS, count=60)
    metrics = train(
        settings_for(path, training__adversarial=1.0, training__epochs=1), tmp_path / "run", QUIET
    )
    assert np.isfinite(metrics["validation_loss"])


def test_a_window_holds_which_labels_each_text_has() -> None:
    examples = [
        Example("a b", None, "1", labels=("joy", "love")),
        Example("c", None, "2", labels=()),
    ]
    tokenizer = TextTokenizer.learn(["a b c"], Settings().text)
    window = encode(examples, tokenizer, ["joy", "love", "rage"], 100)
    assert window.targets is not None
    assert window.targets.tolist() == [[True, True, False], [False, False, False]]
    assert targets_of(examples, ["love", "joy"]).tolist() == [[True, True], [False, False]]


def test_the_wide_path_fits_each_label_by_itself() -> None:
    examples = [
        Example("happy day", None, "1", labels=("joy", "always")),
        Example("sad day", None, "2", labels=("always",)),
        Example("happy adored day", None, "3", labels=("joy", "love", "always")),
        Example("adored day", None, "4", labels=("love", "always")),
    ] * 3
    classes = ["always", "joy", "love", "never"]
    texts = [example.text for example in examples]
    tokenizer = TextTokenizer.learn(texts, Settings().updated({"text.min_frequency": 1}).text)
    tokenizer = with_learnt_features(tokenizer, examples, 100)
    counts, rows = count_features(tokenizer, examples), np.arange(len(examples))
    targets = targets_of(examples, classes)
    logits = counts.logits(fit_linear(counts, rows, targets, len(classes)), rows)
    assert ((logits > 0) == targets).all()
    assert (logits[:, 0] == 10).all()
    assert (logits[:, 3] == -10).all()


def test_a_model_without_any_right_label_is_said_loudly() -> None:
    metrics = {"validation_accuracy": 0.4, "validation_micro_f1": 0.0, "wide_macro_f1": 0.25}
    said = " ".join(describe(metrics, Settings().training))
    assert "WARNING: the model finds no label of any validation text" in said
    assert "(the wide path alone): macro F1 0.2500" in said
