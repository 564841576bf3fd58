"""One training, from its settings to a saved bundle, in a run folder that can be resumed.

The folder gets `settings.json` first, `metrics.jsonl` and `checkpoint.safetensors` while it trains,
and at the end the bundle (`config.json`, weights, tokenizer, card, `metrics.json`).
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from sentiment_lstm import __version__
from sentiment_lstm.bundle import (
    FILES,
    RUN_SETTINGS,
    Bundle,
    Config,
    is_bundle,
    load_bundle,
    save_bundle,
)
from sentiment_lstm.data.corpus import Corpus, load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.source_names import path_of
from sentiment_lstm.errors import UsageError
from sentiment_lstm.interrupts import Interrupts
from sentiment_lstm.model.weights import to_arrays
from sentiment_lstm.settings import DataSettings, Settings, read_json
from sentiment_lstm.storage import as_json, explain_write_errors, locked, write_atomically
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.display import Display
from sentiment_lstm.training.hardware import prepare
from sentiment_lstm.training.listener import Listener
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.metrics_log import METRICS_LOG, read_metrics
from sentiment_lstm.training.origin import origin_of
from sentiment_lstm.training.preparation import (
    adapt_initial_model,
    choose_tokenizer,
    load_initial_model,
    make_trainer,
    resolve,
)
from sentiment_lstm.training.pretraining import FOLDER as LANGUAGE
from sentiment_lstm.training.pretraining import SECONDS, pretrained
from sentiment_lstm.training.session import Session
from sentiment_lstm.training.temperature import FEWEST, calibrate

SET_ASIDE = "set_aside.jsonl"
_UNCALIBRATED = (
    f"Fewer than {FEWEST} validation mistakes: too few to calibrate. Use more texts or a larger "
    "data.validation."
)


def train(
    settings: Settings,
    folder: Path,
    listener: Listener | None = None,
    *,
    resume_folder: Path | None = None,
) -> dict[str, Any]:
    """Train a new model into a folder that holds no run yet.

    Args:
        settings: what to read, build and do.
        folder: the run folder; it is made if it does not exist.
        listener: follows the progress; None: a bar or lines on standard error (`Display`).
        resume_folder: the folder that messages about `--resume` name, if the run is part of a
            search; None: `folder`.

    Returns:
        The run's metrics, as `metrics.json` holds them. `train_seconds` runs from reading the
        texts to the last validation.

    Raises:
        UsageError: the folder holds a run already, or files that would be overwritten.
        DataError, TrainingError, BundleError: from reading, training and saving.
        Interrupted: by SIGINT or SIGTERM; the state is saved if training had begun.
    """
    initial_model = load_initial_model(settings, folder)
    settings = resolve(settings, initial_model)
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _refuse_to_overwrite(folder, settings)
        write_atomically(folder / RUN_SETTINGS, as_json(settings.to_dict()))
        try:
            return _run(
                settings, initial_model, folder, listener or Display(), resume_folder or folder
            )
        except Exception:
            _remove_if_nothing_was_trained(folder)
            raise


def resume(
    folder: Path, listener: Listener | None = None, *, resume_folder: Path | None = None
) -> dict[str, Any] | None:
    """Continue an interrupted run. It ends with the same weights as an uninterrupted one.

    The arguments are those of `train`.

    Returns:
        The run's metrics; None if the run was finished already.

    Raises:
        UsageError: the folder holds no run.
        TrainingError: data or settings changed since, or the checkpoint is damaged.
        BundleError: the finished model is damaged.
        DataError, Interrupted: as in `train`.
    """
    if not (folder / RUN_SETTINGS).exists():
        raise UsageError(
            f"Expected a run folder with {RUN_SETTINGS}, found none in {folder}: "
            "start one with 'sentiment-lstm train --out FOLDER'."
        )
    if is_bundle(folder):
        load_bundle(folder)  # raises if something is missing or damaged
        return None
    with locked(folder):
        settings = read_json(folder / RUN_SETTINGS)
        initial_model = load_initial_model(settings, folder)
        return _run(settings, initial_model, folder, listener or Display(), resume_folder or folder)


def _run(
    settings: Settings,
    initial_model: Bundle | None,
    folder: Path,
    listener: Listener,
    resume_folder: Path,
) -> dict[str, Any]:
    started, seconds_before = time.monotonic(), 0.0
    prepare(settings.training)
    with Interrupts() as interrupts:
        set_aside = SetAside(folder / SET_ASIDE, settings.data.strict)
        corpus = load_corpus(settings.data, settings.training.seed, set_aside, settings.mixture)
        listener.on_note(_described(corpus))
        provenance = origin_of(settings, initial_model)
        start = adapt_initial_model(initial_model, settings, corpus, folder, listener)
        if settings.language.epochs:
            start = pretrained(settings, corpus, set_aside, folder, listener, interrupts, start)
            # The language stage has counted its own seconds.
            started, seconds_before = time.monotonic(), float(start.metrics[SECONDS])  # type: ignore[arg-type]
        tokenizer = choose_tokenizer(start, corpus, settings)
        trainer = make_trainer(settings, corpus, tokenizer, start, set_aside, folder)
        session = Session(
            trainer, resume_folder, folder, interrupts, listener, started, seconds_before
        )
        session.train()
        metrics = _metrics(trainer, session, listener)
        # The later rows of a stream were screened during the training.
        corpus.screening |= {"rows read": set_aside.rows, "set aside": dict(set_aside.counts)}
        save_bundle(folder, _bundle(settings, provenance, corpus, tokenizer, trainer, metrics))
        session.path.unlink(missing_ok=True)
        _note_set_aside(set_aside, listener)
        interrupts.check()
    return metrics


def _refuse_to_overwrite(folder: Path, settings: Settings) -> None:
    """Refuse a folder that holds a run, other files, or a source of this run."""
    has_run = (folder / RUN_SETTINGS).exists() or is_bundle(folder)
    in_the_way = [name for name in (*FILES, METRICS_LOG) if (folder / name).exists()]
    if any(_is_source(folder / SET_ASIDE, data) for data in (settings.data, *settings.mixture)):
        in_the_way.append(SET_ASIDE)
    if in_the_way and not has_run:
        raise UsageError(
            "Expected a folder whose files can be written, found "
            f"{', '.join(in_the_way)} in {folder}: name another with --out."
        )
    if has_run:
        raise UsageError(
            f"Expected a folder without a run, found one in {folder}: continue it with "
            f"'sentiment-lstm train --resume {folder}', or name another with --out."
        )


def _is_source(file: Path, data: DataSettings) -> bool:
    source = path_of(data.source)
    return file.exists() and source.exists() and file.samefile(source)


def _remove_if_nothing_was_trained(folder: Path) -> None:
    """If no update was made, delete the settings so that the folder can be used again."""
    if read_metrics(folder) or (folder / LANGUAGE).exists():
        return
    (folder / RUN_SETTINGS).unlink()
    (folder / METRICS_LOG).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _described(corpus: Corpus) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in corpus.screening.items() if count)
    return (
        f"{len(corpus.sample):,} texts to train on{' at first' if corpus.streaming else ''}, "
        f"{len(corpus.validation):,} to validate; classes {', '.join(corpus.classes)} ({counts})"
    )


def _metrics(trainer: Trainer, session: Session, listener: Listener) -> dict[str, Any]:
    """The best epoch's numbers and the temperature; notes a model that is not calibrated."""
    progress = trainer.progress
    numbers = {k: v for k, v in progress.best.items() if k.startswith(("train_", "validation_"))}
    temperature, calibrated_loss = calibrate(trainer)
    if temperature is None:
        listener.on_note(_UNCALIBRATED)
    return {
        **numbers,
        "validation_calibrated_loss": calibrated_loss,
        "temperature": 1.0 if temperature is None else temperature,
        "best_epoch": progress.best["epoch"],
        "epochs": progress.epoch,
        "steps": progress.step,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "train_seconds": round(session.seconds, 1),
    }


def _note_set_aside(set_aside: SetAside, listener: Listener) -> None:
    if set_aside.total:
        listener.on_note(
            f"{set_aside.total:,} rows set aside ({set_aside.summary()}): {set_aside.path}"
        )


def _bundle(
    settings: Settings,
    provenance: dict[str, Any],
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
            **provenance,
            "texts": len(corpus.sample),
            "screening": corpus.screening,
        },
    )
    return Bundle(config, tokenizer, to_arrays(trainer.best), metrics)
