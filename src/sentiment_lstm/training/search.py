"""A search for better settings: trials around given settings. Poor trials are stopped early.

The folder gets `search.json` first, and again after every trial. Together with the checkpoint of
the current trial it is the whole state of the search. Each trial is a run in the folder `trials`.
Only the best trial keeps its weights, and at the end the folder becomes its bundle. This file
knows runs and their numbers, not texts or networks.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from sentiment_lstm.bundle import (
    CARD,
    CONFIG,
    RUN_SETTINGS,
    TOKENIZER,
    WEIGHTS,
    is_bundle,
    is_run,
    load_bundle,
    save_bundle,
)
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.setting_names import current_name, flattened
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.storage import as_json, explain_write_errors, locked, write_atomically
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.display import Display
from sentiment_lstm.training.hardware import resolve_auto
from sentiment_lstm.training.listener import Listener, Listeners, Numbers
from sentiment_lstm.training.metrics_log import METRICS_LOG, read_metrics
from sentiment_lstm.training.run import resume, train
from sentiment_lstm.training.run_folder import SET_ASIDE
from sentiment_lstm.training.suggesting import lags_behind, require_optuna, space, suggest

FILE = "search.json"
TRIALS = "trials"


class _PrunedError(Exception):
    """Ends a trial that is worse than the others were after as many epochs."""


@dataclass(frozen=True, slots=True)
class Search:
    """The state of a search, as `search.json` holds it.

    `settings`: the settings of the first trial, which the other trials vary. `trials`: their
    number. `fixed`: names of settings that no trial varies. `data`: SHA-256 of the texts.
    `finished`: a row for each finished trial, in order: `trial` (from 1), `outcome` (`complete`,
    `pruned` or `failed`), `settings` (value by name), `losses` (validation loss in nats of each
    epoch), `epochs`; `validation_loss` and `validation_accuracy` of the best epoch and `seconds`
    (None if no epoch ended); `error` (why it failed, else None).
    """

    settings: Settings
    trials: int
    fixed: tuple[str, ...]
    data: str = ""
    finished: tuple[dict[str, Any], ...] = ()

    @property
    def best(self) -> dict[str, Any] | None:
        """The row with the lowest validation loss."""
        complete = [row for row in self.finished if row["outcome"] == "complete"]
        return min(complete, key=lambda row: row["validation_loss"], default=None)


def search(
    settings: Settings,
    trials: int,
    folder: Path,
    fixed: Collection[str] = (),
    listener: Listener | None = None,
) -> Search:
    """Try the given settings, then others around them, and keep the best trial's model.

    Trials are compared by their validation loss. It also chooses the epoch within a run, it
    punishes false confidence, and it differs even if two trials have the same accuracy. The same
    data, settings and number of trials give the same trials, interrupted or not.

    Args:
        settings: the settings of the first trial; the others vary what `suggesting.space` says.
        trials: their number, including trials that are stopped early.
        folder: the folder of the search: new, or begun by the same call.
        fixed: names of settings that no trial varies.
        listener: follows the progress; None: a bar or lines on standard error.

    Raises:
        MissingExtraError: Optuna is not installed.
        UsageError: there are no trials, nothing to vary, or the folder holds something else.
        TrainingError: the texts changed since the search began, or every trial failed.
        DataError, BundleError, Interrupted: as in `run.train`.
    """
    require_optuna()
    _check(settings, trials, fixed)
    settings = replace(settings, training=resolve_auto(settings.training))
    asked = Search(settings, trials, tuple(sorted(fixed)))
    if (folder / FILE).exists():
        _require_same(folder, asked)
        return resume_search(folder, listener)
    if is_run(folder) or is_bundle(folder):
        raise UsageError(
            f"Expected a folder without a run for the search, found one in {folder}: name another "
            "with --out."
        )
    begun = replace(asked, data=_digest(settings))
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _write(folder, begun)
        return _run(begun, folder, listener or Display())


def resume_search(folder: Path, listener: Listener | None = None) -> Search:
    """Continue a search. Finished trials stay. The current trial continues from its checkpoint.

    Returns:
        The finished search. If it was finished already, nothing changes.

    Raises:
        UsageError: `search.json` cannot be read.
        MissingExtraError, TrainingError, DataError, BundleError, Interrupted: as in `search`.
    """
    require_optuna()
    with locked(folder):
        begun = _read(folder)
        if not is_bundle(folder) and _digest(begun.settings) != begun.data:
            raise TrainingError(
                f"Expected the texts that the search in {folder} began with, found others: "
                "restore them, or start a new search."
            )
        return _run(begun, folder, listener or Display())


def _check(settings: Settings, trials: int, fixed: Collection[str]) -> None:
    if trials < 1:
        raise UsageError(f"Expected at least 1 trial for --search, found {trials}.")
    if settings.training.auto or settings.training.trials:
        name = "preset auto" if settings.training.auto else "training.trials above 0"
        raise UsageError(
            f"Expected settings that keep texts for validation to search around, found {name}: "
            "name preset quick, and leave training.trials at 0."
        )
    if settings.language.epochs:
        raise UsageError(
            "Expected a search without a language model, which each trial would learn again, found "
            "language.epochs above 0: train once, then search with --init RUN/language."
        )
    if not space(settings, fixed):
        raise UsageError("Expected a setting to vary, found all of them given: give fewer.")


def _require_same(folder: Path, asked: Search) -> None:
    if replace(_read(folder), data="", finished=()) != asked:
        raise UsageError(
            f"Expected the settings and trials that the search in {folder} began with, found "
            f"others: continue it with 'sentiment-lstm train --resume {folder}', or change --out."
        )


def _digest(settings: Settings) -> str:
    """SHA-256 of the texts that train (of a stream, the first ones) and validate."""
    quiet = SetAside(None, settings.data.strict)
    corpus = load_corpus(settings.data, settings.training.seed, quiet, settings.mixture)
    digest = hashlib.sha256()
    for example in chain(corpus.sample, corpus.validation):
        digest.update(
            f"{'|'.join(example.all_labels)}\0{example.text}\0".encode(errors="surrogatepass")
        )
    return digest.hexdigest()


def _run(now: Search, folder: Path, listener: Listener) -> Search:
    if not is_bundle(folder):
        write_atomically(folder / RUN_SETTINGS, as_json(now.settings.to_dict()))
        while len(now.finished) < now.trials:
            now = replace(now, finished=(*now.finished, _trial(now, folder, listener)))
            _write(folder, now)
            _tidy(now, folder)
        _keep_best(now, folder)
    _tidy(now, folder)
    return now


def _trial(now: Search, folder: Path, listener: Listener) -> dict[str, Any]:
    """Run or continue the next trial, and return its row."""
    number = len(now.finished) + 1
    run = _folder_of(folder, number)
    changes = _changes(now, run)
    values = ", ".join(f"{name.partition('.')[2]} {value}" for name, value in changes.items())
    listener.on_note(f"trial {number} of {now.trials}: {values}")
    outcome, reason = "complete", None
    try:
        _train(now, changes, folder, run, listener)
    except _PrunedError:
        outcome = "pruned"
    except TrainingError as error:
        outcome, reason = "failed", str(error)
    listener.on_note(f"trial {number}: {outcome}{f': {reason}' if reason else ''}")
    row = {"trial": number, "outcome": outcome, "settings": changes}
    return row | _numbers(run) | {"error": reason}


def _changes(now: Search, run: Path) -> dict[str, Any]:
    """The values of a trial: those in its folder, else given (trial 1) or suggested values."""
    kinds = space(now.settings, now.fixed)
    begun = (run / RUN_SETTINGS).exists()
    if now.finished and not begun:
        return suggest(now.finished, kinds, now.settings.training.seed)
    settings = read_json(run / RUN_SETTINGS) if begun else now.settings
    values = flattened(settings.to_dict())
    return {name: values[name] for name in kinds}


class _Pruner(Listener):
    """Ends a trial after an epoch if the finished trials were better after as many epochs."""

    def __init__(self, now: Search, run: Path) -> None:
        self.now, self.run = now, run

    def on_epoch(self, numbers: Numbers) -> None:
        """Compare the losses in `metrics.jsonl`, including the epoch that just ended."""
        self.check()

    def check(self) -> None:
        """Raise `_PrunedError` if the trial is worse."""
        losses = [line["validation_loss"] for line in _epochs(self.run)]
        if lags_behind(self.now.finished, losses, self.now.settings.training.epochs):
            raise _PrunedError


def _train(
    now: Search, changes: Mapping[str, Any], folder: Path, run: Path, listener: Listener
) -> None:
    """Train the trial, from its checkpoint if there is one."""
    pruner = _Pruner(now, run)
    both = Listeners([listener, pruner])
    if (run / RUN_SETTINGS).exists():
        pruner.check()  # an interruption may have come before the checkpoint
        try:
            resume(run, both, resume_folder=folder)
        except TrainingError:  # the checkpoint is damaged or unusable: start the trial again
            shutil.rmtree(run)
        else:
            return
    train(now.settings.updated(changes), run, both, resume_folder=folder)


def _numbers(run: Path) -> dict[str, Any]:
    """The part of a row that comes from the run's epochs, with the loss of the model it keeps."""
    epochs = _epochs(run)
    best: Mapping[str, float] = min(epochs, key=lambda e: e["validation_loss"], default={})
    if epochs and read_json(run / RUN_SETTINGS).training.keep == "last":
        best = epochs[-1]
    return {
        "losses": [line["validation_loss"] for line in epochs],
        "epochs": len(epochs),
        "validation_loss": best.get("validation_loss"),
        "validation_accuracy": best.get("validation_accuracy"),
        "seconds": epochs[-1]["seconds"] if epochs else None,
    }


