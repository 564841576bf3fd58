"""One training, from its settings to a saved bundle, in a run folder that can be resumed.

The folder gets `settings.json` first, `metrics.jsonl` and `checkpoint.safetensors` while it trains,
and at the end the bundle (`config.json`, weights, tokenizer, card, `metrics.json`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sentiment_lstm.bundle import (
    RUN_SETTINGS,
    Bundle,
    is_bundle,
    is_run,
    load_bundle,
    save_bundle,
)
from sentiment_lstm.data.corpus import Corpus, load_corpus
from sentiment_lstm.data.label_notes import label_notes, rare_class_note
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import UsageError
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.storage import (
    as_json,
    explain_write_errors,
    locked,
    write_atomically,
    write_together,
)
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training import automatic, race
from sentiment_lstm.training.candidate_trials import CandidateTrials, hand_over
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.display import Display
from sentiment_lstm.training.distributed import (
    NOTHING_TO_RESUME,
    RESUME_IF_BEGUN,
    RankEndedError,
    received_files,
    send_files,
    with_all_ranks,
)
from sentiment_lstm.training.early_end import NOTHING_KEPT, BestSoFar, Stages
from sentiment_lstm.training.finishing import bundle_of, metrics_of
from sentiment_lstm.training.hardware import prepare
from sentiment_lstm.training.listener import Listener, Listeners
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.minutes import FILE as MINUTES
from sentiment_lstm.training.origin import origin_of
from sentiment_lstm.training.preparation import (
    adapt_initial_model,
    choose_tokenizer,
    load_initial_model,
    make_trainer,
    resolve,
)
from sentiment_lstm.training.pretraining import SECONDS, pretrained
from sentiment_lstm.training.ranks import (
    advice_to_continue,
    rank,
    rank_count,
    remember_count,
    require_same_count,
)
from sentiment_lstm.training.run_folder import (
    SET_ASIDE,
    files_to_resume,
    refuse_to_overwrite,
    remove_if_nothing_was_trained,
    remove_what_only_a_training_needs,
)
from sentiment_lstm.training.self_training import texts_to_label
from sentiment_lstm.training.session import Session
from sentiment_lstm.training.stages import train_stages
from sentiment_lstm.training.trackers import check_trackers, open_trackers
from sentiment_lstm.wording import first_names


@with_all_ranks
def train(
    settings: Settings,
    folder: Path,
    listener: Listener | None = None,
    *,
    resume_folder: Path | None = None,
    minutes: float | None = None,
    given_files: Mapping[str, bytes] | None = None,
    keep_best: bool = False,
) -> dict[str, Any]:
    """Train a new model into a folder that holds no run yet.

    Args:
        settings: what to read, build and do.
        folder: the run folder; it is made if it does not exist.
        listener: follows the progress; None: a bar or lines on standard error (`Display`).
        resume_folder: the folder that messages about `--resume` name, if the run is part of a
            search; None: `folder`.
        minutes: compare settings around the choice of preset `auto`. The whole run takes about this
            long. None: no race.
        given_files: files that the run reads (`given_texts`), to write into its folder: name ->
            content.
        keep_best: after the first epoch, Ctrl-C ends the run with the best model so far, and its
            metrics hold `interrupted`. Nothing can be resumed then.

    Returns:
        The run's metrics, as `metrics.json` holds them. `train_seconds` runs from reading the
        texts to the fitted wide path. The linear baseline does not count.

    Raises:
        UsageError: the folder holds a run already, or files that would be overwritten; or the
            settings cannot be raced.
        DataError, TrainingError, BundleError: from reading, training and saving.
        Interrupted: by SIGINT or SIGTERM; the state is saved if training had begun.
    """
    if rank():
        return _train_with_first_rank(resume_folder or folder) or {}
    if minutes is not None:
        race.check(settings, minutes)
    check_trackers(settings.training.trackers)
    initial_model = load_initial_model(settings, folder)
    settings = resolve(settings, initial_model)
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        files = dict(given_files or {})
        refuse_to_overwrite(folder, settings, has_race=minutes is not None, files=files)
        if minutes is not None:
            race.begin(folder, minutes)
            files[MINUTES] = as_json({"minutes": minutes})
        remember_count(folder)
        write_together(folder, {**files, RUN_SETTINGS: as_json(settings.to_dict())})
        best = BestSoFar(is_kept=keep_best)
        try:
            send_files(folder, files_to_resume(folder))
            listeners = _listeners(listener, settings, folder)
            return _run(settings, initial_model, folder, listeners, resume_folder or folder, best)
        except RankEndedError as error:
            if remove_if_nothing_was_trained(folder):
                raise RankEndedError(NOTHING_TO_RESUME) from error
            raise
        except Exception:
            remove_if_nothing_was_trained(folder)
            raise


@with_all_ranks
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
    if rank():
        return _train_with_first_rank(resume_folder or folder)
    if not is_run(folder):
        raise UsageError(
            f"Expected a run folder with {RUN_SETTINGS}, found none in {folder}: "
            "start one with 'sentiment-lstm train --out FOLDER'."
        )
    settings = read_json(folder / RUN_SETTINGS)
    with locked(folder):
        if is_bundle(folder):
            load_bundle(folder)  # raises if something is missing or damaged
            remove_what_only_a_training_needs(folder, settings)
            send_files(folder, ())
            return None
        require_same_count(folder)
        initial_model = load_initial_model(settings, folder)
        send_files(folder, files_to_resume(folder))
        listeners = _listeners(listener, settings, folder)
        return _run(settings, initial_model, folder, listeners, resume_folder or folder)


def _train_with_first_rank(run: Path) -> dict[str, Any] | None:
    """Train on another rank than the first, in a temporary folder; `run` is named in messages."""
    try:
        with received_files() as folder:
            if not (folder / RUN_SETTINGS).exists():
                return None  # the run is finished
            settings = read_json(folder / RUN_SETTINGS)
            return _run(settings, load_initial_model(settings, folder), folder, Listeners(), run)
    except RankEndedError as error:
        if not (run / RUN_SETTINGS).exists():  # or it is on another machine
            raise RankEndedError(RESUME_IF_BEGUN) from error
        raise


def _run(
    settings: Settings,
    initial_model: Bundle | None,
    folder: Path,
    listener: Listener,
    resume_folder: Path,
    best: BestSoFar = NOTHING_KEPT,
) -> dict[str, Any]:
    with Interrupts() as interrupts, _resumption_named(resume_folder, listener, best):
        clock = Clock()
        set_aside = _rows_set_aside(folder, settings)
        corpus = load_corpus(settings.data, settings.training.seed, set_aside, settings.mixture)
        _note_texts(corpus, set_aside, listener)
        if settings.training.auto:
            trials = _candidate_trials(corpus, resume_folder, interrupts, clock)
            settings, initial_model = _look(settings, trials, folder, listener)
            # Else the seconds of the trials that a race hands over would count twice.
            clock = Clock(clock.seconds)
        prepare(settings.training)
        provenance = origin_of(settings, initial_model)
        start = adapt_initial_model(initial_model, settings, corpus, folder, listener)
        if settings.language.epochs:
            start = pretrained(settings, corpus, set_aside, folder, listener, interrupts, start)
            # The language stage has counted its own seconds.
            clock = Clock(float(start.metrics[SECONDS]))  # type: ignore[arg-type]
        unlabelled = texts_to_label(settings, corpus, set_aside, listener)
        tokenizer = choose_tokenizer(start, [*corpus.sample, *unlabelled], settings)

        def fit(part: Corpus, stage: Path) -> Trainer:
            trainer = make_trainer(settings, part, tokenizer, start, stage)
            best.remember(part, trainer)
            Session(trainer, resume_folder, stage, interrupts, listener, clock).train()
            return trainer

        stages = _stages(tokenizer, start, folder, clock, listener)
        finished = best.train(stages, corpus, settings, fit, unlabelled, interrupts)
        metrics = metrics_of(finished, corpus, settings, folder, clock)
        # The later rows of a stream were screened during the training.
        corpus.screening |= {"rows read": set_aside.rows, "set aside": dict(set_aside.counts)}
        interrupts.deferred = True
        save_bundle(folder, bundle_of(settings, provenance, corpus, finished, metrics))
        remove_what_only_a_training_needs(folder, settings)
        _note_set_aside(set_aside, listener)
        listener.on_saved(folder, metrics)
    best.check(interrupts)
    return metrics


def _stages(
    tokenizer: TextTokenizer, start: Bundle | None, folder: Path, clock: Clock, listener: Listener
) -> Stages:
    return partial(
        train_stages,
        tokenizer=tokenizer,
        start=start,
        folder=folder,
        clock=clock,
        listener=listener,
    )


def _listeners(listener: Listener | None, settings: Settings, folder: Path) -> Listener:
    return Listeners([listener or Display(), *open_trackers(settings.training.trackers, folder)])


def _rows_set_aside(folder: Path, settings: Settings) -> SetAside:
    private = settings.training.private
    return SetAside(folder / SET_ASIDE, settings.data.strict, private=private)


@contextlib.contextmanager
def _resumption_named(folder: Path, listener: Listener, best: BestSoFar) -> Iterator[None]:
    """If a signal ends the block, say how to continue, if the run can be continued."""
    try:
        yield
    except Interrupted:
        if not best.is_kept:
            listener.on_note(advice_to_continue(folder))
        raise


def _candidate_trials(
    corpus: Corpus, resume_folder: Path, interrupts: Interrupts, clock: Clock
) -> CandidateTrials:
    def run_session(trainer: Trainer, stage: Path) -> None:
        Session(trainer, resume_folder, stage, interrupts, Listeners(), clock).train()

    return CandidateTrials(corpus, clock, run_session)


def _look(
    asked: Settings, trials: CandidateTrials, folder: Path, listener: Listener
) -> tuple[Settings, Bundle | None]:
    """Choose settings that suit the texts, write them, and read the model to start from.

    If candidates are to be raced, the winner's settings are chosen, and its trials are kept.
    """
    seen = automatic.look(trials.corpus, asked.data)
    chosen = automatic.choose(asked, seen)
    initial_model = load_initial_model(chosen, folder)
    settings = resolve(chosen, initial_model)
    for sentence in automatic.explain(settings, seen):
        listener.on_note(sentence)
    folder_of_winner = None
    if race.is_begun(folder):
        prepare(settings.training)
        winner = race.Race(asked, chosen, seen, folder, trials, listener).run_to_end()
        initial_model = load_initial_model(winner.settings, folder)
        settings, folder_of_winner = resolve(winner.settings, initial_model), winner.folder
    write_atomically(folder / RUN_SETTINGS, as_json(settings.to_dict()))
    if folder_of_winner:
        hand_over(folder_of_winner, folder, settings)
    race.remove(folder)
    return settings, initial_model


def _described(corpus: Corpus, set_aside: SetAside) -> str:
    shown = corpus.screening | {"set aside": set_aside.total}
    counts = ", ".join(f"{name} {count}" for name, count in shown.items() if count)
    return (
        f"{len(corpus.sample):,} texts to train on{' at first' if corpus.streaming else ''}, "
        f"{len(corpus.validation):,} to validate; {len(corpus.classes):,} classes: "
        f"{first_names(corpus.classes)} ({counts})"
        f"{f'; {rank_count()} processes' if rank_count() > 1 else ''}"
    )


def _note_texts(corpus: Corpus, set_aside: SetAside, listener: Listener) -> None:
    listener.on_note(_described(corpus, set_aside))
    lists = set_aside.lists
    for note in label_notes(corpus.classes, multi_label=corpus.multi_label, lists=lists):
        listener.on_note(note)
    if corpus.streaming:
        return
    if rare := rare_class_note(corpus.classes, (*corpus.sample, *corpus.validation)):
        listener.on_note(rare)


def _note_set_aside(set_aside: SetAside, listener: Listener) -> None:
    if set_aside.total:
        listener.on_note(
            f"Rows set aside: {set_aside.total:,} ({set_aside.summary()}): {set_aside.path}"
        )
