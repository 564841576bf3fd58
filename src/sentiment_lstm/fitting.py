"""Trains a model from Python: on texts in memory, or on a source as the command `train` does.

This file checks the arguments of a program. `training.run` trains.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment_lstm import in_memory, presets
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import is_run, load_bundle
from sentiment_lstm.cores import checked_threads
from sentiment_lstm.errors import UsageError
from sentiment_lstm.finding import find_start
from sentiment_lstm.given_training import GivenTexts, without_none
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.progress import checked_verbose, followers
from sentiment_lstm.python_names import errors_in_python
from sentiment_lstm.resuming import check_same_settings, check_same_texts
from sentiment_lstm.settings import Settings
from sentiment_lstm.storage import checked_folder
from sentiment_lstm.training.ranks import rank_count

if TYPE_CHECKING:
    from sentiment_lstm.training.listener import Listener

_LANGUAGE_EPOCHS = 3
"""Epochs of the language stage if unlabelled texts are given without a setting for them."""
_one_at_a_time = threading.RLock()
"""Held by a training, because all threads of a process share torch's random numbers."""


def _release_in_child() -> None:
    """Make a new lock: a forked child lacks the thread that would release the old one."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


def train(
    texts: object = None,
    labels: object = None,
    *,
    out: str | os.PathLike[str] | None = None,
    preset: str = "auto",
    settings: Mapping[str, object] | None = None,
    start: str | os.PathLike[str] | None = None,
    minutes: float | None = None,
    unlabelled: object = None,
    sample_weight: object = None,
    multi_label: bool = False,
    seed: int | None = None,
    threads: int | None = None,
    listener: Listener | None = None,
    verbose: int | None = None,
    resume: bool = False,
) -> SentimentClassifier:
    """Train a model, as the command `train` does.

    Trainings in threads of one process run one after the other.

    Args:
        texts: a list, an array or a series of texts; or a string or path that names a source, such
            as `"reviews.csv"` or `"data:emotion"`. None: the source in `settings` (`data.source`),
            or `imdb`.
        labels: the label of each text, if texts are given. If a text may have several labels: a
            list of labels for each text, or a table of 0 and 1 with a column for each label.
        out: the folder for the training and the finished model. None: a temporary folder, and the
            model is only returned.
        preset: `auto` looks at the texts and chooses the settings. Others: `quick`, `seed`.
        settings: settings by their names, such as `{"training.epochs": 3}`. They win over `seed`
            and `threads`.
        start: a model to start from: a folder, `english`, `default`, `tiny`, or the name of a model
            on the hub.
        minutes: compare the choice of `auto` with other settings for about this long.
        unlabelled: texts without labels that also help: in memory, or the name of one source.
        sample_weight: the weight of each text in memory. Only the ratios count. A text of weight 0
            is left out. For a source, set `data.weight_column`.
        multi_label: a text may have several labels, or none.
        seed: fixes all that is random; None: 0.
        threads: CPU threads in training and scoring; None: one for each core.
        listener: follows the progress (`training.listener.Listener`).
        verbose: 0 shows nothing. 1 shows a bar on a terminal and a few lines. 2 shows a line for
            each epoch. None: 1, or 0 if a listener is given.
        resume: continue the run in `out` if there is one. It keeps its texts and settings. The
            other arguments may be left out. If they are given, they must be the same. Give a preset
            only together with its settings.

    Returns:
        The trained classifier. `bundle.metrics` holds the numbers of the training.

    Raises:
        UsageError: an argument does not fit; a setting names other texts than the arguments; `out`
            holds a run and `resume` is false; `resume` is true without `out`; or several processes
            train together.
        DataError: the texts cannot be used, for example because all have the same label.
        TrainingError: the training cannot go on.
        MissingExtraError: a library that training needs is not installed.
        KeyboardInterrupt: by Ctrl-C. With `out`, the state is saved. Without it, this is only
            raised before the first epoch has ended, or while `minutes` compares settings. Later,
            the best model so far is returned, and its metrics hold `interrupted`.
    """
    _require_one_process()
    if resume and out is None:
        raise UsageError(
            "Expected out, the folder of a run, with resume=True, found none: name the folder."
        )
    verbose = checked_verbose(verbose, listener)
    minutes = _checked_minutes(minutes)
    threads = None if threads is None else checked_threads(threads)
    given = GivenTexts.checked(texts, labels, unlabelled, sample_weight, multi_label=multi_label)
    own_settings = checked_settings(settings)
    given.check_no_setting_of_texts(own_settings)
    options: dict[str, object] = {"training.seed": seed, "training.threads": threads}
    if not verbose and (note := in_memory.single_text_note(row["label"] for row in given.rows)):
        warnings.warn(note, stacklevel=2)  # otherwise a line of the display says so
    with (
        _obeying_signals(),
        errors_in_python(in_memory=bool(given.rows)),
        _run_folder(out) as folder,
    ):
        if start is not None:
            options["training.init"] = str(find_start(start))
        changes = without_none(options) | own_settings
        hidden = folder if out is None else None
        follow = followers(verbose, listener, in_memory=bool(given.rows), hidden=hidden)
        if resume and is_run(folder):
            check_same_texts(folder, given.source, given.files(), given.unlabelled_source)
            check_same_settings(folder, preset, changes, minutes)
            _resume(folder, follow)
        else:
            chosen = presets.chosen(preset, given.options(folder) | changes)
            chosen = chosen if start else with_use_of_unlabelled(chosen)
            _train(chosen, folder, follow, given.files(), minutes, keep_best=out is None)
        bundle = load_bundle(folder)
    if out is None:
        bundle = replace(bundle, folder=None, card="")  # the card would have the folder's name
    return SentimentClassifier(bundle, threads or 0)


def _checked_minutes(minutes: float | None) -> float | None:
    try:
        return None if minutes is None else float(minutes)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"Expected a number of minutes, found {minutes!r:.40}: give one, such as 10."
        ) from error


def checked_settings(settings: Mapping[str, object] | None) -> dict[str, object]:
    """The settings as a dict.

    Raises:
        UsageError: they are no mapping.
    """
    if not isinstance(settings, Mapping | None):
        raise UsageError(
            f"Expected settings as a dict, found {settings!r:.40}: give names and values, such as "
            "{'training.epochs': 3}."
        )
    return dict(settings or {})


def with_use_of_unlabelled(settings: Settings) -> Settings:
    """Train a language model on unlabelled texts first, if no setting says how to use them."""
    has_use = settings.language.epochs or settings.training.self_training
    if has_use or not settings.language.sources:
        return settings
    return settings.updated({"language.epochs": _LANGUAGE_EPOCHS})


def _require_one_process() -> None:
    """Refuse to train among several processes, of which only the first would get a model.

    Raises:
        UsageError: `torchrun` started several.
    """
    if rank_count() > 1:
        raise UsageError(
            f"Expected one process with train in Python, found {rank_count()}: start it without "
            "torchrun, or use the command train."
        )


@contextmanager
def _obeying_signals() -> Iterator[None]:
    """Obey SIGTERM as outside a training, but only after a temporary folder was deleted."""
    try:
        yield
    except Interrupted as error:
        signal.raise_signal(error.exit_code - 128)
        raise


@contextmanager
def _run_folder(out: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The absolute path of the run's folder; a temporary one is deleted after the block."""
    if out is not None:
        yield checked_folder(out).expanduser().absolute()
        return
    with tempfile.TemporaryDirectory(prefix="sentiment-lstm-") as folder:
        yield Path(folder) / "model"


