"""One training, from its settings to a saved bundle, in a run folder that can be resumed.

The folder gets `settings.json` first, `metrics.jsonl` and `checkpoint.safetensors` while it trains,
and at the end the bundle (`config.json`, weights, tokenizer, card, `metrics.json`).
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sentiment_lstm import __version__
from sentiment_lstm.bundle import FILES, Bundle, Config, is_bundle, load_bundle, save_bundle
from sentiment_lstm.data.corpus import Corpus, load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.interrupts import Interrupts
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.weights import load_weights, to_arrays
from sentiment_lstm.settings import DataSettings, Settings, TrainingSettings, read_json
from sentiment_lstm.storage import as_json, explain_write_errors, locked, write_atomically
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.display import Display
from sentiment_lstm.training.embeddings import word2vec
from sentiment_lstm.training.feed import Feed, make_feed
from sentiment_lstm.training.hardware import prepare, settled
from sentiment_lstm.training.listener import Listener
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.metrics_log import METRICS_LOG, read_metrics
from sentiment_lstm.training.objective import Classification, balanced_weights
from sentiment_lstm.training.origin import origin_of
from sentiment_lstm.training.pretraining import FOLDER as LANGUAGE
from sentiment_lstm.training.pretraining import SECONDS, pretrained
from sentiment_lstm.training.session import Session
from sentiment_lstm.training.temperature import FEWEST, calibrate

SETTINGS = "settings.json"
SET_ASIDE = "set_aside.jsonl"
_UNCALIBRATED = (
    f"Fewer than {FEWEST} mistakes on the validation texts are too few for calibration, so "
    "probabilities stay as the network gives them: more texts or a larger data.validation help."
)


def train(
    settings: Settings,
    folder: Path,
    listener: Listener | None = None,
    *,
    resumed_by: Path | None = None,
) -> dict[str, Any]:
    """Train a new model into a folder that holds no run yet.

    Args:
        settings: what to read, build and do.
        folder: the run folder; it is made if it does not exist.
        listener: follows the progress; None: a bar or lines on standard error (`Display`).
        resumed_by: the folder that messages name for `train --resume`, if the run is a part of
            something else, such as a search; None: `folder`.

    Returns:
        The run's metrics, as `metrics.json` holds them. `train_seconds` counts everything from
        reading the texts to the last validation.

    Raises:
        UsageError: the folder holds a run already, or files that would be overwritten.
        DataError, TrainingError, BundleError: from reading, training and saving.
        Interrupted: by SIGINT or SIGTERM; the state is saved if training had begun.
    """
    settings = _completed(settings)
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _refuse_to_overwrite(folder, settings)
        write_atomically(folder / SETTINGS, as_json(settings.to_dict()))
        try:
            return _run(settings, folder, listener or Display(), resumed_by or folder)
        except Exception:
            _remove_if_nothing_was_trained(folder)
            raise


def resume(
    folder: Path, listener: Listener | None = None, *, resumed_by: Path | None = None
) -> dict[str, Any] | None:
    """Go on with an interrupted run. It ends with the same weights as an uninterrupted one.

    Arguments are those of `train`.

    Returns:
        The run's metrics; None if the run was finished already.

    Raises:
        UsageError: the folder holds no run.
        TrainingError: data or settings changed since, or the checkpoint is damaged.
        BundleError: the finished model is damaged.
        DataError, Interrupted: as in `train`.
    """
    if not (folder / SETTINGS).exists():
        raise UsageError(
            f"Expected a run folder with {SETTINGS}, found none in {folder}: "
            "start one by 'sentiment-lstm train --out FOLDER'."
        )
    if is_bundle(folder):
        load_bundle(folder)  # raises if something is missing or damaged
        return None
    with locked(folder):
        settings = read_json(folder / SETTINGS)
        return _run(settings, folder, listener or Display(), resumed_by or folder)


def _run(settings: Settings, folder: Path, listener: Listener, resumed_by: Path) -> dict[str, Any]:
    started, before = time.monotonic(), 0.0
    prepare(settings.training)
    with Interrupts() as interrupts:
        set_aside = SetAside(folder / SET_ASIDE, settings.data.strict)
        corpus = load_corpus(settings.data, settings.training.seed, set_aside, settings.mixture)
        listener.on_note(_described(corpus))
        origin = origin_of(settings)
        start = _load_start(settings, corpus, folder, listener)
        if settings.language.epochs:
            start = pretrained(settings, corpus, set_aside, folder, listener, interrupts, start)
            # That stage has counted its own seconds.
            started, before = time.monotonic(), float(start.metrics[SECONDS])  # type: ignore[arg-type]
        tokenizer = start.tokenizer if start else _learnt_tokenizer(corpus, settings)
        # That stage has also counted the rows set aside in the unlabelled sources.
        uncounted = None if settings.language.epochs else set_aside
        feed = make_feed(corpus, tokenizer, settings, uncounted)
        fresh = not (folder / checkpoint.FILE).exists()
        model = _first_model(settings, feed, tokenizer, corpus, start, fresh=fresh)
        objective = _objective(settings.training, feed, len(corpus.classes))
        trainer = Trainer(model, settings.training, feed, objective)
        session = Session(trainer, resumed_by, folder, interrupts, listener, started, before)
        session.train()
        metrics = _metrics(trainer, session)
        if metrics["temperature"] == 1.0:
            listener.on_note(_UNCALIBRATED)
        # A stream's later rows were screened while it trained.
        corpus.screening |= {"rows read": set_aside.rows, "set aside": dict(set_aside.counts)}
        save_bundle(folder, _bundle(settings, origin, corpus, tokenizer, trainer, metrics))
        session.path.unlink(missing_ok=True)
        if set_aside.total:
            listener.on_note(
                f"{set_aside.total:,} rows set aside ({set_aside.summary()}): {set_aside.path}"
            )
        interrupts.check()
    return metrics


def _completed(settings: Settings) -> Settings:
    """The settings with everything that follows from them: a start's network, `auto` values."""
    if settings.training.init:
        settings = _with_network_of(load_bundle(Path(settings.training.init)), settings)
    _check_language(settings)
    return replace(settings, training=settled(settings.training))


