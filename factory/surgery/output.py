r"""Fit the output layer again, so that its scores are neither too sure nor too unsure.

    python -m factory.surgery.output --model runs/three/kinds --source runs/three/people \
        --kept runs/three/domains.jsonl --kept runs/three/turned.jsonl \
        --kept runs/three/turned.jsonl --out runs/three/default

A training reads many texts of some kinds and few of others, and its weights say what the network
shall learn, not how often a class occurs. So the output layer is too sure about some kinds and too
unsure about others. Here it alone is fitted again: Kirichenko, Izmailov & Wilson (2023), "Last
layer re-training is sufficient for robustness to spurious correlations". It learns from the
validation texts of `factory.texts.people`, which the network has not read. A part of the texts that
it has read (`--kept`) and a penalty on the change keep what it can do. Each kind and each file
counts the same; a file that is named twice counts twice. Within a kind, the weight of a class is
the square root of its number of texts.

The validation texts cannot measure the new layer, because it has read them. So four more layers are
fitted, each without a quarter of these texts, and predict the texts that they have not read.

Texts of users are often of a kind that no validation text has. There the layer is too sure. So the
temperature is fitted to kinds that a layer has not read: for each kind, a layer that is fitted to
the other kinds predicts its texts. The temperature with the lowest log-loss of these predictions is
used for all texts.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from sentiment_lstm.batching import length_batches, lengths_of
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.evaluation.metrics import Scores, evaluate
from sentiment_lstm.evaluation.polarity import CLASSES
from sentiment_lstm.inference.runtime import padded_batch
from sentiment_lstm.model.weights import classifier_from

PENALTY = 0.3
"""The weight of the penalty: the sum of the squared changes of the weights, with units scaled to
variance 1. The value was chosen on validation texts and the behaviour suite."""
KEPT_TEXTS = 6_000
"""The most texts of each `--kept` file."""
FOLDS = 4
"""The layers that measure. Equal texts are in the same fold."""
_BATCH_TOKENS = 30_000
_UPDATES = 120
NEUTRAL = CLASSES.index("neutral")
_LOGIT_OF_IMPOSSIBLE = -1e9
_TEMPERATURES = (0.5, 3.0)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Texts:
    """N texts as the output layer reads them.

    `units` are the pooled states, [N, P], and `logits` the output of the layer as it is, [N, 3].
    `labels` are probabilities, [N, 3]. `weights` are each text's part of the loss, [N]. `is_polar`
    says which texts are reviews, [N]: they are never neutral, so only the polarity of their
    prediction counts. `folds` says which layer predicts a text without having read it, [N].
    """

    units: Array
    logits: Array
    labels: Array
    weights: Array
    is_polar: NDArray[np.bool_]
    folds: NDArray[np.int64]

    def of(self, rows: NDArray[np.bool_]) -> Texts:
        """The texts of these rows, whose weights add up to 1."""
        return Texts(
            self.units[rows],
            self.logits[rows],
            self.labels[rows],
            self.weights[rows] / self.weights[rows].sum(),
            self.is_polar[rows],
            self.folds[rows],
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


def as_read(bundle: Bundle, texts: Sequence[str], labels: Array, weights: Array) -> Texts:
    """The texts as the output layer reads them."""
    units = pooled(bundle, texts)
    logits = units @ bundle.weights["output.weight"].T + bundle.weights["output.bias"]
    is_polar = np.full(len(texts), not labels[:, NEUTRAL].any())
    # `part_of_news` splits by the last digit of this number, so the folds take the others.
    folds = np.array([crc32(text.encode()) // 10 % FOLDS for text in texts])
    return Texts(units, logits / bundle.config.temperature, labels, weights, is_polar, folds)


def weights_by_class(labels: Array) -> Array:
    """Weights of texts that add up to 1; a class's weight is the square root of its count, [N]."""
    classes = labels.argmax(axis=1)
    weights: Array = 1 / np.sqrt(np.bincount(classes, minlength=len(CLASSES))[classes])
    weights /= weights.sum()
    return weights


def kept_part(bundle: Bundle, file: Path) -> Texts:
    """Up to `KEPT_TEXTS` texts of a file, drawn at random; all have the same weight."""
    ((texts, labels),) = read_kinds(file).values()
    rows = Random(0).sample(range(len(texts)), min(KEPT_TEXTS, len(texts)))
    weights = np.full(len(rows), 1 / len(rows))
    return as_read(bundle, [texts[row] for row in rows], labels[rows], weights)


