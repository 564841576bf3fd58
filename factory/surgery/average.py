r"""The weighted mean of the weights of related models, as a model of its own.

    python -m factory.surgery.average --model runs/first_slow --model runs/first_fast \
        --out runs/first

This is Wortsman et al. (2022), "Model soups: averaging weights of multiple fine-tuned models
improves accuracy without increasing inference time". It works for models that were trained from one
another or from the same start. Before, each model's output layer is divided by its temperature, so
that all logits have one scale. The temperature is fitted again on the validation texts of the last
model's source. `--weight`, once for each model, makes the mean a weighted one.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentiment_lstm.bundle import (
    Bundle,
    load_bundle,
    run_settings,
    save_bundle,
    with_temperature_one,
)
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.evaluation.calibration import fit_temperature
from sentiment_lstm.evaluation.metrics import evaluate
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.settings import Settings


def averaged(bundles: Sequence[Bundle], weights: Sequence[float]) -> Bundle:
    """The last bundle with the weighted mean of all weights. Its temperature is 1.

    Args:
        bundles: the models.
        weights: the weight of each model in the mean, above 0.

    Raises:
        UsageError: the models differ in shape or in their tokens.
    """
    bundles = [with_temperature_one(bundle) for bundle in bundles]
    last = bundles[-1]
    if len({(b.tokenizer.to_json(), b.tokenizer.correct_slips) for b in bundles}) > 1:
        raise UsageError("Expected models that read the same words, found others: name such.")
    shapes = [{name: row.shape for name, row in bundle.weights.items()} for bundle in bundles]
    if any(shape != shapes[0] for shape in shapes):
        raise UsageError("Expected models of one shape, found others: name such.")
    fractions = [weight / sum(weights) for weight in weights]
    pairs = list(zip(fractions, bundles, strict=True))
    mean = {
        name: np.add.reduce([part * bundle.weights[name] for part, bundle in pairs]).astype(
            np.float32
        )
        for name in last.weights
    }
    provenance = {**last.config.provenance, "fractions of the averaged models": fractions}
    config = replace(last.config, provenance=provenance)
    return replace(last, weights=mean, graphs={}, card="", config=config)


def settings_of(bundle: Bundle) -> Settings:
    """The settings that a model was trained with.

    Raises:
        UsageError: it does not say.
    """
    settings = bundle.config.provenance.get("settings")
    if not isinstance(settings, dict):
        raise UsageError("Expected a model that states the settings of its training, found none.")
    return run_settings(bundle) or Settings.from_dict(settings)


def calibrated(bundle: Bundle, source: str | None = None) -> Bundle:
    """The bundle with a fitted temperature, and its scores on its source's validation texts.

    Args:
        bundle: the model.
        source: where its source is now, if that is no set with a name; None: where it was.
    """
    bundle = replace(bundle, config=replace(bundle.config, temperature=1.0))
    settings = settings_of(bundle)
    data = replace(settings.data, source=source or settings.data.source)
    corpus = load_corpus(data, settings.training.seed, SetAside(None))
    labels = np.array([corpus.classes.index(str(e.label)) for e in corpus.validation])
    predictor = Predictor(bundle, open_torch(bundle))
    logits = np.log(predictor.probabilities(example.text for example in corpus.validation))
    config = replace(bundle.config, temperature=fit_temperature(logits, labels))
    probabilities = Predictor(replace(bundle, config=config), predictor.runtime).calibrated(logits)
    scores = evaluate(labels, probabilities)
    metrics = {
        "validation_accuracy": scores.accuracy,
        "validation_calibrated_loss": scores.log_loss,
        "temperature": config.temperature,
    }
    return replace(bundle, config=config, metrics=metrics)


def main(arguments: Sequence[str] | None = None) -> int:
    """Average, calibrate, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--weight", type=float, action="append", help="default: 1 for each")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    weights = options.weight or [1.0] * len(options.model)
    fit = all(weight > 0 for weight in weights) and math.isfinite(sum(weights))
    if len(weights) != len(options.model) or not fit:
        parser.error(
            f"Expected a --weight above 0 for each --model, found {weights} for "
            f"{len(options.model)} models: give one each"
        )
    bundle = averaged([load_bundle(folder) for folder in options.model], weights)
    save_bundle(options.out, calibrated(bundle))
    return 0


if __name__ == "__main__":
    run_script(main)
