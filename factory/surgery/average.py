r"""The mean of the weights of models that one started from the other, as a model of its own.

    python -m factory.surgery.average --model runs/first_slow --share 1 \
        --model runs/first_fast --share 1 --out runs/first

Wortsman et al. (2022), "Model soups: averaging weights of multiple fine-tuned models improves
accuracy without increasing inference time". The temperature is fitted anew on the validation texts
of the last model's source.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentiment_lstm.bundle import Bundle, load_bundle, run_settings, save_bundle
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.evaluation.calibration import fit_temperature
from sentiment_lstm.evaluation.metrics import evaluate
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.settings import Settings


def averaged(bundles: Sequence[Bundle], shares: Sequence[float]) -> Bundle:
    """The last bundle with the mean weights of all; its temperature is the last one's still.

    Raises:
        UsageError: the models are of different shapes or words.
    """
    last = bundles[-1]
    if len({(one.tokenizer.to_json(), one.tokenizer.correct_slips) for one in bundles}) > 1:
        raise UsageError("Expected models that read the same words, found others: name such.")
    shapes = [{name: row.shape for name, row in one.weights.items()} for one in bundles]
    if any(one != shapes[0] for one in shapes):
        raise UsageError("Expected models of one shape, found others: name such.")
    parts = [share / sum(shares) for share in shares]
    weights = {
        name: np.add.reduce(
            [part * one.weights[name] for part, one in zip(parts, bundles, strict=True)]
        ).astype(np.float32)
        for name in last.weights
    }
    provenance = {**last.config.provenance, "averaged with models it grew from, shares": parts}
    config = replace(last.config, provenance=provenance)
    return replace(last, weights=weights, graphs={}, card="", config=config)


def settings_of(bundle: Bundle) -> Settings:
    """What a model was trained with.

    Raises:
        UsageError: it does not say.
    """
    settings = bundle.config.provenance.get("settings")
    if not isinstance(settings, dict):
        raise UsageError("Expected a model that tells the settings of its training, found none.")
    return run_settings(bundle) or Settings.from_dict(settings)


def calibrated(bundle: Bundle) -> Bundle:
    """The bundle with a temperature, and what it reaches on its source's validation texts."""
    bundle = replace(bundle, config=replace(bundle.config, temperature=1.0))
    settings = settings_of(bundle)
    corpus = load_corpus(settings.data, settings.training.seed, SetAside(None))
    labels = np.array([corpus.classes.index(str(one.label)) for one in corpus.validation])
    predictor = Predictor(bundle, open_torch(bundle))
    logits = np.log(predictor.probabilities(one.text for one in corpus.validation))
    config = replace(bundle.config, temperature=fit_temperature(logits, labels))
    shares = Predictor(replace(bundle, config=config), predictor.runtime).calibrated(logits)
    found = evaluate(labels, shares)
    metrics = {
        "validation_accuracy": found.accuracy,
        "validation_calibrated_loss": found.log_loss,
        "temperature": config.temperature,
    }
    return replace(bundle, config=config, metrics=metrics)


def main(arguments: Sequence[str] | None = None) -> int:
    """Average, calibrate, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--share", type=float, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    fit = all(share > 0 for share in options.share) and math.isfinite(sum(options.share))
    if len(options.share) != len(options.model) or not fit:
        parser.error(
            f"Expected a --share above 0 for each --model, found {options.share} for "
            f"{len(options.model)} models: give one each"
        )
    bundle = averaged([load_bundle(folder) for folder in options.model], options.share)
    save_bundle(options.out, calibrated(bundle))
    return 0


if __name__ == "__main__":
    run_script(main)
