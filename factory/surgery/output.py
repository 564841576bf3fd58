r"""Fit the output layer again, so that each kind of text counts the same.

    python -m factory.surgery.output --model runs/three/kinds --source runs/three/people \
        --kept runs/three/domains.jsonl --kept runs/three/turned.jsonl --out runs/three/default

A training reads many texts of some kinds and few of others, and its weights say what the network
shall learn, not how often a class occurs. So the output layer is too sure about some kinds and too
unsure about others. Here it alone is fitted again: Kirichenko, Izmailov & Wilson (2023), "Last
layer re-training is sufficient for robustness to spurious correlations". It learns from the
validation texts of `factory.texts.people`, which the network has not read. A part of the texts that
it has read (`--kept`) and a penalty on the change keep what it can do. Each kind and each file
counts the same. Within a kind, the weight of a class is the square root of its number of texts.

The validation texts cannot measure the new model. So it is also fitted four times without a
quarter of them, and the measures are those of the texts that were left out.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from sentiment_lstm.batching import length_batches, lengths_of
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.evaluation.metrics import Scores, evaluate
from sentiment_lstm.evaluation.polarity import CLASSES
from sentiment_lstm.inference.runtime import padded_batch
from sentiment_lstm.model.weights import classifier_from

PENALTY = 1.0
"""Times the squared change of the weights, for units of variance 1. 0.3 and 3 give nearly the same
measures."""
KEPT_TEXTS = 6_000
"""Texts of each file that the training read."""
FOLDS = 4
_BATCH_TOKENS = 30_000
_UPDATES = 120
NEUTRAL = CLASSES.index("neutral")
_NEVER = -1e9
"""The logit of a class that a text cannot have."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Texts:
    """N texts as the output layer sees them.

    `units` are the pooled states, [N, P], and `logits` what the layer makes of them now, [N, 3].
    `labels` are probabilities, [N, 3], and `weights` add up to the weight of the texts, [N].
    `is_polar` says which texts are reviews, [N]: they are never neutral, so only the polarity of
    their prediction counts.
    """

    units: Array
    logits: Array
    labels: Array
    weights: Array
    is_polar: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.bool_]) -> Texts:
        """Some of the texts."""
        return Texts(
            self.units[rows],
            self.logits[rows],
            self.labels[rows],
            self.weights[rows],
            self.is_polar[rows],
        )


def read_kinds(file: Path) -> dict[str, tuple[list[str], Array]]:
    """The texts and labels of each kind. A file without kinds is one kind."""
    rows: dict[str, list[tuple[str, list[float]]]] = defaultdict(list)
    for line in file.read_text("utf-8").splitlines():
        row = json.loads(line)
        label = [row["label"].get(name, 0.0) for name in CLASSES]
        rows[row.get("kind", file.stem)].append((row["text"], label))
    return {
        kind: ([text for text, _ in pairs], np.array([label for _, label in pairs]))
        for kind, pairs in rows.items()
    }


def pooled(bundle: Bundle, texts: Sequence[str]) -> Array:
    """What the output layer reads of each text, [N, P]."""
    config = bundle.config
    model = classifier_from(config.model, len(config.classes), bundle.weights).eval()
    encoded = bundle.tokenizer.encode(texts)
    units = np.empty((len(texts), model.pooling.width))
    with torch.inference_mode():
        for rows in length_batches(lengths_of([text.ids for text in encoded]), _BATCH_TOKENS):
            batch = padded_batch(encoded, rows)
            _, state = model.read(torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths))
            units[rows] = model.pooling.summary(state.pooled).numpy()
    return units


def seen(bundle: Bundle, texts: Sequence[str], labels: Array, weights: Array) -> Texts:
    """The texts as the output layer sees them."""
    units = pooled(bundle, texts)
    logits = units @ bundle.weights["output.weight"].T + bundle.weights["output.bias"]
    is_polar = np.full(len(texts), not labels[:, NEUTRAL].any())
    return Texts(units, logits / bundle.config.temperature, labels, weights, is_polar)


def balanced(labels: Array) -> Array:
    """Weights of texts that add up to 1; a class's weight is the square root of its count, [N]."""
    classes = labels.argmax(axis=1)
    weights: Array = 1 / np.sqrt(np.bincount(classes, minlength=len(CLASSES))[classes])
    weights /= weights.sum()
    return weights


def even(labels: Array) -> Array:
    """Weights of texts that add up to 1, all the same, [N]."""
    return np.full(len(labels), 1 / len(labels))


