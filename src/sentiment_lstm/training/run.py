"""A training from settings to a saved bundle, in a run folder that can be taken up again.

The folder gets `settings.json` first, then `metrics.jsonl` and `checkpoint.safetensors` as it
goes, at the end the bundle (`config.json`, weights, tokenizer, card, `metrics.json`).
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from sentiment_lstm import __version__
from sentiment_lstm.bundle import FILES, Bundle, Config, is_bundle, load_bundle, save_bundle
from sentiment_lstm.data.corpus import Corpus, load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.interrupts import Interrupts
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.weights import load_weights, to_arrays
from sentiment_lstm.settings import DataSettings, Settings, TrainingSettings, read_json
from sentiment_lstm.storage import as_json, locked, one_sentence, write_atomically
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.calibrating import FEWEST, calibrate
from sentiment_lstm.training.display import METRICS_LOG, read_metrics
from sentiment_lstm.training.embeddings import word2vec
from sentiment_lstm.training.feed import Feed, make_feed
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.machine import prepare, settled
from sentiment_lstm.training.objective import Classification, balanced_weights
from sentiment_lstm.training.pretraining import FOLDER as LANGUAGE
from sentiment_lstm.training.pretraining import SECONDS, pretrained
from sentiment_lstm.training.session import Session, Whole

SETTINGS = "settings.json"
SET_ASIDE = "set_aside.jsonl"
_UNCALIBRATED = (
    f"Fewer than {FEWEST} mistakes on the validation texts: too few to calibrate by, so "
    "probabilities stay as the network gives them; more texts or data.validation help."
)


def train(
    settings: Settings, folder: Path, console: Console, whole: Whole | None = None
) -> dict[str, Any]:
    """Train anew into a folder that holds no run yet.

    Args:
        settings: what to read, build and do.
        folder: the run folder; made where it does not exist.
        console: where progress is shown.
        whole: what the run is a part of.

    Returns:
        The run's metrics, as `metrics.json` holds them; `train_seconds` counts everything from
        reading the texts to the last validation.

    Raises:
        UsageError: the folder already holds a run.
        DataError, TrainingError, BundleError: as reading, training and saving raise them.
        Interrupted: by SIGINT or SIGTERM; what can be saved has been.
    """
    if settings.training.init:
        settings = _as_started(settings, load_bundle(Path(settings.training.init)))
    _check_language(settings)
    settings = replace(settings, training=settled(settings.training))
    with one_sentence(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _check_free(folder, settings)
        if (folder / SETTINGS).exists() or is_bundle(folder):
            raise UsageError(
                f"Expected a folder without a run, found one in {folder}: go on with it by "
                f"'sentiment-lstm train --resume {folder}', or name another by --out."
            )
        write_atomically(folder / SETTINGS, as_json(settings.to_dict()))
        try:
            return _run(settings, folder, console, whole)
        except Exception:
            if not (
                read_metrics(folder) or (folder / LANGUAGE).exists()
            ):  # nothing was trained: the name is free again
                (folder / SETTINGS).unlink()
                (folder / METRICS_LOG).unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise


def resume(folder: Path, console: Console, whole: Whole | None = None) -> dict[str, Any] | None:
    """Go on with an interrupted run; it ends with the weights of an uninterrupted one.

    Returns:
        The run's metrics; None where the run was finished already.

    Raises:
        UsageError: the folder holds no run.
        TrainingError: the data or settings changed since, or the checkpoint is damaged.
        BundleError: the finished model is damaged.
    """
    if not (folder / SETTINGS).exists():
        raise UsageError(
            f"Expected a run folder with {SETTINGS}, found none in {folder}: "
            "start one by 'sentiment-lstm train --out FOLDER'."
        )
    if is_bundle(folder):
        load_bundle(folder)  # says what is missing or damaged
        return None
    with locked(folder):
        return _run(read_json(folder / SETTINGS), folder, console, whole)


def _run(settings: Settings, folder: Path, console: Console, whole: Whole | None) -> dict[str, Any]:
    started = time.monotonic()
    prepare(settings.training)
    with Interrupts() as interrupts:
        set_aside = SetAside(folder / SET_ASIDE, settings.data.strict)
        corpus = load_corpus(settings.data, settings.training.seed, set_aside, settings.mixture)
        _note_corpus(corpus, console)
        start = _start(settings, corpus, set_aside, folder, console, interrupts)
        tokenizer = start.tokenizer if start else _learnt_tokenizer(corpus, settings)
        counted = settings.language.epochs > 0  # that stage has read the unlabelled sources
        feed = make_feed(corpus, tokenizer, settings, None if counted else set_aside)
        fresh = not (folder / checkpoint.FILE).exists()
        model = _model(settings, feed, tokenizer, corpus, start, fresh=fresh)
        objective = _objective(settings.training, feed, len(corpus.classes))
        trainer = Trainer(model, settings.training, feed, objective)
        resumed_by = whole.run if whole else folder
        before = 0.0
        if start and settings.language.epochs:  # that stage has counted its own seconds
            started, before = time.monotonic(), float(start.metrics[SECONDS])  # type: ignore[arg-type]
        session = Session(trainer, resumed_by, folder, interrupts, started, before, whole)
        session.train(console)
        # A stream's later rows were screened while it trained.
        corpus.screening |= {"rows read": set_aside.rows, "set aside": dict(set_aside.counts)}
        metrics = _metrics(trainer, session)
        if metrics["temperature"] == 1.0:
            console.print(_UNCALIBRATED, highlight=False, soft_wrap=True)
        save_bundle(folder, _bundle(settings, corpus, tokenizer, trainer, metrics))
        session.path.unlink(missing_ok=True)
        if set_aside.total:
            told = f"{set_aside.total:,} rows set aside ({set_aside.summary()}): {set_aside.path}"
            console.print(told, highlight=False, markup=False, soft_wrap=True)
        interrupts.check()
    return metrics


def _check_free(folder: Path, settings: Settings) -> None:
    """Refuse to write over files that no run of ours has left, or that this one reads."""
    ours = (folder / SETTINGS).exists() or is_bundle(folder)
    found = [name for name in (*FILES, METRICS_LOG) if (folder / name).exists()]
    if any(_is_read(folder / SET_ASIDE, data) for data in (settings.data, *settings.mixture)):
        found.append(SET_ASIDE)
    if found and not ours:
        raise UsageError(
            f"Expected a folder whose files can be written, found {', '.join(found)} in {folder}: "
            "name another by --out."
        )


def _is_read(file: Path, data: DataSettings) -> bool:
    return file.exists() and Path(data.source).exists() and file.samefile(data.source)


def _check_language(settings: Settings) -> None:
    """Refuse a language stage, or texts for it, that the rest of the settings has no use for."""
    readers = settings.training.virtual_adversarial or settings.training.entropy
    if settings.language.sources and not (settings.language.epochs or readers):
        raise UsageError(
            "Expected a use for the unlabelled texts, found none: set language.epochs, "
            "training.virtual_adversarial or training.entropy, or leave --unlabelled out."
        )
    if settings.language.epochs and settings.model.bidirectional:
        raise UsageError(
            "Expected a model of one direction for a language model, found two: leave out "
            "--unlabelled and language.epochs, or model.bidirectional."
        )


def _start(
    settings: Settings,
    corpus: Corpus,
    set_aside: SetAside,
    folder: Path,
    console: Console,
    interrupts: Interrupts,
) -> Bundle | None:
    """What the training goes on from: a bundle, the language model learnt first, or nothing."""
    init, language = settings.training.init, settings.language.epochs > 0
    needed = not (language and is_bundle(folder / LANGUAGE))
    start = load_bundle(Path(init)) if init and needed else None
    if start is not None:
        start = replace(start, tokenizer=start.tokenizer.cleaning_as_today(settings.text))
        if start.config.classes != corpus.classes:
            told = ", ".join(start.config.classes)
            console.print(
                f"{init} tells {told}: what tells these classes is learnt anew; name them the same "
                "by --label-map to keep what it knows.",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
    if language:
        return pretrained(settings, corpus, set_aside, folder, console, interrupts, start)
    return start


def _objective(settings: TrainingSettings, feed: Feed, classes: int) -> Classification:
    weights = None
    if settings.class_weights:
        weights = torch.from_numpy(balanced_weights(feed.sample.labels, classes))
    return Classification(
        word_dropout=settings.word_dropout,
        class_weights=weights,
        adversarial=settings.adversarial,
        virtual_adversarial=settings.virtual_adversarial,
        entropy=settings.entropy,
        perturbation=settings.perturbation,
    )


def _note_corpus(corpus: Corpus, console: Console) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in corpus.screening.items() if count)
    console.print(
        f"{len(corpus.sample):,} texts to train on{' at first' if corpus.streaming else ''}, "
        f"{len(corpus.validation):,} to validate; classes {', '.join(corpus.classes)} ({counts})",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _learnt_tokenizer(corpus: Corpus, settings: Settings) -> TextTokenizer:
    return TextTokenizer.learn((example.text for example in corpus.sample), settings.text)


def _as_started(settings: Settings, start: Bundle) -> Settings:
    """A run that goes on from a bundle keeps its network and words; dropout and cuts may differ.

    Slips that the bundle corrects are corrected on; a run may begin to, none ends it.
    """
    model = replace(
        start.config.model,
        dropout=settings.model.dropout,
        embedding_dropout=settings.model.embedding_dropout,
    )
    text = replace(
        start.config.text,
        max_tokens=settings.text.max_tokens,
        correct_slips=start.config.text.correct_slips or settings.text.correct_slips,
    )
    return replace(settings, model=model, text=text)


def _model(
    settings: Settings,
    feed: Feed,
    tokenizer: TextTokenizer,
    corpus: Corpus,
    start: Bundle | None,
    *,
    fresh: bool,
) -> LSTMClassifier:
    """The network before its first update; where a checkpoint follows, costly starts are spared."""
    torch.manual_seed(settings.training.seed)
    try:
        model = LSTMClassifier(settings.model, len(tokenizer), len(corpus.classes))
    except (RuntimeError, MemoryError) as error:
        raise TrainingError(
            "Expected a model that fits into memory, found none is left for it: "
            "lower model.hidden_size, model.embedding_size or text.vocabulary."
        ) from error
    if start:
        same_classes = start.config.classes == corpus.classes
        kept = {k: v for k, v in start.weights.items() if same_classes or "output." not in k}
        load_weights(model, kept)
    elif fresh and settings.training.embeddings == "word2vec":
        vectors = word2vec(
            feed.sample.ids, len(tokenizer), settings.model.embedding_size, settings.training
        )
        with torch.no_grad():
            model.embedding.weight.copy_(torch.from_numpy(vectors))
    if fresh and (settings.training.adversarial or settings.training.virtual_adversarial):
        model.normalise_embedding(torch.from_numpy(feed.token_counts(len(tokenizer))))
    return model


def _metrics(trainer: Trainer, session: Session) -> dict[str, Any]:
    progress = trainer.progress
    numbers = {k: v for k, v in progress.best.items() if k.startswith(("train_", "validation_"))}
    temperature, calibrated_loss = calibrate(trainer)
    return {
        **numbers,
        "validation_calibrated_loss": calibrated_loss,
        "temperature": temperature,
        "best_epoch": progress.best["epoch"],
        "epochs": progress.epoch,
        "steps": progress.step,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "train_seconds": round(session.seconds, 1),
    }


def _bundle(
    settings: Settings,
    corpus: Corpus,
    tokenizer: TextTokenizer,
    trainer: Trainer,
    metrics: dict[str, Any],
) -> Bundle:
    provenance = {
        "version": __version__,
        "settings": settings.to_dict(),
        "texts": len(corpus.sample),
        "screening": corpus.screening,
    }
    config = Config(
        model=settings.model,
        text=settings.text,
        classes=corpus.classes,
        temperature=metrics["temperature"],
        provenance=provenance,
    )
    return Bundle(config, tokenizer, to_arrays(trainer.best), metrics)
