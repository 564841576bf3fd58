"""`benchmarks/own_data_without.py`: trainings without one part, in processes of their own."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import own_data
import own_data_without
import pytest
from own_data_without import PARTS, Replacement

from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.evaluation.calibration import fit_temperature
from sentiment_lstm.evaluation.mixing import fit_mixture
from sentiment_lstm.text.features import learn_features
from sentiment_lstm.text.hashing import NGRAM
from sentiment_lstm.weights_file import WIDE

SCRIPT = Path(own_data_without.__file__)
WORDS = {"angry": "terrible awful", "glad": "lovely happy", "sad": "alone crying"}


@pytest.fixture
def put_in(monkeypatch):
    """Puts a replacement in for one test."""

    def put(part):
        module, function, stand_in = PARTS[part]
        original = getattr(sys.modules[module], function)
        monkeypatch.setattr(sys.modules[module], function, original)
        replacement = Replacement(module, function, stand_in)
        replacement.put_in()
        return replacement

    return put


def test_each_ablation_names_a_part_that_exists():
    assert [system.name for system in own_data.ABLATIONS] == [
        "ours without the wide path", "ours without the LSTM", "ours without n-grams",
    ]  # fmt: skip
    for module, function, _ in PARTS.values():
        __import__(module)
        assert callable(getattr(sys.modules[module], function))


def test_without_the_lstm_the_wide_path_is_calibrated_alone():
    random = np.random.default_rng(0)
    targets = random.integers(0, 3, 200)
    deep = 9 * np.eye(3)[targets]  # knows everything, and gets no weight
    wide = (np.eye(3)[targets] + random.normal(size=(200, 3))).astype(np.float32)
    mixture = own_data_without._only_second(fit_mixture)(deep, wide, targets)
    assert mixture.weight == 1
    assert mixture.temperature == fit_temperature(wide, targets)
    np.testing.assert_array_equal(mixture.logits(deep, wide), wide)


def test_without_ngrams_words_and_pairs_are_counted(put_in):
    texts, split = [["good", "film"], ["good", "book"]], lambda parts: [[part] for part in parts]
    all_features = learn_features(texts, split, 1_000, 1)
    replacement = put_in("n-grams")
    features = learn_features(texts, split, 1_000, 1)
    assert features.tolist() == [each for each in all_features if each < NGRAM]
    assert len(features) == 3 + 2
    replacement.require_calls()


def test_a_function_that_is_gone_is_an_error(monkeypatch):
    replacement = Replacement("sentiment_lstm.training.combining", "fit_sum", lambda old: old)
    with pytest.raises(UsageError, match="Expected a function fit_sum in sentiment_lstm"):
        replacement.put_in()
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "attention", "train"])
    with pytest.raises(UsageError, match="Expected a part among LSTM, n-grams, found 'attention'"):
        own_data_without.main()


def test_a_training_that_does_not_use_the_part_is_an_error(monkeypatch, put_in):
    put_in("LSTM")  # undone after the test
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "LSTM", "--version"])
    with pytest.raises(TrainingError, match="the model has all its parts"):
        own_data_without.main()


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_training_without_the_part(tmp_path, part):
    data, run = tmp_path / "train.csv", tmp_path / "run"
    with data.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for n in range(90):
            label, words = list(WORDS.items())[n % 3]
            writer.writerow([f"{words.split()[n % 2]}, number {n}", label])
    call = [sys.executable, str(SCRIPT), part, "train", "--data", str(data), "--out", str(run)]
    # After two updates, a new output layer on the start would win, without a wide path.
    settings = ["--set", "training.max_steps=2", "--set", "training.linear_probe=false"]
    subprocess.run([*call, *settings], check=True, capture_output=True)
    bundle, metrics = load_bundle(run), json.loads((run / "metrics.json").read_text("utf-8"))
    if part == "LSTM":
        assert metrics["wide_weight"] == 1
        assert not bundle.weights["output.weight"].any()
        assert bundle.weights[WIDE].any()
    else:
        assert len(bundle.tokenizer.features)
        assert (bundle.tokenizer.features.hashes < NGRAM).all()
