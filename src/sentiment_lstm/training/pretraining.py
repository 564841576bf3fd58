"""The language stage: before the classifier, a language model learns to predict each next token.

It reads the training texts and unlabelled texts. The stage ends with a bundle in the run's folder.
Its output layer is zero, so it gives every class the same probability. A training can start from
it (`training.init`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sentiment_lstm import __version__
from sentiment_lstm.batching import Window, count_batches, lengths_of
from sentiment_lstm.bundle import Bundle, Config, is_bundle, load_bundle, save_bundle
from sentiment_lstm.data.corpus import Corpus, unlabelled_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError
from sentiment_lstm.interrupts import Interrupts
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.language import LanguageModel
from sentiment_lstm.model.weights import load_weights, to_arrays
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings, TrainingSettings
from sentiment_lstm.storage import explain_write_errors
from sentiment_lstm.text.identifiers import learnable
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.feed import Feed
from sentiment_lstm.training.listener import Listener
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import NextToken
from sentiment_lstm.training.ranks import rank_count
from sentiment_lstm.training.session import Session

FOLDER, SECONDS = "language", "train_seconds"
_VALIDATION_TOKENS = 100_000
"""Validation tokens: enough to know the mean loss to 0.01 nats. More would take minutes."""


def pretrained(
    settings: Settings,
    corpus: Corpus,
    set_aside: SetAside,
    run: Path,
    listener: Listener,
    interrupts: Interrupts,
    start: Bundle | None = None,
) -> Bundle:
    """Train the language model, or continue it, or return it if it is finished.

    Args:
        settings: the section `language` says how; the run has the same network and vocabulary.
        corpus: its training texts are read besides the unlabelled texts; its validation texts
            measure the loss.
        set_aside: gets the bad rows of the unlabelled sources.
        run: the folder of the run; the bundle is saved in its folder `language`.
        listener: follows the progress.
        interrupts: the signals of the run.
        start: the bundle to continue from (vocabulary and weights), as Howard & Ruder (2018) do on
            texts of the domain; None: start from scratch.

    Raises:
        DataError: there is no text of two tokens or more, or a source cannot be read.
        TrainingError, Interrupted: as in `Session.train`.
    """
    folder, started = run / FOLDER, time.monotonic()
    unlabelled = unlabelled_texts(settings, corpus, set_aside)  # always: it counts rows set aside
    if is_bundle(folder):
        (folder / checkpoint.FILE).unlink(missing_ok=True)  # a kill may have left it
        return load_bundle(folder)
    texts = [example.text for example in chain(corpus.sample, unlabelled)]
    learnt_from = learnable(texts, private=settings.training.private)
    tokenizer = start.tokenizer if start else TextTokenizer.learn(learnt_from, settings.text)
    listener.on_note(
        f"language model: {len(texts):,} texts to read, {len(unlabelled):,} without labels"
    )
    feed = _feed(texts, corpus.validation, tokenizer, settings)
    torch.manual_seed(settings.training.seed)
    classifier = language_network(settings, len(tokenizer), len(corpus.classes), start)
    counts = feed.token_counts(len(tokenizer))
    model = LanguageModel(classifier, torch.from_numpy(counts).float(), settings.language.negatives)
    trainer = Trainer(model, language_plan(settings), feed, NextToken())
    with explain_write_errors(folder):
        folder.mkdir(exist_ok=True)
    clock = Clock(started=started)
    session = Session(trainer, run, folder, interrupts, listener, clock)
    session.train()
    model.load_state_dict(trainer.best)
    best = trainer.progress.best.items()
    metrics = {name.replace("validation_", "language_"): value for name, value in best}
    metrics[SECONDS] = round(clock.seconds, 1)
    bundle = _bundle(settings, corpus, tokenizer, classifier, metrics, len(texts))
    save_bundle(folder, bundle)
    session.path.unlink(missing_ok=True)
    interrupts.check()
    return bundle


def pieces(ids: Iterable[NDArray[np.int32]], most: int) -> list[NDArray[np.int32]]:
    """Cut texts into pieces of at most `most` tokens, and leave out pieces of one token.

    `pieces([[1, 2, 3, 4, 5], [6]], 2)` -> `[[1, 2], [3, 4]]`
    """
    cut = (text[start : start + most] for text in ids for start in range(0, len(text), most))
    return [piece for piece in cut if len(piece) > 1]


def _feed(
    texts: Sequence[str],
    validation: Sequence[Example],
    tokenizer: TextTokenizer,
    settings: Settings,
) -> Feed:
    most = settings.language.max_tokens
    training = _window(tokenizer, texts, most)
    held_out = _window(tokenizer, [example.text for example in validation], most)
    if not (training.ids and held_out.ids):
        raise DataError(
            "Expected texts of two tokens and more for the language model, to train and to "
            "validate, found none: add longer texts or set language.epochs=0."
        )
    kept = np.cumsum(lengths_of(held_out.ids)) <= _VALIDATION_TOKENS
    kept[0] = True
    held_out = Window(held_out.ids[: int(kept.sum())], held_out.labels[: int(kept.sum())])
    plan = language_plan(settings)
    lengths = lengths_of(training.ids)
    steps = count_batches(
        lengths, plan.batch_tokens, plan.seed, plan.epochs, world_size=rank_count()
    )
    return Feed(lambda: [training], training, held_out, steps)


def _window(tokenizer: TextTokenizer, texts: Sequence[str], most: int) -> Window:
    ids = pieces((encoded.ids for encoded in tokenizer.encode(texts)), most)
    return Window(ids, np.zeros(len(ids), dtype=np.int64))


def language_network(
    settings: Settings, vocabulary: int, classes: int, start: Bundle | None
) -> LSTMClassifier:
    """The run's network with the language model's dropout and an output layer of zeros.

    A new embedding starts small, because it is also the output layer of the language model.
    """
    dropout = settings.language.dropout
    shape = replace(settings.model, dropout=dropout, embedding_dropout=dropout)
    classifier = LSTMClassifier(shape, vocabulary, classes)
    if start:
        load_weights(classifier, {k: v for k, v in start.weights.items() if "output." not in k})
    with torch.no_grad():
        if not start:
            classifier.embedding.weight.mul_(0.1)
        for parameter in classifier.output.parameters():
            parameter.zero_()
    return classifier


def language_plan(settings: Settings) -> TrainingSettings:
    """The training settings of the language stage: its own schedule, the run's other settings."""
    language = settings.language
    return replace(
        settings.training,
        epochs=language.epochs,
        batch_tokens=language.batch_tokens,
        learning_rate=language.learning_rate,
        decay="linear",
        warmup=0.01,
        batch_texts=0,
        patience=0,
        max_steps=0,
        embedding_rate=1.0,
        weight_average=0.0,
    )


def _bundle(
    settings: Settings,
    corpus: Corpus,
    tokenizer: TextTokenizer,
    classifier: LSTMClassifier,
    metrics: dict[str, float],
    texts: int,
) -> Bundle:
    provenance = {
        "version": __version__,
        "stage": "language model; its classes are not learnt yet",
        "settings": settings.to_dict(),
        "texts": texts,
    }
    config = Config(settings.model, settings.text, corpus.classes, provenance=provenance)
    weights = to_arrays(classifier.state_dict())
    return Bundle(config, tokenizer, weights, metrics)