def together(parts: Sequence[Texts]) -> Texts:
    """All texts of several parts."""
    names = ("units", "logits", "labels", "weights", "is_polar")
    return Texts(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def fitted(texts: Texts) -> tuple[Array, Array]:
    """The change of the output layer's weights, [3, P], and of its bias, [3]."""
    scale = texts.units.std(axis=0) + 1e-3
    units, weights = texts.units / scale, texts.weights / texts.weights.sum()
    shape = (len(CLASSES), units.shape[1])

    def loss(values: Array) -> tuple[float, Array]:
        change, bias = values[: -len(CLASSES)].reshape(shape), values[-len(CLASSES) :]
        guesses = _probabilities(texts.logits + units @ change.T + bias, texts.is_polar)
        surprise = -(texts.labels * np.log(guesses.clip(1e-12))).sum(axis=1)
        error = (guesses - texts.labels) * weights[:, None]
        slope = error.T @ units + 2 * PENALTY * change
        value = (weights * surprise).sum() + PENALTY * (change**2).sum()
        return float(value), np.concatenate([slope.ravel(), error.sum(axis=0)])

    start = np.zeros(shape[0] * shape[1] + len(CLASSES))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _UPDATES})
    return found.x[: -len(CLASSES)].reshape(shape) / scale, found.x[-len(CLASSES) :]


def _probabilities(logits: Array, is_polar: NDArray[np.bool_]) -> Array:
    """The probabilities of the classes, [N, 3]; a review has none for neutral."""
    logits = logits.copy()
    logits[is_polar, NEUTRAL] = _NEVER
    return probabilities(logits)


def left_out(kinds: Sequence[Texts], kept: Sequence[Texts]) -> Iterator[tuple[Array, Array]]:
    """For each kind, its labels and what layers predict that were fitted without these texts."""
    random = np.random.default_rng(0)
    folds = [random.integers(FOLDS, size=len(kind.labels)) for kind in kinds]
    layers = [
        fitted(together([*(k[f != fold] for k, f in zip(kinds, folds, strict=True)), *kept]))
        for fold in range(FOLDS)
    ]
    for kind, fold_of in zip(kinds, folds, strict=True):
        guesses = np.empty_like(kind.labels)
        for fold, (change, bias) in enumerate(layers):
            part = kind[fold_of == fold]
            logits = part.logits + part.units @ change.T + bias
            guesses[fold_of == fold] = _probabilities(logits, part.is_polar)
        yield kind.labels, guesses


def with_new_output(bundle: Bundle, texts: Texts) -> Bundle:
    """The bundle with its output layer fitted to the texts; its temperature is 1."""
    change, bias = fitted(texts)
    temperature = bundle.config.temperature
    output = bundle.weights["output.weight"] / temperature + change
    shift = bundle.weights["output.bias"] / temperature + bias
    changed = {"output.weight": output, "output.bias": shift}
    weights = {**bundle.weights, **{name: a.astype(np.float32) for name, a in changed.items()}}
    config = replace(bundle.config, temperature=1.0)
    return replace(bundle, config=config, weights=weights, graphs={}, card="")


def measured(labels: Array, guesses: Array) -> Scores:
    """Measures of texts whose labels are certain."""
    return evaluate(labels.argmax(axis=1), guesses)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, fit, measure, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the folder of a model")
    parser.add_argument("--source", type=Path, required=True, help="the folder of people's labels")
    parser.add_argument("--kept", type=Path, action="append", default=[], help="texts it has read")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the new model")
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.model)
    kinds = {
        kind: seen(bundle, texts, labels, balanced(labels))
        for kind, (texts, labels) in read_kinds(options.source / "validation.jsonl").items()
    }
    kept = []
    for file in options.kept:
        (texts, labels), *_ = read_kinds(file).values()
        chosen = Random(0).sample(range(len(texts)), min(KEPT_TEXTS, len(texts)))
        part = labels[chosen]
        kept.append(seen(bundle, [texts[index] for index in chosen], part, even(part)))
    pairs = [*left_out([*kinds.values()], kept)]
    for kind, pair in zip(kinds, pairs, strict=True):
        scores = measured(*pair)
        print(f"{kind}: macro recall {scores.macro_recall:.4f}, log-loss {scores.log_loss:.4f}")
    whole = measured(*map(np.concatenate, zip(*pairs, strict=True)))
    metrics = {
        "validation_accuracy": whole.accuracy,
        "validation_calibrated_loss": whole.log_loss,
        "temperature": 1.0,
    }
    new = with_new_output(bundle, together([*kinds.values(), *kept]))
    save_bundle(options.out, replace(new, metrics=metrics))
    return 0


if __name__ == "__main__":
    run_script(main)