def joined(parts: Sequence[Texts]) -> Texts:
    """The texts of all parts."""
    names = [field.name for field in fields(Texts)]
    return Texts(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def fitted_change(texts: Texts) -> tuple[Array, Array]:
    """The change of the output layer's weights, [3, P], and of its bias, [3]."""
    scale = texts.units.std(axis=0) + 1e-3
    units, weights = texts.units / scale, texts.weights / texts.weights.sum()
    shape = (len(CLASSES), units.shape[1])

    def loss(values: Array) -> tuple[float, Array]:
        change, bias = values[: -len(CLASSES)].reshape(shape), values[-len(CLASSES) :]
        guesses = of_polarity(texts.logits + units @ change.T + bias, texts.is_polar)
        surprise = -(texts.labels * np.log(guesses.clip(1e-12))).sum(axis=1)
        error = (guesses - texts.labels) * weights[:, None]
        slope = error.T @ units + 2 * PENALTY * change
        value = (weights * surprise).sum() + PENALTY * (change**2).sum()
        return float(value), np.concatenate([slope.ravel(), error.sum(axis=0)])

    start = np.zeros(shape[0] * shape[1] + len(CLASSES))
    solution = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _UPDATES})
    return solution.x[: -len(CLASSES)].reshape(shape) / scale, solution.x[-len(CLASSES) :]


def changed_logits(texts: Texts, change: Array, bias: Array) -> Array:
    """The logits after a change of the output layer's weights and bias, [N, 3]."""
    return texts.logits + texts.units @ change.T + bias


def of_polarity(logits: Array, is_polar: NDArray[np.bool_]) -> Array:
    """The probabilities of the classes, [N, 3]; a review has none for neutral."""
    logits = logits.copy()
    logits[is_polar, NEUTRAL] = _LOGIT_OF_IMPOSSIBLE
    return probabilities(logits)


def logits_without_reading(kinds: Sequence[Texts], kept: Sequence[Texts]) -> list[Array]:
    """For each kind, logits of layers that have not read the text, [N, 3]."""
    layers = [
        fitted_change(joined([*(kind.of(kind.folds != fold) for kind in kinds), *kept]))
        for fold in range(FOLDS)
    ]
    of_kinds = []
    for kind in kinds:
        logits = kind.logits.copy()
        for fold, (change, bias) in enumerate(layers):
            rows = kind.folds == fold
            logits[rows] = changed_logits(kind, change, bias)[rows]
        of_kinds.append(logits)
    return of_kinds


def temperature_of_new_kinds(kinds: Sequence[Texts], kept: Sequence[Texts]) -> float:
    """The temperature with the lowest log-loss on kinds that the output layer has not read."""
    predicted = []
    for new in kinds:
        change, bias = fitted_change(joined([*(kind for kind in kinds if kind is not new), *kept]))
        predicted.append((new, changed_logits(new, change, bias)))

    def loss(temperature: float) -> float:
        """The mean over the kinds; all texts of a kind count the same."""
        losses = []
        for kind, logits in predicted:
            guesses = of_polarity(logits / temperature, kind.is_polar)
            losses.append(-(kind.labels * np.log(guesses.clip(1e-12))).sum(axis=1).mean())
        return float(np.mean(losses))

    return float(minimize_scalar(loss, bounds=_TEMPERATURES, method="bounded").x)


def with_new_output(bundle: Bundle, texts: Texts, temperature: float) -> Bundle:
    """The bundle with its output layer fitted to the texts, and with this temperature."""
    weights = dict(bundle.weights)
    changes = zip(("output.weight", "output.bias"), fitted_change(texts), strict=True)
    for name, change in changes:
        weights[name] = (weights[name] / bundle.config.temperature + change).astype(np.float32)
    config = replace(bundle.config, temperature=temperature)
    return replace(bundle, config=config, weights=weights, graphs={}, card="")


def measured(labels: Array, class_probabilities: Array) -> Scores:
    """Measures of texts whose labels are certain."""
    return evaluate(labels.argmax(axis=1), class_probabilities)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, measure, fit, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the folder of a model")
    parser.add_argument("--source", type=Path, required=True, help="the folder of people's labels")
    parser.add_argument("--kept", type=Path, action="append", default=[], help="texts it has read")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the new model")
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.model)
    kinds = {
        kind: as_read(bundle, texts, labels, weights_by_class(labels))
        for kind, (texts, labels) in read_kinds(options.source / "validation.jsonl").items()
    }
    parts = {file: kept_part(bundle, file) for file in set(options.kept)}
    kept = [parts[file] for file in options.kept]
    logits = logits_without_reading([*kinds.values()], kept)
    for (kind, texts), of_kind in zip(kinds.items(), logits, strict=True):
        scores = measured(texts.labels, of_polarity(of_kind, texts.is_polar))
        print(f"{kind}: macro recall {scores.macro_recall:.4f}, log-loss {scores.log_loss:.4f}")
    labels = np.concatenate([texts.labels for texts in kinds.values()])
    temperature = temperature_of_new_kinds([*kinds.values()], kept)
    scores = measured(labels, probabilities(np.concatenate(logits), temperature))
    metrics = {
        "validation_accuracy": scores.accuracy,
        "validation_calibrated_loss": scores.log_loss,
        "temperature": temperature,
        "output_layer_fits": FOLDS,
    }
    new = with_new_output(bundle, joined([*kinds.values(), *kept]), temperature)
    save_bundle(options.out, replace(new, metrics=metrics))
    return 0


if __name__ == "__main__":
    run_script(main)