def _with_network_of(start: Bundle, settings: Settings) -> Settings:
    """Settings of a run that goes on from a bundle: network and vocabulary are the bundle's.

    Dropout and `max_tokens` are the run's own. Spelling slips are corrected if either says so.
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


def _check_language(settings: Settings) -> None:
    """Refuse unlabelled texts that nothing reads, and a language stage that cannot be."""
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


def _refuse_to_overwrite(folder: Path, settings: Settings) -> None:
    """Refuse a folder that holds a run, or files that are not ours or that this run reads."""
    has_run = (folder / SETTINGS).exists() or is_bundle(folder)
    in_the_way = [name for name in (*FILES, METRICS_LOG) if (folder / name).exists()]
    if any(_is_source(folder / SET_ASIDE, data) for data in (settings.data, *settings.mixture)):
        in_the_way.append(SET_ASIDE)
    if in_the_way and not has_run:
        raise UsageError(
            "Expected a folder whose files can be written, found "
            f"{', '.join(in_the_way)} in {folder}: name another by --out."
        )
    if has_run:
        raise UsageError(
            f"Expected a folder without a run, found one in {folder}: go on with it by "
            f"'sentiment-lstm train --resume {folder}', or name another by --out."
        )


def _is_source(file: Path, data: DataSettings) -> bool:
    return file.exists() and Path(data.source).exists() and file.samefile(data.source)


def _remove_if_nothing_was_trained(folder: Path) -> None:
    """After a failure before the first update, another run may have the folder's name."""
    if read_metrics(folder) or (folder / LANGUAGE).exists():
        return
    (folder / SETTINGS).unlink()
    (folder / METRICS_LOG).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _described(corpus: Corpus) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in corpus.screening.items() if count)
    return (
        f"{len(corpus.sample):,} texts to train on{' at first' if corpus.streaming else ''}, "
        f"{len(corpus.validation):,} to validate; classes {', '.join(corpus.classes)} ({counts})"
    )


def _load_start(
    settings: Settings, corpus: Corpus, folder: Path, listener: Listener
) -> Bundle | None:
    """The bundle of `training.init`; None without one, or after a finished language stage."""
    init = settings.training.init
    if not init or (settings.language.epochs and is_bundle(folder / LANGUAGE)):
        return None
    start = load_bundle(Path(init))
    start = replace(start, tokenizer=start.tokenizer.cleaning_as_today(settings.text))
    if start.config.classes != corpus.classes:
        listener.on_note(
            f"{init} has the classes {', '.join(start.config.classes)}: the output layer is learnt "
            "anew for other classes; give them the same names by --label-map to keep it."
        )
    return start


def _learnt_tokenizer(corpus: Corpus, settings: Settings) -> TextTokenizer:
    return TextTokenizer.learn((example.text for example in corpus.sample), settings.text)


def _first_model(
    settings: Settings,
    feed: Feed,
    tokenizer: TextTokenizer,
    corpus: Corpus,
    start: Bundle | None,
    *,
    fresh: bool,
) -> LSTMClassifier:
    """The model before its first update. If a checkpoint follows, costly steps are left out."""
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


def _objective(settings: TrainingSettings, feed: Feed, classes: int) -> Classification:
    class_weights = None
    if settings.class_weights:
        class_weights = torch.from_numpy(balanced_weights(feed.sample.labels, classes))
    return Classification(
        word_dropout=settings.word_dropout,
        class_weights=class_weights,
        adversarial=settings.adversarial,
        virtual_adversarial=settings.virtual_adversarial,
        entropy=settings.entropy,
        perturbation=settings.perturbation,
    )


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
    origin: dict[str, Any],
    corpus: Corpus,
    tokenizer: TextTokenizer,
    trainer: Trainer,
    metrics: dict[str, Any],
) -> Bundle:
    config = Config(
        model=settings.model,
        text=settings.text,
        classes=corpus.classes,
        temperature=metrics["temperature"],
        provenance={
            "version": __version__,
            **origin,
            "texts": len(corpus.sample),
            "screening": corpus.screening,
        },
    )
    return Bundle(config, tokenizer, to_arrays(trainer.best), metrics)