def _train(
    settings: Settings,
    folder: Path,
    listener: Listener,
    files: Mapping[str, bytes],
    minutes: float | None,
    *,
    keep_best: bool,
) -> None:
    from sentiment_lstm.training.run import train

    with _alone_with_torch_restored(folder, is_kept=not keep_best):
        train(settings, folder, listener, minutes=minutes, given_files=files, keep_best=keep_best)


def _resume(folder: Path, listener: Listener) -> None:
    from sentiment_lstm.training.run import resume

    with _alone_with_torch_restored(folder, is_kept=True):
        resume(folder, listener)


@contextmanager
def _alone_with_torch_restored(folder: Path, *, is_kept: bool) -> Iterator[None]:
    """Train alone, leave torch as it was, and turn an interruption into what programs expect.

    Ctrl-C raises KeyboardInterrupt.
    """
    import torch

    from sentiment_lstm.training.hardware import keep_freed_memory

    with _one_at_a_time:
        threads, random_state = torch.get_num_threads(), torch.get_rng_state()
        try:
            yield
        except Interrupted as error:
            number = error.exit_code - 128
            if number != signal.SIGINT:
                raise
            advice = f": continue with train(out={str(folder)!r}, resume=True)" if is_kept else ""
            raise KeyboardInterrupt(f"The training was interrupted{advice}.") from None
        finally:
            torch.set_num_threads(threads)
            torch.set_rng_state(random_state)
            torch.set_flush_denormal(False)
            keep_freed_memory(False)
