"""Trial trainings: each leaves out a part of the texts, and scores it.

The scores calibrate the model, and decide how much the LSTM and the wide path count. So the last
training can read every text. This file knows the parts of a training, not how a run is started or
resumed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.data.splitting import folds
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.records import Example
from sentiment_lstm.storage import write_atomically
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.listener import Listener

FOLDER = "trials"
LOGITS = "logits.safetensors"
OTHER_TEXTS = (
    "Expected the texts that the run in {} began with, found others: restore them, or start a new "
    "run."
)

Score = Callable[[Corpus, Path], NDArray[np.float32]]
"""Trains on a corpus in a folder; returns the logits of its validation texts, [N] or [N, C]."""


Part = tuple[Sequence[Example], Sequence[Example]]
"""The training texts of a trial, and the texts that it holds out."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A training that left out some texts.

    `logits`: those of the texts left out. `self_labelled`: texts that a first model had labelled
    for it (`self_training`).
    """

    training: Sequence[Example]
    held_out: Sequence[Example]
    logits: NDArray[np.float32]
    self_labelled: Sequence[Example] = ()


def run_trials(
    corpus: Corpus, count: int, seed: int, run: Path, clock: Clock, listener: Listener, score: Score
) -> list[Trial]:
    """Train `count` times, each time without one part of the texts.

    A finished trial is not repeated: its logits are read from its folder.

    Args:
        corpus: the texts. One trial leaves out the validation texts. Several divide all texts
            of the first source among them. With few texts there are fewer trials.
        count: the number of trials, at least 1.
        seed: fixes which texts each trial leaves out.
        run: the folder of the run; each trial gets a folder in its folder `trials`.
        clock: counts the seconds of the run.
        listener: gets a note when a trial begins.
        score: makes one training.

    Raises:
        UsageError: the texts are a stream.
        DataError: there are too few texts for several trials.
        TrainingError: the texts changed since a finished trial.
    """
    if corpus.streaming:
        raise UsageError(
            "Expected texts in memory for trials, found --streaming: set training.trials=0, or "
            "leave --streaming out."
        )
    trials = []
    parts = split_for_trials(corpus, count, seed)
    for number, (training, held_out) in enumerate(parts, start=1):
        folder = run / FOLDER / str(number)
        path, texts = folder / LOGITS, digest_of(training, held_out)
        is_finished = path.exists()
        if not is_finished:
            folder.mkdir(parents=True, exist_ok=True)
            listener.on_note(f"trial {number} of {len(parts)}")
            part = replace(corpus, sample=list(training), validation=list(held_out))
            logits = score(part, folder)
            seconds = np.array([clock.seconds])
            write_atomically(path, save({"logits": logits, "seconds": seconds, "texts": texts}))
        arrays = load(path.read_bytes())
        if not np.array_equal(arrays["texts"], texts):
            raise TrainingError(OTHER_TEXTS.format(run))
        if is_finished:
            clock.add_before(float(arrays["seconds"][0]))
        trials.append(Trial(training, held_out, arrays["logits"]))
    return trials


def logits_of_trials(trials: Sequence[Trial]) -> NDArray[np.float32]:
    """The logits of all texts that were left out, trial after trial."""
    return np.concatenate([trial.logits for trial in trials])


def folders_of_trials(run: Path) -> list[Path]:
    """The folders of the trials that a run has begun, in their order."""
    folders = [folder for folder in (run / FOLDER).glob("*") if folder.name.isdecimal()]
    return sorted(folders, key=lambda folder: int(folder.name))


def remove_trials(run: Path) -> None:
    """Delete the folders of the trials of a finished run."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)


def everything(corpus: Corpus) -> Corpus:
    """The corpus with all texts to train on, and none to validate."""
    return replace(corpus, sample=[*corpus.sample, *corpus.validation], validation=[])


def split_for_trials(corpus: Corpus, count: int, seed: int) -> list[Part]:
    """Each trial's training texts and held-out texts. Texts of a mixture are never held out."""
    if count == 1:
        return [(corpus.sample, corpus.validation)]
    first_source = [*corpus.sample[: corpus.from_first_source], *corpus.validation]
    examples = everything(corpus).sample
    parts: list[Part] = []
    for held_out in folds(first_source, count, seed):
        left_out = {id(example) for example in held_out}
        parts.append(([e for e in examples if id(e) not in left_out], held_out))
    return parts


def digest_of(*parts: Sequence[Example]) -> NDArray[np.uint8]:
    """SHA-256 of texts, labels and weights, to recognise them in a resumed run."""
    digest = hashlib.sha256()
    for part in parts:
        for example in part:
            labels = "|".join(example.all_labels)
            label = f"{labels}\0{example.soft_label}\0{example.text}\0"
            if example.class_probabilities is not None:
                label += f"{sorted(example.class_probabilities.items())}\0"
            label += "" if example.weight == 1 else f"{example.weight}\0"
            digest.update(label.encode(errors="surrogatepass"))
        digest.update(b"\0")
    return np.frombuffer(digest.digest(), dtype=np.uint8)
