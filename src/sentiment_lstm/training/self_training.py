"""Self-training: a first model labels texts without labels, a second one learns from all texts.

The labels are soft: the probability of each class (Xie et al. 2020, "Self-training with noisy
student"). Dropout is the noise. Both models make the same number of updates.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from sentiment_lstm.data.corpus import Corpus, unlabelled_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, TrainingError
from sentiment_lstm.evaluation.calibration import probabilities
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings
from sentiment_lstm.storage import write_atomically
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.combining import wide_logits
from sentiment_lstm.training.feed import encode
from sentiment_lstm.training.listener import Listener
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.temperature import logits_of
from sentiment_lstm.training.trials import OTHER_TEXTS, digest_of
from sentiment_lstm.training.wide import with_learnt_features

TEACHER, LABELS = "teacher", "labels.safetensors"
"""In the folder of a second model: the folder of the first one, and the labels that it gave."""
_MOST_TEXTS = 10_000
"""With few labels, a training makes few updates, so it would not read more texts."""
_LEAST_PROBABILITY = 0.03
"""A class with a lower probability is left out, so many classes need no more memory than few."""

Fit = Callable[[Corpus, Path], Trainer]
"""Trains the network on a corpus, with its files in a folder, and returns the finished trainer."""


def texts_to_label(
    settings: Settings, corpus: Corpus, set_aside: SetAside, listener: Listener
) -> list[Example]:
    """The texts without labels that the training uses; none without `training.self_training`.

    Args:
        settings: `language.sources` names the sources.
        corpus: its texts are left out.
        set_aside: gets the bad rows of the sources.
        listener: gets a note with the number of texts.

    Raises:
        DataError: a source cannot be read, or has no text that is not in the corpus.
    """
    if not settings.training.self_training:
        return []
    # The language stage counts the bad rows if there is one.
    counting = SetAside(None) if settings.language.epochs else set_aside
    examples = unlabelled_texts(settings, corpus, counting)
    if not examples:
        raise DataError(
            "Expected unlabelled texts besides the labelled ones, found none: name another source, "
            "or leave --unlabelled out."
        )
    if len(examples) > _MOST_TEXTS:
        rng = np.random.default_rng(settings.training.seed)
        rows = np.sort(rng.permutation(len(examples))[:_MOST_TEXTS])
        listener.on_note(f"{_MOST_TEXTS:,} of {len(examples):,} texts without labels are used")
        return [examples[row] for row in rows]
    listener.on_note(f"{len(examples):,} texts without labels")
    return examples


def with_labels_of_teacher(
    part: Corpus,
    unlabelled: Sequence[Example],
    folder: Path,
    fit: Fit,
    tokenizer: TextTokenizer,
    settings: Settings,
) -> Corpus:
    """Add the unlabelled texts to a corpus, with the labels of a first model of this corpus.

    If the first model has given its labels before, they are read from the folder.

    Args:
        part: the first model learns from it.
        unlabelled: the texts to label.
        folder: the folder of the second model.
        fit: trains the first model.
        tokenizer: the tokenizer of both models.
        settings: the settings of the run.
    """
    path = folder / LABELS
    if not path.exists():
        teacher = fit(part, folder / TEACHER)
        logits = _logits(part, unlabelled, teacher, tokenizer, settings)
        arrays = {**_as_arrays(probabilities(logits)), "texts": digest_of(unlabelled)}
        write_atomically(path, save(arrays))
    shutil.rmtree(folder / TEACHER, ignore_errors=True)  # also that of a process that was killed
    return replace(part, sample=[*part.sample, *read_labels(unlabelled, part.classes, folder)])


def read_labels(
    unlabelled: Sequence[Example], classes: Sequence[str], folder: Path
) -> list[Example]:
    """The unlabelled texts with the labels of the first model.

    Args:
        unlabelled: the texts that it labelled.
        classes: the names of the classes.
        folder: the folder of the second model.

    Raises:
        TrainingError: these are not the texts that the first model labelled.
    """
    arrays = load((folder / LABELS).read_bytes())
    if not np.array_equal(arrays["texts"], digest_of(unlabelled)):
        raise TrainingError(OTHER_TEXTS.format(folder))
    class_probabilities: list[dict[str, float]] = [{} for _ in unlabelled]
    for row, class_index, probability in zip(
        *(arrays[name].tolist() for name in ("rows", "classes", "probabilities")), strict=True
    ):
        class_probabilities[row][classes[class_index]] = probability
    return [
        replace(example, label=max(given, key=given.__getitem__), class_probabilities=given)
        for example, given in zip(unlabelled, class_probabilities, strict=True)
    ]


def _as_arrays(scores: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    """The text, the class and the value of each probability [N, C] that is not very low."""
    kept = np.where(scores >= min(_LEAST_PROBABILITY, 1 / scores.shape[1]), scores, 0.0)
    kept = (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)
    rows, classes = map(np.ascontiguousarray, np.nonzero(kept))  # as safetensors needs them
    return {"rows": rows, "classes": classes, "probabilities": kept[rows, classes]}


def _logits(
    part: Corpus,
    unlabelled: Sequence[Example],
    teacher: Trainer,
    tokenizer: TextTokenizer,
    settings: Settings,
) -> NDArray[np.float32]:
    """The mean logits of the LSTM and of the wide path, [N] or [N, C]."""
    placeholders = [replace(example, label=part.classes[0]) for example in unlabelled]
    window = encode(placeholders, tokenizer, part.classes, settings.text.max_tokens)
    deep, most = logits_of(teacher, window), settings.model.wide_features
    if most:
        private = settings.training.private
        tokenizer = with_learnt_features(tokenizer, part.sample, most, private=private)
    if tokenizer.features is None:
        return deep
    both = replace(part, validation=list(unlabelled))
    is_balanced = settings.training.class_weights
    wide = wide_logits(both, tokenizer, [(part.sample, unlabelled)], is_balanced=is_balanced)
    return np.asarray((deep + wide) / 2, dtype=np.float32)
