"""A whole run with the adversarial loss, interrupted and resumed."""

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import QUIET, interrupted_at, tiny

from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.metrics_log import read_metrics
from sentiment_lstm.training.run import resume, train


@pytest.fixture
def attacked(csv_file: Path) -> Settings:
    return tiny(csv_file, training__adversarial=1.0, training__perturbation=0.5)


def test_adversarial_training_learns_and_resumes(attacked: Settings, tmp_path: Path, monkeypatch):
    metrics = train(attacked, tmp_path / "whole", QUIET)
    assert metrics["validation_accuracy"] > 0.9
    assert all("extra" in line for line in read_metrics(tmp_path / "whole") if "loss" in line)
    interrupted_at(
        monkeypatch,
        train=lambda: train(attacked, tmp_path / "run", QUIET),
        when=lambda trainer: trainer.progress.step == 7,
    )
    resume(tmp_path / "run", QUIET)
    whole, resumed = load_bundle(tmp_path / "whole"), load_bundle(tmp_path / "run")
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], weight)


def test_embeddings_are_normalised_if_texts_are_perturbed(attacked: Settings, tmp_path: Path):
    """One update with a tiny learning rate leaves the table as it started."""
    still = {"training.max_steps": 1, "training.learning_rate": 1e-12}
    for name, weight in (("plain", 0.0), ("attacked", 1.0)):
        train(attacked.updated(still | {"training.adversarial": weight}), tmp_path / name, QUIET)
    plain, shifted = (load_bundle(tmp_path / name) for name in ("plain", "attacked"))
    assert not np.allclose(
        plain.weights["embedding.weight"], shifted.weights["embedding.weight"], atol=1e-3
    )
    assert plain.metrics["validation_loss"] == pytest.approx(
        shifted.metrics["validation_loss"], abs=1e-5
    )