def _epochs(run: Path) -> list[dict[str, float]]:
    return [line for line in read_metrics(run) if "validation_loss" in line]


def _keep_best(now: Search, folder: Path) -> None:
    """Make the folder the best trial's run and bundle. The card says how it was chosen."""
    if now.best is None:
        raise TrainingError(
            f"Expected a trial of {now.trials} to end well, found that all failed, the first by: "
            f"{now.finished[0]['error']}"
        )
    run = _folder_of(folder, now.best["trial"])
    for name in (RUN_SETTINGS, METRICS_LOG, SET_ASIDE):
        if (run / name).exists():
            write_atomically(folder / name, (run / name).read_bytes())
    bundle = load_bundle(run)
    chosen = {"search": {"trials": now.trials, "best": now.best["trial"]}}
    config = replace(bundle.config, provenance={**bundle.config.provenance, **chosen})
    save_bundle(folder, replace(bundle, config=config, card=""))


def _tidy(now: Search, folder: Path) -> None:
    """Delete files that finished trials no longer need. The best trial keeps its weights."""
    kept = None if is_bundle(folder) else now.best
    for row in now.finished:
        if row is not kept:
            for name in (CARD, TOKENIZER, WEIGHTS, CONFIG, checkpoint.FILE, SET_ASIDE):
                (_folder_of(folder, row["trial"]) / name).unlink(missing_ok=True)


def _folder_of(folder: Path, number: int) -> Path:
    return folder / TRIALS / f"{number:02d}"


def _write(folder: Path, now: Search) -> None:
    plain = {
        "trials": now.trials,
        "best": now.best and now.best["trial"],
        "finished": now.finished,
        "fixed": now.fixed,
        "data": now.data,
        "settings": now.settings.to_dict(),
    }
    write_atomically(folder / FILE, as_json(plain))


def _read(folder: Path) -> Search:
    try:
        plain = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Search(
            Settings.from_dict(plain["settings"]),
            int(plain["trials"]),
            tuple(current_name(name) for name in plain["fixed"]),
            plain["data"],
            tuple(_named_today(row) for row in plain["finished"]),
        )
    except UsageError:  # also a ValueError: a setting that does not fit
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"Expected the state of a search in {folder / FILE}, found it damaged ({error!r}): "
            "start a new search with another --out."
        ) from error


def _named_today(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `search.json`, which may hold old names of settings."""
    return {**row, "settings": {current_name(name): v for name, v in row["settings"].items()}}
