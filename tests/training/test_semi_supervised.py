"""A whole run with every term of the objective and unlabelled texts, interrupted and resumed."""

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import QUIET, interrupted_at, tiny

from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.metrics_log import read_metrics
from sentiment_lstm.training.run import resume, train


@pytest.fixture
def mixed(csv_file: Path, tmp_path: Path) -> Settings:
    more = tmp_path / "more.csv"
    words = ["lovely", "awful", "quokka"]
    rows = [f"number {n} and a {words[n % 3]} film with its plot" for n in range(60)]
    more.write_text("text\n" + "\n".join(rows))
    return tiny(
        csv_file,
        language__sources=(str(more),),
        training__adversarial=1.0,
        training__virtual_adversarial=1.0,
        training__entropy=1.0,
        training__perturbation=0.5,
    )


def test_training_with_every_term_learns_and_resumes(mixed: Settings, tmp_path: Path, monkeypatch):
    metrics = train(mixed, tmp_path / "whole", QUIET)
    assert metrics["validation_accuracy"] > 0.9
    assert all("extra" in line for line in read_metrics(tmp_path / "whole") if "loss" in line)
    interrupted_at(
        monkeypatch,
        train=lambda: train(mixed, tmp_path / "run", QUIET),
        when=lambda trainer: trainer.progress.step == 7,
    )
    resume(tmp_path / "run", QUIET)
    whole, resumed = load_bundle(tmp_path / "whole"), load_bundle(tmp_path / "run")
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], weight)


def test_embeddings_are_normalised_if_texts_are_perturbed(mixed: Settings, tmp_path: Path):
    """One update with a tiny learning rate leaves the table as it started."""
    still = {"training.max_steps": 1, "training.learning_rate": 1e-12, "training.entropy": 0.0}
    still |= {"language.sources": ()}
    for name, weight in (("plain", 0.0), ("mixed", 1.0)):
        terms = {"training.adversarial": weight, "training.virtual_adversarial": 0.0}
        train(mixed.updated(still | terms), tmp_path / name, QUIET)
    plain, shifted = (load_bundle(tmp_path / name) for name in ("plain", "mixed"))
    assert not np.allclose(
        plain.weights["embedding.weight"], shifted.weights["embedding.weight"], atol=1e-3
    )
    assert plain.metrics["validation_loss"] == pytest.approx(
        shifted.metrics["validation_loss"], abs=1e-5
    )
